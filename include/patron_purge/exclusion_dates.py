"""Find out when the data of an exclusion file was taken."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from patron_purge.dates import as_of_is_unread, moments_in
from patron_purge.exclusion_lines import cell_text, is_date, is_nobody_sentence, row_text
from patron_purge.exclusion_refusal import file_refusal as refusal
from patron_purge.exclusion_rows import HEADING_SEARCH_ROWS, SheetPeople
from patron_purge.exclusion_sheet import Cell, Sheet

DATA_HOUR: Final = time(18)
"""Hour of the data when the first line gives a day only (CARLI: data as of 6 pm)."""


def data_moment(data_as_of: datetime | date, now: datetime) -> datetime:
    """Return the moment of a file's data, in UTC.

    Args:
        data_as_of: As in `ExclusionFile`.
        now: The present moment, aware, in the institution's time zone.

    Returns:
        The moment; a day without a time counts from `DATA_HOUR` of the institution's time zone.
    """
    if not isinstance(data_as_of, datetime):
        data_as_of = datetime.combine(data_as_of, DATA_HOUR, tzinfo=now.tzinfo)
    return data_as_of.astimezone(UTC)


def data_date(
    sheets: Sequence[Sheet],
    people: Sequence[SheetPeople],
    *,
    file_name: str,
    now: datetime,
    max_age: timedelta,
) -> datetime | date:
    """Find the oldest date that a file gives for its data, above the headings or in the sentence of an empty file.

    Args:
        sheets: The sheets.
        people: What was read from each of them.
        file_name: Name for messages.
        now: The present moment, aware, in the institution's time zone.
        max_age: Greatest accepted age of the data.

    Returns:
        The moment, or the day when the file gives no time.

    Raises:
        InputRefusedError: There is no date, one behind "as of" can't be read, or the data is old or of the future.
    """
    moments: list[datetime | date] = []
    for sheet, found in zip(sheets, people, strict=True):
        lines = [(number, row) for number, row in _lines(sheet, found)]
        _check_as_of(lines, f"{file_name}, sheet {sheet.name}")
        moments += (moment for _, row in lines for moment in _moments_of_row(row, now))
    if not moments:
        raise refusal(f"{file_name} does not say in its first line when its data was taken")
    latest = max(moments, key=lambda moment: data_moment(moment, now))
    if _is_future(latest, now):
        raise refusal(f"{file_name} says its data is of {_shown(latest)}, which lies in the future")
    oldest = min(moments, key=lambda moment: data_moment(moment, now))
    age = now.astimezone(UTC) - data_moment(oldest, now)
    if age > max_age:
        raise refusal(
            f"{file_name} is too old: its data is of {_shown(oldest)}, {_hours(age)} hours ago; at most "
            f"{_hours(max_age)} hours are accepted"
        )
    return oldest


def _lines(sheet: Sheet, found: SheetPeople) -> Iterator[tuple[int, Sequence[Cell]]]:
    """Return the filled rows in which dates of the data are looked for."""
    above = (found.heading_row or HEADING_SEARCH_ROWS + 1) - 1
    for number, row in enumerate(sheet.rows, start=1):
        if (number <= above or is_nobody_sentence(row)) and any(cell_text(cell) for cell in row):
            yield number, row


def _check_as_of(lines: Sequence[tuple[int, Sequence[Cell]]], where: str) -> None:
    """Refuse a date that can't be read: any other date in the file would pass for it."""
    for place, (number, row) in enumerate(lines):
        text = row_text(row)
        if not as_of_is_unread(text) or any(isinstance(cell, date) for cell in row):
            continue
        below = lines[place + 1][1] if place + 1 < len(lines) else ()
        goes_on_below = all(is_date(cell) for cell in below if cell_text(cell))
        if below and goes_on_below and text.rstrip(" :").endswith("as of"):
            continue
        raise refusal(f'{where}, row {number} says "as of", but no date that can be read follows')


def _moments_of_row(row: Sequence[Cell], now: datetime) -> Iterator[datetime | date]:
    zone = now.tzinfo
    if zone is None:
        raise ValueError("now needs a time zone")
    yield from moments_in(row_text(row), zone)
    for cell in row:
        if isinstance(cell, datetime):
            # Never midnight: the workbook reader gives that as a day.
            yield cell.replace(tzinfo=zone)
        elif isinstance(cell, date):
            yield cell


def _is_future(moment: datetime | date, now: datetime) -> bool:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC) > now.astimezone(UTC)
    return moment > now.date()


def _shown(moment: datetime | date) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if isinstance(moment, datetime) else moment.isoformat()


def _hours(age: timedelta) -> int:
    return int(age.total_seconds() // 3600)
