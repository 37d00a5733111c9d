"""What an id cell of an exclusion file stands for."""

from typing import Any

import pytest
from tests.unit.patron_purge.input_samples import (
    FIRST_LINE,
    HEADINGS,
    fines_workbook,
    index_of,
    person_row,
    read_file,
    workbook,
)

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_rows import PersonName


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("9.900112233E9", ("9900112233", "9.900112233E9")),
        ("9.900112233e+9", ("9900112233",)),
        ("9,900112233E+9", ("9900112233",)),
        ("9,900112233E9", ("9900112233", "9,900112233E9")),
        ("99.00112233E+08", ("9900112233",)),
        ("12E5", ("12E5", "1200000")),
        ("12e05", ("12e05", "1200000")),
        ("1234E567", ("1234E567",)),
        ("1E-5", ("1E-5",)),
    ],
)
def test_numbers_in_scientific_notation(cell: str, ids: tuple[str, ...]) -> None:
    found = read_file(fines_workbook(cell))
    assert (*found.ids, *(one for one in found.further_ids if one in ids)) == ids
    assert len(found.ids) == found.row_count == 1


@pytest.mark.parametrize("cell", ["9,90011E+9", "9.90011E9", "9,90011E9", "12E+5", "99.1E+12", "123;1.2E+07"])
def test_scientific_notation_with_lost_digits_is_refused(cell: str) -> None:
    with pytest.raises(InputRefusedError, match=r"row 3: .* rounded number"):
        read_file(fines_workbook(cell))


@pytest.mark.parametrize(
    ("cell", "excluded"),
    [
        ("123\n456", ["123", "456", "00456"]),
        ("123\r\n456", ["123", "456"]),
        ("123;456", ["123", "456"]),
        ("123, 456", ["123", "456"]),
        ("123 456", ["123", "456", "123456"]),
        ("p-1 | p-2", ["p-1", "p-2"]),
        ("ID: 123", ["123"]),
        ("anna;bert", ["anna", "bert"]),
        ("123;12E5", ["123", "12e5", "1200000"]),
        ("1,234,567", ["1234567", "1,234,567"]),
        ("Doe, Ann (123)", ["123"]),
    ],
)
def test_each_id_of_a_cell_excludes(cell: str, excluded: list[str]) -> None:
    index = index_of(cell)
    assert read_file(fines_workbook(cell)).ids == (cell.replace("\r", ""),)
    for identifier in [cell, *excluded]:
        assert index.match([identifier], "", "") is not None, identifier


@pytest.mark.parametrize("remark", ["see the desk", "Doe Ann", "primary id unknown"])
def test_words_in_place_of_an_id_also_hold_back_the_name(remark: str) -> None:
    found = read_file(workbook([[FIRST_LINE], HEADINGS, person_row(remark, last="Doe", first="Ann")]))
    assert (found.ids, found.names) == ((remark,), (PersonName("Ann", "Doe"),))
    assert index_of(remark).match([], "Pat", "Sample") is not None


@pytest.mark.parametrize("missing", ["no primary id", "Not found", "none given", "missing id", "n/a in Alma"])
def test_words_for_a_missing_id_are_no_id(missing: Any) -> None:
    found = read_file(workbook([[FIRST_LINE], HEADINGS, person_row(missing, last="Doe", first="Ann")]))
    assert (found.ids, found.names) == ((), (PersonName("Ann", "Doe"),))
    with pytest.raises(InputRefusedError, match="neither an id nor a name"):
        read_file(workbook([[FIRST_LINE], ["Primary ID"], ["p1"], [missing]]))


@pytest.mark.parametrize("identifier", ["no12", "jdoe", "No 12"])
def test_an_id_does_not_also_hold_back_the_name(identifier: str) -> None:
    assert read_file(fines_workbook(identifier)).names == ()
