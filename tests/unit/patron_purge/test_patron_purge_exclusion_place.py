"""Where a person stands in an exclusion file."""

import pytest
from tests.unit.patron_purge.input_samples import (
    FILE_NAME,
    FIRST_LINE,
    HEADINGS,
    ID_HEADINGS,
    person_row,
    read_file,
    workbook,
)

from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.exclusion_place import ExclusionPlace, exclusion_places
from patron_purge.exclusion_rows import PersonName

BOOK = workbook(
    [
        [FIRST_LINE],
        list(HEADINGS),
        person_row("00123"),
        person_row("ABC@example.edu"),
        ["Lovelace", "Ada", None, "XYZ", "12/01/2026"],
        person_row("00123"),
    ]
)


def places(primary_id: str, first: str = "Some", last: str = "Body") -> list[tuple[int, bool]]:
    found = exclusion_places(
        BOOK,
        file_name=FILE_NAME,
        id_headings=ID_HEADINGS,
        primary_id=primary_id,
        name=PersonName(first, last),
    )
    return [(each.row, each.by_name) for each in found]


@pytest.mark.parametrize(
    ("primary_id", "rows"),
    [("00123", [3, 6]), ("123", [3, 6]), ("abc@EXAMPLE.edu", [4]), ("999", []), ("", [])],
)
def test_rows_with_the_id_as_the_spreadsheet_numbers_them(primary_id: str, rows: list[int]) -> None:
    assert places(primary_id) == [(row, False) for row in rows]


def test_row_without_an_id_is_found_by_the_name() -> None:
    assert places("999", "ada", "LOVELACE") == [(5, True)]
    assert places("999", "", "Lovelace") == [(5, True)]
    assert places("999", "Ada", "Other") == []


def test_id_counts_before_the_name() -> None:
    assert places("00123", "Ada", "Lovelace") == [(3, False), (6, False)]


def test_sheet_is_named() -> None:
    found = exclusion_places(
        BOOK,
        file_name=FILE_NAME,
        id_headings=ID_HEADINGS,
        primary_id="ABC@example.edu",
        name=PersonName("", ""),
    )
    assert found == (ExclusionPlace("Sheet1", 4, by_name=False),)


@pytest.mark.parametrize("primary_id", ["00123", "123", "0123", "ABC@example.edu", "999", "1.2.3"])
@pytest.mark.parametrize(
    "name", [("Ada", "Lovelace"), ("", "Lovelace"), ("Ada", ""), ("Eve", "Other"), ("", "")]
)
def test_finds_a_row_exactly_when_the_file_holds_the_person_back(
    primary_id: str, name: tuple[str, str]
) -> None:
    index = ExclusionIndex.build([read_file(BOOK)])
    assert bool(places(primary_id, *name)) == (index.match((primary_id,), *name) is not None)
