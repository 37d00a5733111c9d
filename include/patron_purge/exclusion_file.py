"""Read one exclusion file: who has activity elsewhere and must not be purged.

Two kinds are known (CARLI): loans and fines of the institution's patrons at other I-Share libraries. Both
are xlsx workbooks whose first line gives the date of the data.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_dates import data_date
from patron_purge.exclusion_lines import Line, heading_like
from patron_purge.exclusion_refusal import file_refusal as refusal
from patron_purge.exclusion_rows import HEADING_SEARCH_ROWS, PersonName, SheetPeople, read_people
from patron_purge.exclusion_sheet import Sheet, read_sheets
from patron_purge.wording import numbers_quoted

_MAX_ROWS_OUTSIDE: Final = 50
_MAX_ROWS_UNEXPLAINED: Final = 5
_MAX_ROWS_OF_EMPTY_FILE: Final = 5


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
        further_ids: What may be an id as well: texts and numbers outside the tables, mostly words of titles, and
            other readings of id cells. They exclude whoever has them as an id.
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
    further_ids: tuple[str, ...] = ()


def read_exclusion_file(
    content: bytes, *, file_name: str, id_headings: Sequence[str], now: datetime, max_age: timedelta
) -> ExclusionFile:
    """Read an exclusion workbook, or refuse it.

    Every sheet that holds an id column is read, and everything outside the tables that may be an id counts as
    one. The sentence "No … users … as of MM/DD/YY" makes a valid
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
            rows without saying so, people although it says so, a second table or many rows without a known id
            column, or a row that names nobody.
    """
    sheets = read_sheets(content, file_name)
    people = [read_people(sheet, file_name=file_name, id_headings=id_headings) for sheet in sheets]
    tables = [found for found in people if found.heading_row is not None]
    if not tables and not any(found.says_nobody for found in people):
        raise _no_id_column(sheets, file_name, id_headings)
    _check_lists_nobody(people, file_name)
    _check_tables(people, file_name)
    return ExclusionFile(
        file_name=file_name,
        sha256=hashlib.sha256(content).hexdigest(),
        data_as_of=data_date(sheets, people, file_name=file_name, now=now, max_age=max_age),
        sheet=", ".join(found.sheet for found in tables) or sheets[0].name,
        heading_row=tables[0].heading_row if tables else None,
        id_column=tables[0].id_column if tables else None,
        row_count=sum(found.row_count for found in tables),
        ids=tuple(dict.fromkeys(identifier for found in tables for identifier in found.ids)),
        names=tuple(dict.fromkeys(name for found in tables for name in found.names)),
        further_ids=tuple(dict.fromkeys(one for found in people for one in found.further_ids)),
    )


def _check_tables(people: Sequence[SheetPeople], file_name: str) -> None:
    for found in people:
        where = f"{file_name}, sheet {found.sheet}"
        if found.unusable:
            raise refusal(
                f"{where}: {len(found.unusable):,} row(s) have neither an id nor a "
                f"name, so it is unknown whom they exclude (row {numbers_quoted(found.unusable)})"
            )
        if found.heading_row is None:
            _check_outside(found, where)
        elif not found.row_count and not found.says_nobody:
            raise refusal(
                f"{where}: there are headings but no rows, and no sentence that says there are no users"
            )


def _check_outside(found: SheetPeople, where: str) -> None:
    """Refuse a sheet without an id column that holds more than titles, dates and notes."""
    if found.strange_headings is not None:
        raise refusal(
            f"{where}: row {found.strange_headings} looks like headings, but none of them is a known heading of "
            "the id column. If a heading was renamed, add it to exclusion_id_headings"
        )
    unexplained = sum(row.kind is Line.ANYTHING for row in found.outside)
    if unexplained > _MAX_ROWS_UNEXPLAINED or len(found.outside) > _MAX_ROWS_OUTSIDE:
        raise refusal(f"{where}: {len(found.outside):,} rows stand there without an id column")


def _check_lists_nobody(people: Sequence[SheetPeople], file_name: str) -> None:
    """Refuse a file, or a sheet, that says that there are no users and holds more than titles and dates."""
    says_so = any(found.says_nobody for found in people)
    nobody_at_all = says_so and not any(found.row_count for found in people)
    empty = [found for found in people if nobody_at_all or (found.says_nobody and not found.row_count)]
    outside = [(found.sheet, row) for found in empty for row in found.outside]
    more = [(sheet, row.number) for sheet, row in outside if row.kind is not Line.TITLE]
    if more or len(outside) > _MAX_ROWS_OF_EMPTY_FILE:
        sheet, number = (more or [(sheet, row.number) for sheet, row in outside])[0]
        raise refusal(
            f"{file_name} says that there are no users, yet it holds {len(more or outside):,} more row(s), the "
            f"first one in sheet {sheet}, row {number}"
        )


def _no_id_column(sheets: Sequence[Sheet], file_name: str, id_headings: Sequence[str]) -> InputRefusedError:
    wanted = " or ".join(f'"{heading}"' for heading in id_headings)
    found = [
        " ".join(str(row[position]).split())
        for sheet in sheets
        for row in sheet.rows[:HEADING_SEARCH_ROWS]
        for position in heading_like(row)
    ]
    quoted = ", ".join(f'"{text}"' for text in dict.fromkeys(found)) or "nothing that looks like a heading"
    return refusal(
        f"{file_name} has no column headed {wanted} in its first rows; found: {quoted}. If a heading was "
        "renamed, add it to exclusion_id_headings"
    )
