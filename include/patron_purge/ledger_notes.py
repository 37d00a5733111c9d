"""What a run learns about people, written into the ledger beside their state."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from patron_purge.ledger import rows_of
from patron_purge.patron import Patron
from patron_purge.states import GroupRestored

if TYPE_CHECKING:
    import pandas as pd


def _text(value: object) -> str:
    return "" if value is None else str(value)


_NOTED_ONCE: Final = frozenset({"first_name", "last_name", "original_group"})
_LIVE_COLUMNS: Final[Mapping[str, Callable[[Patron], str]]] = {
    "first_name": lambda patron: patron.first_name,
    "last_name": lambda patron: patron.last_name,
    "original_group": lambda patron: patron.user_group,
    "expiry_date": lambda patron: _text(patron.expiry_date),
    "purge_date": lambda patron: _text(patron.purge_date),
    "last_activity": lambda patron: _text(patron.last_activity),
    "fees": lambda patron: _text(patron.open_fees),
    "loans": lambda patron: _text(patron.loans),
}


def note_patrons(ledger: "pd.DataFrame", patrons: Iterable[Patron]) -> "pd.DataFrame":
    """Write what the live check saw into the ledger: group, dates, activity, fees and loans.

    Names are filled in only where the report had none. The group is noted once, because a later read may
    see the marker group.

    Args:
        ledger: The ledger.
        patrons: The people as Alma shows them now.

    Returns:
        A new ledger.

    Raises:
        AccountingError: Somebody is not in the ledger.
    """
    noted = ledger.copy()
    seen = {patron.primary_id: patron for patron in patrons}
    rows = rows_of(noted, seen)
    for column, read in _LIVE_COLUMNS.items():
        values = noted.loc[rows, "primary_id"].map({key: read(patron) for key, patron in seen.items()})
        old = noted.loc[rows, column]
        noted.loc[rows, column] = values.where(old == "", old) if column in _NOTED_ONCE else values
    return noted


def note_groups_restored(ledger: "pd.DataFrame", outcomes: Mapping[str, GroupRestored]) -> "pd.DataFrame":
    """Write what became of people's original groups.

    Args:
        ledger: The ledger.
        outcomes: The outcome by primary id.

    Returns:
        A new ledger.

    Raises:
        AccountingError: Somebody is not in the ledger.
    """
    noted = ledger.copy()
    rows = rows_of(noted, outcomes)
    noted.loc[rows, "group_restored"] = noted.loc[rows, "primary_id"].map(
        {key: str(outcome) for key, outcome in outcomes.items()}
    )
    return noted
