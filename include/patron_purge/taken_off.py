"""People whom the reviewer takes off the list; nobody is ever put on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from patron_purge.decision import Person
from patron_purge.digest import digest_of_rest
from patron_purge.errors import RunFileError
from patron_purge.ledger import hold_back, ids_in_state
from patron_purge.patron import Finding
from patron_purge.states import Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

LONGEST_REASON = 300


class TakenOff(BaseModel):
    """One person who was taken off the list.

    Attributes:
        primary_id: The patron's primary id, as on the list.
        by: Who took the patron off; staff.
        at: When.
        reason: Why, in that person's words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary_id: Annotated[str, Field(min_length=1)]
    by: Person
    at: AwareDatetime
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)]

    def to_bytes(self) -> bytes:
        """Return the entry as JSON."""
        return self.model_dump_json(indent=1).encode()


_RECORD = TypeAdapter(tuple[TakenOff, ...])


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a list.

    Attributes:
        ledger: The ledger, in which whoever was taken off is no longer to be purged.
        digest: Digest of the purge with the people who are left; that of the whole list when nobody was taken off.
        count: People who are left.
    """

    ledger: "pd.DataFrame"
    digest: str
    count: int


def read_entries(entries: Iterable[bytes]) -> tuple[TakenOff, ...]:
    """Read entries that were written one by one.

    Args:
        entries: The entries as JSON, in any order.

    Returns:
        The entries, oldest first.

    Raises:
        RunFileError: One of them can't be read.
    """
    try:
        return _in_order([TakenOff.model_validate_json(entry) for entry in entries])
    except ValidationError:
        raise _unreadable() from None  # the reason quotes the entry, which holds an id


def read_record(content: bytes | None) -> tuple[TakenOff, ...]:
    """Read the record of everybody who was taken off, as `record_of` writes it.

    Args:
        content: The record as JSON; None or empty for nobody.

    Returns:
        The entries, oldest first.

    Raises:
        RunFileError: It can't be read.
    """
    try:
        return _RECORD.validate_json(content) if content else ()
    except ValidationError:
        raise _unreadable() from None


def record_of(entries: tuple[TakenOff, ...]) -> bytes:
    """Write the record of everybody who was taken off.

    Args:
        entries: The entries.

    Returns:
        JSON, the same for the same entries in any order; empty for nobody.
    """
    return _RECORD.dump_json(_in_order(entries), indent=1) if entries else b""


def rest_of(ledger: "pd.DataFrame", digest: str, entries: tuple[TakenOff, ...]) -> Rest:
    """Leave out of a list whoever was taken off.

    Args:
        ledger: The ledger with the list as it was prepared.
        digest: Digest of the purge with the whole list.
        entries: Who was taken off; people who are not on this list count for nothing.

    Returns:
        What is left. It only ever has fewer people than the list.
    """
    listed = ids_in_state(ledger, RowState.TO_PURGE)
    off = _off(listed, entries)
    if not off:
        return Rest(ledger, digest, len(listed))
    rest = hold_back(ledger, off, RowState.TAKEN_OFF)
    left = ids_in_state(rest, RowState.TO_PURGE)
    return Rest(rest, digest_of_rest(digest, left), len(left))


def _off(listed: tuple[str, ...], entries: tuple[TakenOff, ...]) -> dict[str, Finding]:
    """Find who of the list was taken off, with the first reason."""
    first = {entry.primary_id: entry.reason for entry in reversed(_in_order(entries))}
    return {key: Finding(Reason.TAKEN_OFF, first[key]) for key in listed if key in first}


def _in_order(entries: Iterable[TakenOff]) -> tuple[TakenOff, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.primary_id, entry.by.id, entry.reason)))


def _unreadable() -> RunFileError:
    return RunFileError(
        "The record of people who were taken off the list can't be read. It says who must not be purged, so nothing "
        "was sent to Alma. Find out who changed the run folder, then trigger a new run."
    )
