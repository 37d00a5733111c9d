"""The facts about one person that the rules look at."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from patron_purge.states import Reason


@dataclass(frozen=True, slots=True)
class Patron:
    """One person as Alma shows them right now.

    Attributes:
        primary_id: The primary id exactly as Alma spells it.
        asked_id: The id that was asked for; differs from `primary_id` when Alma found somebody else by
            another identifier.
        user_group: User group code.
        record_type: `PUBLIC`, `STAFF` or `CONTACT`.
        expiry_date: Day the account expires; None when Alma has none.
        purge_date: Day from which the record may be purged; None when Alma has none.
        last_activity: Day of the last patron activity; None when unknown.
        loans: Number of active loans; None when Alma did not say.
        requests: Number of active requests; None when Alma did not say.
        open_fees: Money owed in any open status (active, disputed, exported); None when Alma did not say, or
            gave sums that differ.
        credit: Money the library owes this person, as a positive amount; None as for `open_fees`.
        active_roles: Codes of the active roles (200 is Patron); None when Alma did not say.
        identifiers: Every other identifier of the record (barcodes and the like); None when Alma did not say.
        linked_copy: Whether the record is a copy of another institution's patron.
        blocks: Texts of the active blocks.
        notes: Texts of the notes.
        proxy_for: Number of people this person is a proxy for.
        preferred_first_name: The first name that the person goes by, where Alma has another one.
        preferred_last_name: The last name that the person goes by, where Alma has another one.
        fees_on_record: Balance that the user record itself shows, credits taken off; None when it shows none.
    """

    primary_id: str
    asked_id: str
    first_name: str
    last_name: str
    user_group: str
    record_type: str
    expiry_date: date | None
    purge_date: date | None
    last_activity: date | None
    loans: int | None
    requests: int | None
    open_fees: Decimal | None
    credit: Decimal | None
    active_roles: tuple[str, ...] | None
    identifiers: tuple[str, ...] | None
    linked_copy: bool
    blocks: tuple[str, ...]
    notes: tuple[str, ...]
    proxy_for: int
    preferred_first_name: str = ""
    preferred_last_name: str = ""
    fees_on_record: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a person is held back, with the value that did it (personal data: ledger only)."""

    reason: Reason
    detail: str = ""
