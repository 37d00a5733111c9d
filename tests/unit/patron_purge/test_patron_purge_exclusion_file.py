import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.patron_purge.input_samples import (
    FILE_NAME,
    FIRST_LINE,
    HEADINGS,
    ZONE,
    fines_workbook,
    person_row,
    read_file,
    workbook,
)

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_rows import PersonName

NOBODY_LOANS = "No user loan counts at other I-Share libraries as of 11/30/26 6pm"
NOBODY_FINES = "No XYZ users with fines at other I-Share libraries as of 11/30/26 6pm"
NAIVE = datetime.fromisoformat("2026-11-30")  # as a spreadsheet has it: without a zone
LOST = "Could not find user's home record"


def test_reads_the_fines_file() -> None:
    content = fines_workbook("a1", "00012", "a1")
    found = read_file(content)
    assert found.file_name == FILE_NAME
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.data_as_of == datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)
    assert (found.sheet, found.heading_row, found.id_column) == ("Sheet1", 2, "Primary ID")
    assert (found.row_count, found.ids, found.names) == (3, ("a1", "00012"), ())


def test_reads_the_loans_file_with_its_own_columns() -> None:
    rows: list[Any] = [
        [FIRST_LINE],
        [],
        ["User's Name", "Institution", "Number of Loans", "PRIMARY IDENTIFIER", "Purge Date"],
        ["Sample, Pat", "ABC", 3, "p1", "2027-01-01"],
        ["Reader, Alex B.", "ABC", 1, None, LOST],
    ]
    found = read_file(workbook(rows))
    assert (found.heading_row, found.id_column) == (3, "PRIMARY IDENTIFIER")
    assert (found.ids, found.names, found.row_count) == (("p1",), (PersonName("Alex B.", "Reader"),), 2)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12345, "12345"),
        (12345.0, "12345"),
        (1.2e7, "12000000"),
        (123456789012345, "123456789012345"),
        ("12345.0", "12345"),
        ("1.2345678E+07", "12345678"),
        ("00012", "00012"),
        ("  p1\u00a0", "p1"),
        (12345.5, "12345.5"),
    ],
)
def test_ids_become_text(cell: Any, text: str) -> None:
    assert read_file(fines_workbook(cell)).ids == (text,)


@pytest.mark.parametrize("cell", [1234567890123456, 1.5e20, "1.2E+07", "1.23457E+13"])
def test_rounded_ids_are_refused(cell: Any) -> None:
    with pytest.raises(InputRefusedError, match=r"row 4: .* rounded number"):
        read_file(fines_workbook("ok", cell))


@pytest.mark.parametrize("cell", [date(2026, 1, 2), NAIVE.replace(hour=3), True, timedelta(hours=30)])
def test_ids_turned_into_something_else_are_refused(cell: Any) -> None:
    with pytest.raises(InputRefusedError, match=r"row 3: .* date, a time or TRUE/FALSE"):
        read_file(fines_workbook(cell))


@pytest.mark.parametrize(
    "cell", [None, "", "  ", "\u00a0", "N/A", "-", "none", "no primary id", LOST, LOST.replace("'", "\u2019")]
)
def test_a_row_without_an_id_becomes_a_name(cell: Any) -> None:
    found = read_file(workbook([[FIRST_LINE], HEADINGS, person_row(cell, last="Reader", first="Alex")]))
    assert (found.ids, found.names, found.row_count) == ((), (PersonName("Alex", "Reader"),), 1)


def test_a_row_without_a_home_record_counts_by_id_and_by_name() -> None:
    found = read_file(workbook([[FIRST_LINE], HEADINGS, person_row("p1", purge=LOST)]))
    assert (found.ids, found.names, found.row_count) == (("p1",), (PersonName("Pat", "Sample"),), 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Reader, Alex", PersonName("Alex", "Reader")),
        ("Alex Reader", PersonName("Alex", "Reader")),
        ("Alex B. Reader", PersonName("Alex B.", "Reader")),
        ("Reader", PersonName("", "Reader")),
        ("Reader,", PersonName("", "Reader")),
    ],
)
def test_full_names_are_split(text: str, name: PersonName) -> None:
    found = read_file(workbook([[FIRST_LINE], ["Name", "Primary ID"], [text, None], ["x, y", "p1"]]))
    assert found.names == (name,)


@pytest.mark.parametrize("last", [None, "  ", ".", LOST])
def test_a_row_with_neither_id_nor_name_is_refused(last: Any) -> None:
    rows = [[FIRST_LINE], HEADINGS, person_row("p1"), person_row(None, last=last, first="")]
    with pytest.raises(InputRefusedError, match=r"1 row\(s\) have neither an id nor a name.*row 4"):
        read_file(workbook(rows))


def test_rows_without_a_name_column_and_without_an_id_are_refused() -> None:
    with pytest.raises(InputRefusedError, match="neither an id nor a name"):
        read_file(workbook([[FIRST_LINE], ["Primary ID", "Institution"], [None, "ABC"]]))


def test_blank_rows_are_no_rows() -> None:
    found = read_file(
        workbook([[FIRST_LINE], [], HEADINGS, [], person_row("p1"), [None, " "], person_row("p2")])
    )
    assert (found.row_count, found.ids) == (2, ("p1", "p2"))


@pytest.mark.parametrize(
    "sentence", [NOBODY_LOANS, NOBODY_FINES, NOBODY_FINES.upper(), f"\ufeff {NOBODY_LOANS}"]
)
def test_the_sentence_alone_is_a_valid_empty_file(sentence: str) -> None:
    found = read_file(workbook([[sentence]]))
    assert (found.row_count, found.ids, found.names) == (0, (), ())
    assert (found.sheet, found.heading_row, found.id_column) == ("Sheet1", None, None)
    assert found.data_as_of == datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)


def test_the_sentence_below_a_date_or_headings_is_valid_too() -> None:
    assert read_file(workbook([["11/30/2026"], [NOBODY_FINES]])).row_count == 0
    assert read_file(workbook([[FIRST_LINE], HEADINGS, [NOBODY_FINES]])).row_count == 0


def test_the_sentence_above_rows_without_headings_is_refused() -> None:
    with pytest.raises(InputRefusedError, match=r"says that there are no users, yet it holds 1 more row"):
        read_file(workbook([[NOBODY_FINES], person_row("p1")]))
    with pytest.raises(InputRefusedError, match="yet it holds 6 more row"):
        read_file(workbook([[NOBODY_FINES], *([f"p{number}"] for number in range(6))]))


def test_the_sentence_still_needs_a_fresh_date() -> None:
    with pytest.raises(InputRefusedError, match="too old"):
        read_file(workbook([[NOBODY_FINES.replace("11/30/26", "11/28/26")]]))
    with pytest.raises(InputRefusedError, match='row 1 says "as of", but no date that can be read follows'):
        read_file(workbook([["No XYZ users with fines at other I-Share libraries as of yesterday"]]))


def test_the_sentence_gives_a_date_wherever_it_stands() -> None:
    assert read_file(workbook([HEADINGS, [NOBODY_FINES]])).row_count == 0
    with pytest.raises(InputRefusedError, match="too old"):
        read_file(workbook([[FIRST_LINE], HEADINGS, [NOBODY_FINES.replace("11/30", "11/20")]]))


def test_a_person_is_never_taken_for_the_sentence() -> None:
    person = ["No", "users, as of", "p1", "ABC", ""]
    assert read_file(workbook([[FIRST_LINE], HEADINGS, person])).ids == ("p1",)


def test_headings_without_rows_are_refused() -> None:
    with pytest.raises(InputRefusedError, match="headings but no rows"):
        read_file(workbook([[FIRST_LINE], HEADINGS]))
    with pytest.raises(InputRefusedError, match="sheet Sheet2: there are headings but no rows"):
        read_file(workbook([[FIRST_LINE], HEADINGS, person_row("p1")], [HEADINGS]))


def test_a_workbook_without_cells_is_refused() -> None:
    with pytest.raises(InputRefusedError, match="nothing that looks like a heading"):
        read_file(workbook([]))


def test_a_renamed_heading_is_refused_and_quoted_without_people() -> None:
    rows = [[FIRST_LINE], ["Last Name", "First Name", "User Identifier"], ["Zimmermann", "Erika", "p-77"]]
    with pytest.raises(InputRefusedError) as caught:
        read_file(workbook(rows))
    message = str(caught.value)
    assert 'no column headed "Primary ID" or "Primary Identifier"' in message
    assert '"Last Name", "First Name", "User Identifier"' in message
    assert "Zimmermann" not in message
    assert "Erika" not in message
    assert "p-77" not in message
    assert read_file(workbook(rows), id_headings=("user identifier",)).ids == ("p-77",)


def test_a_file_without_headings_is_refused_without_quoting_people() -> None:
    with pytest.raises(InputRefusedError, match="nothing that looks like a heading") as caught:
        read_file(workbook([[FIRST_LINE], person_row("p1", last="Zimmermann")]))
    assert "Zimmermann" not in str(caught.value)


def test_two_id_columns_are_refused() -> None:
    rows = [[FIRST_LINE], ["Primary ID", "Primary Identifier"], ["a", "b"]]
    with pytest.raises(InputRefusedError, match="row 2: 2 columns are headed like the id column"):
        read_file(workbook(rows))


def test_headings_below_people_are_refused() -> None:
    rows = [[FIRST_LINE], person_row("a1"), HEADINGS, person_row("p1")]
    with pytest.raises(InputRefusedError, match="row 3: the heading row has rows with data above it"):
        read_file(workbook(rows))
    far = [[FIRST_LINE], *([f"p{number}"] for number in range(20)), HEADINGS, person_row("p1")]
    with pytest.raises(InputRefusedError, match="data above it"):
        read_file(workbook(far))


def test_every_sheet_and_every_table_is_read() -> None:
    first: list[Any] = [
        [FIRST_LINE],
        HEADINGS,
        person_row("a1"),
        [],
        ["Loans"],
        ["Primary ID", "Name"],
        ["b1", "x, y"],
    ]
    rows: list[Any] = [[row for row in first if row != ["Loans"]], [["Primary Identifier"], ["c1"]]]
    found = read_file(workbook(*rows, names=("Fines", "More")))
    assert (found.ids, found.sheet, found.heading_row) == (("a1", "b1", "c1"), "Fines, More", 2)


def test_the_table_may_be_on_any_sheet() -> None:
    found = read_file(workbook([["About this file"]], [[FIRST_LINE], HEADINGS, person_row("p1")]))
    assert (found.ids, found.sheet) == (("p1",), "Sheet2")


def test_a_second_sheet_of_rows_without_headings_is_refused() -> None:
    loose_rows = [[f"p{number}"] for number in range(11)]
    with pytest.raises(InputRefusedError, match="sheet Sheet2: 11 rows stand there without an id column"):
        read_file(workbook([[FIRST_LINE], HEADINGS, person_row("p1")], loose_rows))


def test_messages_name_the_file_and_never_a_person() -> None:
    rows = [[FIRST_LINE], HEADINGS, person_row("p-secret"), person_row(1e18, last="Zimmermann")]
    with pytest.raises(InputRefusedError) as caught:
        read_file(workbook(rows))
    assert FILE_NAME in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
    assert "Zimmermann" not in str(caught.value)
