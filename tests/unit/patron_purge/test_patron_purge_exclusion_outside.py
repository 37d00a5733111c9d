"""Rows of an exclusion file that stand outside a known table."""

from typing import Any

import pytest
from tests.unit.patron_purge.input_samples import (
    FILE_NAME,
    FIRST_LINE,
    HEADINGS,
    ID_HEADINGS,
    Rows,
    person_row,
    read_file,
    workbook,
)

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.exclusion_place import ExclusionPlace, exclusion_places
from patron_purge.exclusion_rows import PersonName

NOBODY = "No XYZ users with fines at other I-Share libraries as of 11/30/26 6pm"
TABLE: Rows = [[FIRST_LINE], HEADINGS, person_row("p1")]
NOTES: Rows = [
    ["About this file"],
    ["It lists users who have loans or fines at other libraries, and comes every morning."],
    ["Rows without an id are people whose home record was not found."],
    *[["Please write to the office if somebody is missing here."]] * 8,
    ["Please keep 900112233 as well; also net7"],
    ["Contact", "office@example.edu"],
]


def held(content: bytes, identifier: str) -> bool:
    return ExclusionIndex.build([read_file(content)]).match([identifier], "", "") is not None


@pytest.mark.parametrize("identifier", ["900000001", "jdoe", "900000002", "A-77"])
def test_ids_on_a_sheet_without_a_known_heading_exclude(identifier: str) -> None:
    other: Rows = [["User Primary ID"], ["900000001"], ["jdoe"], [900000002], ["A-77", "Reader, Alex"]]
    assert held(workbook(TABLE, other), identifier)
    assert not held(workbook(TABLE), identifier)


def test_ids_above_the_headings_exclude() -> None:
    rows = [[FIRST_LINE], *([f"q{number}"] for number in range(12)), ["Primary ID"], ["p1"]]
    found = read_file(workbook(rows))
    assert (found.ids, found.row_count) == (("p1",), 1)
    for number in range(12):
        assert held(workbook(rows), f"q{number}")


def test_ids_outside_are_shown_with_their_row_and_do_not_count_as_ids_of_the_file() -> None:
    content = workbook(TABLE, [["PID"], ["q1; q2"]])
    assert read_file(content).ids == ("p1",)
    for identifier in ("q1", "q2"):
        found = exclusion_places(
            content,
            file_name=FILE_NAME,
            id_headings=ID_HEADINGS,
            primary_id=identifier,
            name=PersonName("", ""),
        )
        assert found == (ExclusionPlace("Sheet2", 2, by_name=False),)


def test_the_data_date_is_nobodys_id() -> None:
    content = workbook([["Data as of 11/30/26 6pm"], [], *TABLE[1:]])
    for identifier in ("11", "30", "26", "6", "6pm", "113026"):
        assert not held(content, identifier)


@pytest.mark.parametrize("identifier", ["900112233", "net7", "office@example.edu"])
def test_a_sheet_of_notes_is_harmless_and_ids_in_it_exclude(identifier: str) -> None:
    assert read_file(workbook(TABLE, NOTES)).ids == ("p1",)
    assert held(workbook(TABLE, NOTES), identifier)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([[f"q{number}"] for number in range(6)], 6),
        ([["User Primary ID"], *([f"q{number}"] for number in range(8))], 9),
        ([[f"Sample{number}, Pat"] for number in range(6)], 6),
        ([[f"Garcia{number}, Ana maria lopez"] for number in range(6)], 6),
        ([["Sample", "Pat", "ABC"]] * 6, 6),
        ([["One of the many lines of a long text"]] * 51, 51),
    ],
)
def test_more_rows_than_titles_and_notes_explain_are_refused(rows: Rows, count: int) -> None:
    words = f"sheet Sheet2: {count} rows stand there without an id column"
    with pytest.raises(InputRefusedError, match=words):
        read_file(workbook(TABLE, rows))
    assert read_file(workbook(TABLE, rows[:-count] or rows[:5])).row_count == 1


def test_a_table_with_an_unknown_heading_on_another_sheet_is_refused() -> None:
    other = [["Loans"], ["Last name", "First name", "User Primary ID"], ["Doe", "Ann", "p2"]]
    with pytest.raises(InputRefusedError, match="sheet Sheet2: row 2 looks like headings, but none of them"):
        read_file(workbook(TABLE, other))
    accepted = read_file(workbook(TABLE, other), id_headings=(*ID_HEADINGS, "User Primary ID"))
    assert accepted.ids == ("p1", "p2")


def test_somebody_without_a_home_record_outside_a_table_is_refused() -> None:
    other = [["Sample, Pat", "Could not find user's home record"]]
    with pytest.raises(InputRefusedError, match=r"sheet Sheet2: 1 row\(s\) have neither an id nor a name"):
        read_file(workbook(TABLE, other))


def test_a_rounded_number_outside_a_table_is_refused() -> None:
    with pytest.raises(InputRefusedError, match=r"sheet Sheet2, row 1: .* rounded number"):
        read_file(workbook(TABLE, [[1234567890123456]]))


SECOND_TABLES: list[list[Any]] = [
    ["Last name", "First name", "User Primary ID"],
    ["PID", "Name", None],
    [None, "Name", "PID"],
    ["Patron", "Institution", "Total", "Purge Date"],
    ["Name", "Net-ID", "Loans 2026", "Fines", "Purge Date"],
]


@pytest.mark.parametrize("headings", SECOND_TABLES)
def test_a_second_table_with_an_unknown_heading_is_refused(headings: list[Any]) -> None:
    rows: Rows = [
        [FIRST_LINE],
        ["Name", "Primary ID", "Loans"],
        *(["Sample, Pat", f"p{number}", 1] for number in range(5)),
        headings,
        ["Doe", "Ann", "p9"],
    ]
    words = "sheet Sheet1, row 8: this row looks like the headings of another table"
    with pytest.raises(InputRefusedError, match=words) as caught:
        read_file(workbook(rows))
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        ["First", "Grace", "p7", "Library", ""],
        ["Sample", "Pat", "id", "", ""],
        ["Home", "Grace", 12, "Library", ""],
        [None, None, "first", None, None],
    ],
)
def test_people_are_not_taken_for_headings(row: list[Any]) -> None:
    if row[2] == "id":  # a heading where the id should be, and no digit in the row
        with pytest.raises(InputRefusedError, match="looks like the headings"):
            read_file(workbook([*TABLE, row]))
        return
    assert read_file(workbook([*TABLE, row])).row_count == 2


@pytest.mark.parametrize(
    "above",
    [
        [],
        [["Users with fines at other I-Share libraries"]],
        [["XYZ"], [FIRST_LINE]],
        [["Generated 11/30/26 6pm"]],
        [["Data as of", "11/30/26"]],
    ],
)
def test_titles_and_dates_leave_an_empty_list_empty(above: Rows) -> None:
    assert read_file(workbook([*above, [NOBODY]])).row_count == 0
    assert read_file(workbook([[NOBODY]], above or [["XYZ"]])).row_count == 0


@pytest.mark.parametrize(
    "other",
    [
        [["PID"], ["q1"], ["q2"]],
        [["jdoe"]],
        [["Sample, Pat"]],
        [[900112233]],
        [["Report"], ["q1 11/30/26"]],
        [["Please keep everybody of last month too"]],
    ],
)
def test_anything_else_contradicts_an_empty_list(other: Rows) -> None:
    words = "says that there are no users, yet it holds"
    for sheets in ([[[NOBODY]], other], [[*other, [NOBODY]]], [[[FIRST_LINE], HEADINGS, [NOBODY]], other]):
        with pytest.raises(InputRefusedError, match=words):
            read_file(workbook(*sheets))
    with pytest.raises(InputRefusedError, match=r"yet it holds .*, the first one in sheet Sheet2, row"):
        read_file(workbook(TABLE, [[NOBODY], *other]))


def test_titles_only_go_so_far_in_an_empty_list() -> None:
    with pytest.raises(InputRefusedError, match="yet it holds 6 more row"):
        read_file(workbook([[NOBODY], *[["Report of loans"]] * 6]))


@pytest.mark.parametrize(
    "sentence",
    [
        ["No. of users with loans as of 11/30/26 6pm"],
        ["No of users with loans as of 11/30/26 6pm"],
        ["\u2116 of users with loans as of 11/30/26 6pm"],
        ["No.: users with loans as of 11/30/26 6pm"],
        [NOBODY, "q1"],
        [NOBODY, 900112233],
        [f"{NOBODY} 900112233"],
        [f"{NOBODY}\n900112233"],
    ],
)
def test_what_is_not_the_sentence_of_an_empty_list(sentence: list[Any]) -> None:
    with pytest.raises(InputRefusedError, match="headings but no rows"):
        read_file(workbook([sentence, HEADINGS]))
    with pytest.raises(InputRefusedError, match="has no column headed"):
        read_file(workbook([sentence]))


def test_the_sentence_may_have_its_date_beside_it() -> None:
    start = NOBODY.removesuffix(" 11/30/26 6pm")
    assert read_file(workbook([[start, "11/30/26 6pm"]])).row_count == 0
