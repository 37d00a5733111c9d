"""The list to purge in numbers, counted from the ledger."""

from dataclasses import dataclass, field
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
_MOST_YEARS = 10
_UNKNOWN_EXPIRY = ("unknown", "expiry date not on file")


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
        by_expiry: People by code and words of the whole years since their account expired, most recent first.
    """

    to_purge: int
    by_group: dict[str, int]
    by_age: dict[tuple[str, str], int]
    owed_total: Decimal
    owed_largest: Decimal
    people_who_owe: int
    by_expiry: dict[tuple[str, str], int] = field(default_factory=dict)


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
    expired = listed["expiry_date"].tolist()
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
        by_expiry=_by_expiry(expired, today),
    )


def _by_expiry(expired: list[str], today: date) -> dict[tuple[str, str], int]:
    """Count people by whole years since their expiry date, without gaps up to the longest ago."""
    years = [_whole_years(text, today) for text in expired]
    known = [year for year in years if year is not None]
    counts = {_years_band(year): 0 for year in range(max(known, default=-1) + 1)}
    for year in known:
        counts[_years_band(year)] += 1
    if len(known) < len(years):
        counts[_UNKNOWN_EXPIRY] = len(years) - len(known)
    return counts


def _whole_years(text: str, today: date) -> int | None:
    """Return the whole years since a day, at most `_MOST_YEARS`; None for text that is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    years = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    return min(max(years, 0), _MOST_YEARS)


def _years_band(years: int) -> tuple[str, str]:
    if years == 0:
        return ("0", "less than a year ago")
    if years == _MOST_YEARS:
        return (str(years), f"{years} years ago or more")
    return (str(years), "1 year ago" if years == 1 else f"{years} years ago")


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
