"""Find the people in the rows of an exclusion sheet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_ids import id_texts, ids_outside, no_sure_id
from patron_purge.exclusion_lines import (
    DATA_CELLS,
    Line,
    cell_text,
    is_nobody_sentence,
    line_kind,
    looks_like_headings,
    says_no_home_record,
)
from patron_purge.exclusion_odd import OddRows
from patron_purge.exclusion_sheet import Cell, Sheet
from patron_purge.identifiers import folded_heading, folded_name

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


# Most cells of a column are the same in many rows.
_heading_key = lru_cache(maxsize=10_000)(folded_heading)


@dataclass(frozen=True, slots=True)
class PersonName:
    """The name on an exclusion row that has no usable id.

    Attributes:
        first: First name, or empty.
        last: Last name, or empty.
    """

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class OutsideRow:
    """A filled row that stands outside the table.

    Attributes:
        number: Its row number.
        kind: What it is.
        filled: How many of its cells are filled.
    """

    number: int
    kind: Line
    filled: int


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
        outside: The filled rows that stand outside the table.
        further_ids: Everything in these rows that may be an id, and further readings of id cells.
        further_id_rows: Row number of each of them.
        strange_headings: Number of a row outside a table that looks like headings, or None.
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
    outside: list[OutsideRow] = field(default_factory=list)
    further_ids: list[str] = field(default_factory=list)
    further_id_rows: list[int] = field(default_factory=list)
    strange_headings: int | None = None


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
        InputRefusedError: There are two id columns, the heading row stands below the data, a second table has
            no known id column, or an id was changed or is hidden by the spreadsheet so that it can't be known.
    """
    aliases = {folded_heading(heading) for heading in id_headings}
    people = SheetPeople(sheet.name)
    columns: _Columns | None = None
    odd = OddRows(sheet, file_name)
    for number, row in enumerate(sheet.rows, start=1):
        where = f"{file_name}, sheet {sheet.name}, row {number}"
        odd.check(number, row, None if columns is None else columns.identifier)
        if not any(cell_text(cell) for cell in row):
            continue
        found = _columns_of(row, aliases, where)
        if found is not None:
            if people.heading_row is None:
                _check_position(people, number, where)
                people.heading_row, people.id_column = number, cell_text(row[found.identifier])
            columns = found
        elif is_nobody_sentence(row):
            people.says_nobody = True
        elif columns is None:
            _add_outside(people, row, number, where)
        else:
            _add_person(people, row, columns, number, where)
    odd.check_end()
    return people


def _columns_of(row: Sequence[Cell], aliases: set[str], where: str) -> _Columns | None:
    keys = [_heading_key(cell) if isinstance(cell, str) else "" for cell in row]
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
    if number > HEADING_SEARCH_ROWS or any(row.filled >= DATA_CELLS for row in people.outside):
        raise InputRefusedError(
            f"{where}: the heading row has rows with data above it, which would not be read. "
            "Ask for a file with the headings on top. Nothing was changed."
        )


def _add_outside(people: SheetPeople, row: Sequence[Cell], number: int, where: str) -> None:
    """Note a row outside a table, with every id that it may hold: in doubt a person is kept."""
    filled = sum(bool(cell_text(cell)) for cell in row)
    people.outside.append(OutsideRow(number, line_kind(row), filled))
    for identifier in (text for cell in row for text in ids_outside(cell, where)):
        people.further_ids.append(identifier)
        people.further_id_rows.append(number)
    if people.strange_headings is None and looks_like_headings(row):
        people.strange_headings = number
    if filled > 1 and says_no_home_record(row):
        people.unusable.append(number)


def _add_person(people: SheetPeople, row: Sequence[Cell], columns: _Columns, number: int, where: str) -> None:
    if looks_like_headings(row, columns.identifier):
        raise InputRefusedError(
            f"{where}: this row looks like the headings of another table, but none of them is a known heading "
            "of the id column, so it is unknown whom the rows below it exclude. If a heading was renamed, add "
            "it to exclusion_id_headings. Nothing was changed."
        )
    identifiers = id_texts(row[columns.identifier], where)
    by_name = not identifiers or no_sure_id(identifiers[0]) or says_no_home_record(row)
    name = _name(row, columns) if by_name else None
    for identifier in identifiers[:1]:
        people.ids.append(identifier)
        people.id_rows.append(number)
    for identifier in identifiers[1:]:
        people.further_ids.append(identifier)
        people.further_id_rows.append(number)
    if name is not None:
        people.names.append(name)
        people.name_rows.append(number)
    if not identifiers and name is None:
        people.unusable.append(number)
    people.row_count += 1


def _name(row: Sequence[Cell], columns: _Columns) -> PersonName | None:
    last, first = _text_at(row, columns.last_name), _text_at(row, columns.first_name)
    if not (last or first):
        last, comma, first = (part.strip() for part in _text_at(row, columns.full_name).partition(","))
        if not comma:
            first, _, last = last.rpartition(" ")
    name = PersonName(first, last)
    usable = folded_name(name.first, name.last) and not says_no_home_record([f"{first} {last}"])
    return name if usable else None


def _text_at(row: Sequence[Cell], position: int | None) -> str:
    return "" if position is None or position >= len(row) else cell_text(row[position])
