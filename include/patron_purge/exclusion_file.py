"""Read one exclusion file: who has activity elsewhere and must not be purged.

Two kinds are known (CARLI): loans and fines of the institution's patrons at other I-Share libraries. Both
are xlsx workbooks whose first line gives the date of the data.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from patron_purge.dates import moments_in
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_rows import (
    HEADING_SEARCH_ROWS,
    PersonName,
    SheetPeople,
    is_nobody_sentence,
    read_people,
    row_text,
)
from patron_purge.exclusion_sheet import Cell, Sheet, read_sheets
from patron_purge.identifiers import folded
from patron_purge.wording import numbers_quoted

DATA_HOUR: Final = time(18)
"""Hour of the data when the first line gives a day only (CARLI: data as of 6 pm)."""

_MAX_ROWS_OUTSIDE: Final = 10
_MAX_ROWS_OF_EMPTY_FILE: Final = 5
_DATA_CELLS: Final = 3
_LONGEST_HEADING: Final = 40
_HEADING_WORDS: Final = frozenset(
    {
        "id",
        "ids",
        "identifier",
        "number",
        "code",
        "barcode",
        "email",
        "type",
        "primary",
        "unique",
        "university",
    }
    | {"name", "first", "last", "full", "user", "users", "patron", "group", "status", "home", "other"}
    | {
        "institution",
        "library",
        "loan",
        "loans",
        "fine",
        "fines",
        "fee",
        "fees",
        "amount",
        "balance",
        "count",
    }
    | {"date", "purge", "expiry", "expiration", "of", "the", "at", "in", "and", "with"}
)


@dataclass(frozen=True, slots=True)
class ExclusionFile:
    """One accepted exclusion file.

    Attributes:
        file_name: Name of the file.
        sha256: Checksum of its bytes, in hex.
        data_as_of: When its data was taken: an aware datetime, or a day when the file gives no time.
        sheet: Names of the sheets that hold a table, or of the first sheet of a file that lists nobody.
        heading_row: Row number of the first heading row; None when the file lists nobody.
        id_column: Heading of the id column as written; None when the file lists nobody.
        row_count: Rows that stand for a person.
        ids: Primary ids as text, each once.
        names: Names on rows without an id or without a home record.
    """

    file_name: str
    sha256: str
    data_as_of: datetime | date
    sheet: str
    heading_row: int | None
    id_column: str | None
    row_count: int
    ids: tuple[str, ...]
    names: tuple[PersonName, ...]


def read_exclusion_file(
    content: bytes, *, file_name: str, id_headings: Sequence[str], now: datetime, max_age: timedelta
) -> ExclusionFile:
    """Read an exclusion workbook, or refuse it.

    Every sheet that holds an id column is read. The sentence "No … users … as of MM/DD/YY" makes a valid
    file that lists nobody (CARLI: a file always comes).

    Args:
        content: The file's bytes.
        file_name: Name for messages and for the ledger.
        id_headings: Accepted headings of the id column.
        now: The present moment, aware, in the institution's time zone.
        max_age: Greatest accepted age of the data.

    Returns:
        The file's people and facts.

    Raises:
        InputRefusedError: The file is unreadable, has no id column, no data date, old or future data, no
            rows without saying so, or a row that names nobody.
    """
    sheets = read_sheets(content, file_name)
    people = [read_people(sheet, file_name=file_name, id_headings=id_headings) for sheet in sheets]
    tables = [found for found in people if found.heading_row is not None]
    if tables:
        _check_tables(people, file_name)
    elif any(found.says_nobody for found in people):
        _check_lists_nobody(people, file_name)
    else:
        raise _no_id_column(sheets, file_name, id_headings)
    return ExclusionFile(
        file_name=file_name,
        sha256=hashlib.sha256(content).hexdigest(),
        data_as_of=_data_date(sheets, people, file_name=file_name, now=now, max_age=max_age),
        sheet=", ".join(found.sheet for found in tables) or sheets[0].name,
        heading_row=tables[0].heading_row if tables else None,
        id_column=tables[0].id_column if tables else None,
        row_count=sum(found.row_count for found in tables),
        ids=tuple(dict.fromkeys(identifier for found in tables for identifier in found.ids)),
        names=tuple(dict.fromkeys(name for found in tables for name in found.names)),
    )


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


def _check_tables(people: Sequence[SheetPeople], file_name: str) -> None:
    for found in people:
        if found.unusable:
            raise _refusal(
                f"{file_name}, sheet {found.sheet}: {len(found.unusable):,} row(s) have neither an id nor a "
                f"name, so it is unknown whom they exclude (row {numbers_quoted(found.unusable)})"
            )
        if found.heading_row is None and len(found.outside) > _MAX_ROWS_OUTSIDE:
            raise _refusal(
                f"{file_name}, sheet {found.sheet}: {len(found.outside):,} rows stand there without "
                "an id column"
            )
        if found.heading_row is not None and not found.row_count and not found.says_nobody:
            raise _refusal(
                f"{file_name}, sheet {found.sheet}: there are headings but no rows, and no sentence "
                "that says there are no users"
            )


def _check_lists_nobody(people: Sequence[SheetPeople], file_name: str) -> None:
    outside = [filled for found in people for filled in found.outside]
    if len(outside) > _MAX_ROWS_OF_EMPTY_FILE or any(filled >= _DATA_CELLS for filled in outside):
        raise _refusal(f"{file_name} says that there are no users, yet it holds {len(outside):,} more row(s)")


def _no_id_column(sheets: Sequence[Sheet], file_name: str, id_headings: Sequence[str]) -> InputRefusedError:
    wanted = " or ".join(f'"{heading}"' for heading in id_headings)
    found = list(dict.fromkeys(text for sheet in sheets for text in _heading_like(sheet)))
    quoted = ", ".join(f'"{text}"' for text in found) or "nothing that looks like a heading"
    return _refusal(
        f"{file_name} has no column headed {wanted} in its first rows; found: {quoted}. If a heading was "
        "renamed, add it to exclusion_id_headings"
    )


def _heading_like(sheet: Sheet) -> Iterator[str]:
    """Return the cells of the first filled rows that hold heading words; never a name or an id."""
    for row in sheet.rows[:HEADING_SEARCH_ROWS]:
        for cell in row:
            if isinstance(cell, str) and len(cell) <= _LONGEST_HEADING:
                words = folded(cell).replace("_", " ").replace("'s", "").split()
                if words and _HEADING_WORDS.issuperset(words):
                    yield " ".join(cell.split())


def _data_date(
    sheets: Sequence[Sheet],
    people: Sequence[SheetPeople],
    *,
    file_name: str,
    now: datetime,
    max_age: timedelta,
) -> datetime | date:
    """Return the oldest date that the file gives for its data."""
    moments = [
        moment
        for sheet, found in zip(sheets, people, strict=True)
        for moment in _moments(sheet, found, now=now)
    ]
    if not moments:
        raise _refusal(f"{file_name} does not say in its first line when its data was taken")
    latest = max(moments, key=lambda moment: data_moment(moment, now))
    if _is_future(latest, now):
        raise _refusal(f"{file_name} says its data is of {_shown(latest)}, which lies in the future")
    oldest = min(moments, key=lambda moment: data_moment(moment, now))
    age = now.astimezone(UTC) - data_moment(oldest, now)
    if age > max_age:
        raise _refusal(
            f"{file_name} is too old: its data is of {_shown(oldest)}, {_hours(age)} hours ago; at most "
            f"{_hours(max_age)} hours are accepted"
        )
    return oldest


def _moments(sheet: Sheet, found: SheetPeople, *, now: datetime) -> Iterator[datetime | date]:
    above = (found.heading_row or HEADING_SEARCH_ROWS + 1) - 1
    for position, row in enumerate(sheet.rows):
        if position < above or is_nobody_sentence(row):
            yield from _moments_of_row(row, now)


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


def _refusal(problem: str) -> InputRefusedError:
    return InputRefusedError(
        f"Exclusion file {problem}. Nobody can safely be purged without it, so nothing was changed. "
        "Ask for a new file or correct the setting."
    )
