"""The list to purge in numbers, counted from the ledger."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from patron_purge.errors import RunFileError
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd

# Upper bounds in days, with code and words.
_AGE_BANDS = (
    (365, ("under_1_year", "less than a year after the purge date")),
    (2 * 365, ("under_2_years", "one to two years after the purge date")),
    (5 * 365, ("under_5_years", "two to five years after the purge date")),
)
_OLDEST_BAND = ("older", "five years and more after the purge date")


@dataclass(frozen=True, slots=True)
class ListNumbers:
    """The list in numbers, without personal data.

    Attributes:
        to_purge: People on the list.
        by_group: People by the code of their original user group.
        by_age: People by code and words of the time since their purge date, most recent first.
        owed_total: Sum of their open fees, in the institution's currency.
        owed_largest: Largest open fees of one person.
        people_who_owe: People who owe anything.
    """

    to_purge: int
    by_group: dict[str, int]
    by_age: dict[tuple[str, str], int]
    owed_total: Decimal
    owed_largest: Decimal
    people_who_owe: int


def list_numbers(ledger: "pd.DataFrame", today: date) -> ListNumbers:
    """Count the list to purge.

    Args:
        ledger: The ledger after the live check.
        today: The day in the institution's own time zone.

    Returns:
        The numbers of the rows in state `to_purge`.

    Raises:
        RunFileError: A row of the list lacks its original group, its purge date or its fees.
    """
    listed = ledger.loc[ledger["state"] == RowState.TO_PURGE.value]
    rows = listed[["row", "original_group", "purge_date", "fees"]].itertuples(index=False, name=None)
    by_group: dict[str, int] = {}
    by_age: dict[tuple[str, str], int] = {band: 0 for _, band in _AGE_BANDS} | {_OLDEST_BAND: 0}
    owed: list[Decimal] = []
    for row, group, purge_date, fees in rows:
        if not group:
            raise _damaged(row, "original group")
        by_group[group] = by_group.get(group, 0) + 1
        by_age[_age_band(row, purge_date, today)] += 1
        owed.append(_fees(row, fees))
    return ListNumbers(
        to_purge=len(owed),
        by_group=dict(sorted(by_group.items())),
        by_age=by_age,
        owed_total=sum(owed, Decimal(0)),
        owed_largest=max(owed, default=Decimal(0)),
        people_who_owe=sum(1 for amount in owed if amount > 0),
    )


def _age_band(row: object, purge_date: str, today: date) -> tuple[str, str]:
    """Find the band of one purge date."""
    try:
        days = (today - date.fromisoformat(purge_date)).days
    except ValueError as error:
        raise _damaged(row, "purge date") from error
    return next((band for bound, band in _AGE_BANDS if days < bound), _OLDEST_BAND)


def _fees(row: object, text: str) -> Decimal:
    """Read the open fees of one row; the live check has written them for everybody on the list."""
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise _damaged(row, "fees") from error
    if not amount.is_finite():
        raise _damaged(row, "fees")
    return amount


def _damaged(row: object, what: str) -> RunFileError:
    return RunFileError(
        f"Row {row} of the ledger is to be purged, but its {what} can't be read. Clear check_live with "
        "everything after it; nothing was changed."
    )
