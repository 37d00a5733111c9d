"""Where in an exclusion file a person stands, for somebody who wants to look it up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patron_purge.exclusion_rows import PersonName, SheetPeople, read_people
from patron_purge.exclusion_sheet import read_sheets
from patron_purge.identifiers import folded, loose
from patron_purge.person_names import name_keys, names_agree


@dataclass(frozen=True, slots=True)
class ExclusionPlace:
    """A row of an exclusion file.

    Attributes:
        sheet: Name of the sheet.
        row: Row number, as the spreadsheet program shows it.
        by_name: Whether the row has no id and is about anybody of that name.
    """

    sheet: str
    row: int
    by_name: bool


def exclusion_places(
    content: bytes, *, file_name: str, id_headings: Sequence[str], primary_id: str, name: PersonName
) -> tuple[ExclusionPlace, ...]:
    """Find the rows that hold a person back.

    Args:
        content: The file's bytes.
        file_name: Name for messages.
        id_headings: Accepted headings of the id column.
        primary_id: The person's primary id.
        name: The person's name.

    Returns:
        The rows: those with the id, otherwise those without an id that have the name. Nothing when the person
        was found by another identifier of the record, which only Alma knows.

    Raises:
        InputRefusedError: The file can't be read.
    """
    sheets = [
        read_people(sheet, file_name=file_name, id_headings=id_headings)
        for sheet in read_sheets(content, file_name)
    ]
    by_id = tuple(dict.fromkeys(place for people in sheets for place in _with_id(people, primary_id)))
    return by_id or tuple(place for people in sheets for place in _with_name(people, name))


def _with_id(people: SheetPeople, primary_id: str) -> Iterator[ExclusionPlace]:
    strict, careful = folded(primary_id), loose(primary_id)
    ids, rows = people.ids + people.further_ids, people.id_rows + people.further_id_rows
    for identifier, row in zip(ids, rows, strict=True):
        if folded(identifier) == strict or (careful and loose(identifier) == careful):
            yield ExclusionPlace(people.sheet, row, by_name=False)


def _with_name(people: SheetPeople, name: PersonName) -> Iterator[ExclusionPlace]:
    wanted = name_keys(name.first, name.last)
    for listed, row in zip(people.names, people.name_rows, strict=True):
        if names_agree(wanted, name_keys(listed.first, listed.last)):
            yield ExclusionPlace(people.sheet, row, by_name=True)
