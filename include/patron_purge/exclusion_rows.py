"""Find the people in the rows of an exclusion sheet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Final

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_sheet import Cell, Sheet
from patron_purge.identifiers import folded, folded_heading, folded_name

FULL_NAME_HEADINGS: Final = frozenset(
    [
        "usersname",
        "username",
        "name",
        "fullname",
        "patronname",
        "patronsname",
        "patron",
        "user",
        "lastfirst",
        "lastnamefirstname",
    ]
)
LAST_NAME_HEADINGS: Final = frozenset(
    ["lastname", "userlastname", "patronlastname", "surname", "familyname", "last"]
)
FIRST_NAME_HEADINGS: Final = frozenset(
    ["firstname", "userfirstname", "patronfirstname", "givenname", "first"]
)

HEADING_SEARCH_ROWS: Final = 15
"""The heading row is one of the first rows; further down, the rows above it would be people."""

_DATA_CELLS: Final = 3
_EXACT_BELOW: Final = 1e15
_NO_HOME_RECORD = re.compile(r"could\s+not\s+find\s+user.{0,3}s\s+home\s+record")
_NOBODY = re.compile(r"no\b.{0,200}\busers?\b.{0,200}\bas\s+of\b")
_FLOAT_TEXT = re.compile(r"(\d+)\.0+")
_EXPONENT_TEXT = re.compile(r"(\d)(?:\.(\d+))?[eE]\+(\d{1,3})")
_NO_ID = frozenset({"na", "none", "null", "nan", "unknown", "notfound", "blank", "noid"})


@dataclass(frozen=True, slots=True)
class PersonName:
    """The name on an exclusion row that has no usable id.

    Attributes:
        first: First name, or empty.
        last: Last name, or empty.
    """

    first: str
    last: str


@dataclass(slots=True)
class SheetPeople:
    """What one sheet says.

    Attributes:
        sheet: Name of the sheet.
        heading_row: Row number of the first heading row, or None.
        id_column: Heading of the id column as written, or empty.
        row_count: Rows that stand for a person.
        ids: Ids as text, in the order of the rows.
        id_rows: Row number of each of them.
        names: Names on rows without an id or without a home record.
        name_rows: Row number of each of them.
        says_nobody: Whether the sheet holds the sentence that there are no users.
        unusable: Row numbers with neither an id nor a name.
        outside: Filled cells of each filled row that stands outside the table.
    """

    sheet: str
    heading_row: int | None = None
    id_column: str = ""
    row_count: int = 0
    ids: list[str] = field(default_factory=list)
    id_rows: list[int] = field(default_factory=list)
    names: list[PersonName] = field(default_factory=list)
    name_rows: list[int] = field(default_factory=list)
    says_nobody: bool = False
    unusable: list[int] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns are, by their position in the row."""

    identifier: int
    full_name: int | None
    last_name: int | None
    first_name: int | None


def read_people(sheet: Sheet, *, file_name: str, id_headings: Sequence[str]) -> SheetPeople:
    """Read the people of one sheet; a second heading row further down starts a second table.

    Args:
        sheet: The sheet.
        file_name: Name for messages.
        id_headings: Accepted headings of the id column.

    Returns:
        The people and where they were found.

    Raises:
        InputRefusedError: There are two id columns, the heading row stands below the data, or an id was
            changed by the spreadsheet so that it can't be known any more.
    """
    aliases = {folded_heading(heading) for heading in id_headings}
    people = SheetPeople(sheet.name)
    columns: _Columns | None = None
    for number, row in enumerate(sheet.rows, start=1):
        where = f"{file_name}, sheet {sheet.name}, row {number}"
        if not any(_text(cell) for cell in row):
            continue
        found = _columns_of(row, aliases, where)
        if found is not None:
            if people.heading_row is None:
                _check_position(people, number, where)
                people.heading_row, people.id_column = number, _text(row[found.identifier])
            columns = found
        elif is_nobody_sentence(row):
            people.says_nobody = True
        elif columns is None:
            people.outside.append(_filled(row))
        else:
            _add_person(people, row, columns, number, where)
    return people


def is_nobody_sentence(row: Sequence[Cell]) -> bool:
    """Tell whether a row is the sentence "No … users … as of …" of a valid empty file.

    Args:
        row: The cells of the row.

    Returns:
        True for the sentence (CARLI: a file always comes, and says so when it is empty).
    """
    return _filled(row) <= _DATA_CELLS and _NOBODY.match(row_text(row)) is not None


def row_text(row: Sequence[Cell]) -> str:
    """Return the texts of a row as one folded line, for reading sentences.

    Args:
        row: The cells of the row.

    Returns:
        The line.
    """
    return folded(" ".join(cell for cell in row if isinstance(cell, str)))


def _columns_of(row: Sequence[Cell], aliases: set[str], where: str) -> _Columns | None:
    keys = [folded_heading(cell) if isinstance(cell, str) else "" for cell in row]
    identifiers = [position for position, key in enumerate(keys) if key in aliases]
    if not identifiers:
        return None
    if len(identifiers) > 1:
        raise InputRefusedError(
            f"{where}: {len(identifiers)} columns are headed like the id column, so the right one "
            "is unknown. Set exclusion_id_headings to one of them or ask for a corrected file. "
            "Nothing was changed."
        )
    return _Columns(
        identifiers[0],
        _position(keys, FULL_NAME_HEADINGS),
        _position(keys, LAST_NAME_HEADINGS),
        _position(keys, FIRST_NAME_HEADINGS),
    )


def _position(keys: Sequence[str], aliases: frozenset[str]) -> int | None:
    return next((position for position, key in enumerate(keys) if key in aliases), None)


def _check_position(people: SheetPeople, number: int, where: str) -> None:
    """Refuse a heading row that has people above it, as in a sheet sorted with its headings."""
    if number > HEADING_SEARCH_ROWS or any(filled >= _DATA_CELLS for filled in people.outside):
        raise InputRefusedError(
            f"{where}: the heading row has rows with data above it, which would not be read. "
            "Ask for a file with the headings on top. Nothing was changed."
        )


def _add_person(people: SheetPeople, row: Sequence[Cell], columns: _Columns, number: int, where: str) -> None:
    identifier = _id_text(row[columns.identifier], where)
    lost = _NO_HOME_RECORD.search(row_text(row)) is not None
    name = None if identifier and not lost else _name(row, columns)
    if identifier:
        people.ids.append(identifier)
        people.id_rows.append(number)
    if name is not None:
        people.names.append(name)
        people.name_rows.append(number)
    if not identifier and name is None:
        people.unusable.append(number)
    people.row_count += 1


def _id_text(cell: Cell, where: str) -> str:
    """Return an id as the text it was before the spreadsheet made a number of it, or nothing."""
    if isinstance(cell, bool | date | time | timedelta):
        raise InputRefusedError(
            f"{where}: the spreadsheet has turned the id into a date, a time or TRUE/FALSE, so the person is "
            "unknown. Ask for a file whose id column is text. Nothing was changed."
        )
    if isinstance(cell, int | float):
        return _number_text(Decimal(repr(cell)), where)
    text = cell.strip()
    key = folded(text)
    if not folded_heading(text) or folded_heading(text) in _NO_ID or _NO_HOME_RECORD.search(key):
        return ""
    exponent = _EXPONENT_TEXT.fullmatch(key)
    if exponent:
        if len(exponent[2] or "") < int(exponent[3]):
            raise _lost_digits(where)
        return _number_text(Decimal(key), where)
    number = _FLOAT_TEXT.fullmatch(key)
    return number[1] if number else text


def _number_text(number: Decimal, where: str) -> str:
    if not number.is_finite() or abs(number) >= _EXACT_BELOW:
        raise _lost_digits(where)
    return f"{number:f}" if number % 1 else f"{int(number)}"


def _lost_digits(where: str) -> InputRefusedError:
    return InputRefusedError(
        f"{where}: the spreadsheet has turned a long id into a rounded number, so the person is unknown. "
        "Ask for a file whose id column is text. Nothing was changed."
    )


def _name(row: Sequence[Cell], columns: _Columns) -> PersonName | None:
    last, first = _text_at(row, columns.last_name), _text_at(row, columns.first_name)
    if not (last or first):
        last, comma, first = (part.strip() for part in _text_at(row, columns.full_name).partition(","))
        if not comma:
            first, _, last = last.rpartition(" ")
    name = PersonName(first, last)
    usable = folded_name(name.first, name.last) and not _NO_HOME_RECORD.search(folded(f"{first} {last}"))
    return name if usable else None


def _text_at(row: Sequence[Cell], position: int | None) -> str:
    return "" if position is None or position >= len(row) else _text(row[position])


def _text(cell: Cell) -> str:
    return " ".join(str(cell).split()) if folded(str(cell)) else ""


def _filled(row: Sequence[Cell]) -> int:
    return sum(bool(_text(cell)) for cell in row)
