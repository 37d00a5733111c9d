from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from python_calamine import CalamineWorkbook
from tests.unit.patron_purge.output_samples import ledger, ledger_row
from tests.unit.patron_purge.test_patron_purge_review import review

from patron_purge.changes import Change, ChangeKind, Changes
from patron_purge.review_model import InputSummary, Review
from patron_purge.rules import rules_table
from patron_purge.states import Reason, RowState
from patron_purge.workbook import review_workbook
from patron_purge.workbook_cells import Value
from patron_purge.workbook_file import Sheet, workbook_file

LISTS = ("To purge", "Held back")
GROUPS = {"UG": "Undergraduate", "GRAD": "Graduate"}
NOTHING = Changes("Nothing is compared here.")
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "#N/A",
    "007",
    "1E+09",
    "true",
    "2026-01-01",
    '=HYPERLINK("x")',
    "</t></is></c><c><f>1+1</f></c>",
    "]]>&amp;<",
    "a\r\nb",
]
# What openpyxl itself reads back changed: it ends a text at a surrogate, and knows no other way to write these.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXTS = st.one_of(
    st.text(CHARACTERS, min_size=1, max_size=40),
    st.tuples(st.sampled_from("=+-@\t\r\n"), st.text(CHARACTERS, max_size=20)).map("".join),
    st.sampled_from(NASTY),
)


def written(*rows: dict[str, str], changes: Changes = NOTHING, about: Review | None = None) -> bytes:
    return review_workbook(about or review(), ledger(*rows), changes, GROUPS)


def opened(*rows: dict[str, str], changes: Changes = NOTHING, about: Review | None = None) -> Workbook:
    return openpyxl.load_workbook(BytesIO(written(*rows, changes=changes, about=about)))


def values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in line] for line in sheet.iter_rows(min_row=2)]


def single(value: Value) -> Any:
    """Write one value and return its cell."""
    content = workbook_file((Sheet("x", (("One", 10),), [(value,)]),))
    return openpyxl.load_workbook(BytesIO(content))["x"]["A2"]


def test_the_sheets_stand_in_their_order() -> None:
    assert opened().sheetnames == ["Summary", "To purge", "Held back", "Changes", "Inputs", "Rules"]


def test_every_sheet_has_a_frozen_heading_a_filter_and_widths() -> None:
    for sheet in opened(ledger_row(), ledger_row(row="2", state="held_back", reason="proxy")):
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == f"A1:{get_column_letter(sheet.max_column)}{sheet.max_row}"
        assert sheet.column_dimensions["A"].width >= 8
        assert sheet["A1"].font.bold


@pytest.mark.parametrize("text", NASTY)
def test_nothing_from_the_data_becomes_a_formula(text: str) -> None:
    row = ledger_row(primary_id=text, last_name=text, first_name=text, original_group=text)
    held = row | {"state": "held_back", "reason": "protect_list", "detail": text}
    change = Change(ChangeKind.NEW, text, text, text, text, text, text)
    book = opened(row, held | {"row": "2"}, changes=Changes(text, (change,)))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    for title, columns in (("To purge", "BCDE"), ("Held back", "BCDEN"), ("Changes", "BCDEGH")):
        for column in columns:
            cell = book[title][f"{column}2"]
            assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
            assert bool(cell.quotePrefix) == text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.lists(TEXTS, min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_any_text_survives_as_text_in_every_column(texts: list[str]) -> None:
    people = [
        ledger_row(row=str(row), primary_id=text, first_name=text, last_name=text, original_group=text)
        for row, text in enumerate(texts, start=1)
    ]
    held = [
        each | {"state": "held_back", "reason": "protect_list", "detail": each["primary_id"]}
        for each in people
    ]
    book = opened(*people, *held)
    assert {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line} <= {
        "s",
        "n",
        "d",
    }
    assert [line[1:5] for line in values(book["To purge"])] == [[text] * 4 for text in texts]
    assert [(*line[1:5], line[13]) for line in values(book["Held back"])] == [(text,) * 5 for text in texts]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_no_text_breaks_the_file_or_becomes_a_formula(texts: list[str]) -> None:
    rows: list[tuple[Value, ...]] = [(text, "after") for text in texts]
    content = workbook_file((Sheet("x", (("One", 10), ("Two", 10)), rows),))
    lines = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name("x").to_python()
    assert [line[-1] for line in lines] == ["Two", *["after"] * len(texts)]
    assert b"<f" not in ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml")


@given(st.dates(date(1901, 1, 1), date(9999, 12, 31)))
def test_any_day_survives_as_a_date(day: date) -> None:
    cell = single(day)
    assert (cell.value.date(), cell.is_date) == (day, True)


def test_control_characters_and_half_characters_do_not_break_the_file() -> None:
    book = opened(ledger_row(last_name="Do\x00e\x1b", first_name="\ud83d\ufffe"))
    assert book["To purge"]["D2"].value == "Do\ufffde\ufffd"
    assert book["To purge"]["C2"].value == "\ufffd\ufffd"


def test_a_text_longer_than_a_cell_is_cut() -> None:
    assert len(single("x" * 40_000).value) == 32_767


def test_dates_are_dates_and_other_texts_stay() -> None:
    row = ledger_row(expiry_date="soon", purge_date="2026-05-31", last_activity="0001-01-01")
    sheet = opened(row, ledger_row(row="2", last_activity=""))["To purge"]
    assert sheet["G2"].value == "soon"
    assert sheet["H2"].value == datetime(2026, 5, 31)  # noqa: DTZ001
    assert sheet["H2"].number_format == "yyyy-mm-dd"
    assert sheet["I2"].value == "0001-01-01"
    assert sheet["I3"].value is None


def test_amounts_and_counts_are_numbers_and_other_texts_stay() -> None:
    sheet = opened(ledger_row(fees="2.50", loans="3"), ledger_row(row="2", fees="1e999", loans="NaN"))[
        "To purge"
    ]
    assert [sheet["J2"].value, sheet["K2"].value] == [2.5, 3]
    assert [sheet["J3"].value, sheet["K3"].value] == ["1e999", "NaN"]


def test_everybody_stands_on_one_of_the_two_lists() -> None:
    book = opened(
        *(
            ledger_row(row=str(number), primary_id=f"p{number}", state=state.value)
            for number, state in enumerate(RowState, start=1)
        )
    )
    listed = [str(line[1]) for title in LISTS for line in values(book[title])]
    assert sorted(listed) == sorted(f"p{number}" for number in range(1, len(RowState) + 1))
    assert [line[1] for line in values(book["To purge"])] == ["p2"]


def test_the_reason_stands_in_words() -> None:
    sheet = opened(ledger_row(state="held_back", reason="active_loans", detail="2 loans"))["Held back"]
    assert [sheet[f"{column}2"].value for column in "LMN"] == [
        RowState.HELD_BACK.label,
        Reason.ACTIVE_LOANS.label,
        "2 loans",
    ]


@pytest.mark.parametrize(
    ("original", "told", "expected"),
    [
        ("UG", "whatever", ["UG", "Undergraduate"]),
        ("", "GRAD", ["GRAD", "Graduate"]),
        ("", "Undergraduate", [None, "Undergraduate"]),
        ("OLD", "Undergraduate", ["OLD", None]),
    ],
)
def test_a_group_stands_with_its_description(original: str, told: str, expected: list[str]) -> None:
    row = ledger_row(original_group=original, report_group=told)
    assert values(opened(row)["To purge"])[0][4:6] == expected


def test_changes_stand_with_then_and_now() -> None:
    change = Change(ChangeKind.GONE, "asmith", "Al", "Smith", "UG", "not approved", "held back by a rule: x")
    book = opened(changes=Changes("Compared with r0.", (change,)))
    about = ["no longer on the list", "asmith", "Al", "Smith", "UG", "Undergraduate"]
    assert values(book["Changes"]) == [[*about, "not approved", "held back by a rule: x"]]
    assert ["Changes", "Compared with r0.", None] in values(book["Summary"])


def test_a_sheet_without_changes_says_why() -> None:
    assert values(opened()["Changes"])[0][0] == NOTHING.note


def test_the_summary_says_what_the_review_says() -> None:
    found = review()
    said = {line[0]: line[1] for line in values(opened()["Summary"])}
    assert said["Environment"] == "PRODUCTION"
    assert said["Mode"] == "Full"
    assert "taken off on the review page later still stands here" in said["What this shows"]
    assert said["People to purge"] == found.count
    assert said["Equation"] == found.equation.text
    assert said["Money to be waived"] == "2.60"
    assert said["Digest"] == found.digest
    for guard in found.guards:
        assert said[f"Limit {guard.name}: {guard.level.label}"] == guard.sentence
    assert said["Purge users (M999): user_group"] == "OKTOPURGE"
    assert found.code not in said.values()


def test_inputs_and_rules_have_a_line_each() -> None:
    book = opened()
    lines = values(book["Inputs"])
    assert [line[0] for line in lines] == ["loans.xlsx", "report.csv"]
    assert lines[0][2:6] == [13, 300, 0, 12]
    rules = values(book["Rules"])
    assert [line[0] for line in rules] == [rule.reason.value for rule in rules_table()]
    assert {line[0]: line[3] for line in rules}["expiry_date"] == 1


def test_a_moment_with_a_zone_is_written_in_that_zone() -> None:
    moment = datetime(2026, 9, 1, 18, 0, tzinfo=UTC)
    item = InputSummary(name="x", sha256="", data_date=moment, age_hours=Decimal("13.5"), rows=1)
    sheet = opened(about=review(inputs=(item,)))["Inputs"]
    assert sheet["B2"].value == moment.replace(tzinfo=None)
    assert sheet["C2"].value == 13.5


def test_a_sheet_of_headings_only_can_be_written() -> None:
    content = workbook_file((Sheet("x", (("One", 500),), []),))
    assert openpyxl.load_workbook(BytesIO(content))["x"].column_dimensions["A"].width == 70


def test_a_row_is_as_high_as_its_longest_text() -> None:
    rows: list[tuple[Value, ...]] = [("x" * 100, "x" * 181), ("short", "x" * 61), ("x" * 100, "short")]
    content = workbook_file((Sheet("x", (("One", 20), ("Two", 60)), rows),))
    sheet = openpyxl.load_workbook(BytesIO(content))["x"]
    assert [sheet.row_dimensions[row].height for row in (2, 3, 4)] == [60, 30, None]
    assert sheet["B2"].alignment.wrap_text
    assert not sheet["A2"].alignment.wrap_text


def test_rows_beyond_the_first_part_keep_their_places() -> None:
    content = workbook_file((Sheet("x", (("One", 10),), [(number,) for number in range(2_500)]),))
    sheet = openpyxl.load_workbook(BytesIO(content))["x"]
    assert [cell.value for cell in sheet["A"]][1:] == list(range(2_500))
    assert sheet.auto_filter.ref == "A1:A2501"
