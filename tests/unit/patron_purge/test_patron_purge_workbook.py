from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from tests.unit.patron_purge.output_samples import ledger, ledger_row
from tests.unit.patron_purge.test_patron_purge_review import review

from patron_purge.review_model import InputSummary
from patron_purge.rules import rules_table
from patron_purge.states import Reason, RowState
from patron_purge.workbook import review_workbook
from patron_purge.workbook_cells import Sheet

LISTS = ("To purge", "Held back")
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "#N/A",
    "007",
    "1E+09",
    "true",
    "2026-01-01",
    '=HYPERLINK("x")',
]


def opened(*rows: dict[str, str]) -> Workbook:
    return openpyxl.load_workbook(BytesIO(review_workbook(review(), ledger(*rows))))


def test_the_sheets_stand_in_their_order() -> None:
    assert opened().sheetnames == ["Summary", "To purge", "Held back", "Inputs", "Rules"]


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
    book = opened(row, held | {"row": "2"})
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    for title, columns in (("To purge", "BCDE"), ("Held back", "BCDEM")):
        for column in columns:
            cell = book[title][f"{column}2"]
            assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
            assert bool(cell.quotePrefix) == text.startswith(("=", "+", "-", "@", "\t"))


def test_control_characters_do_not_break_the_file() -> None:
    assert opened(ledger_row(last_name="Do\x00e\x1b"))["To purge"]["D2"].value == "Do\ufffde\ufffd"


def test_dates_are_dates_and_other_texts_stay() -> None:
    sheet = opened(ledger_row(expiry_date="soon", purge_date="2026-05-31", last_activity=""))["To purge"]
    assert sheet["F2"].value == "soon"
    assert sheet["G2"].value == datetime(2026, 5, 31)  # noqa: DTZ001
    assert sheet["G2"].number_format == "yyyy-mm-dd"
    assert sheet["H2"].value is None


def test_everybody_stands_on_one_of_the_two_lists() -> None:
    book = opened(
        *(
            ledger_row(row=str(number), primary_id=f"p{number}", state=state.value)
            for number, state in enumerate(RowState, start=1)
        )
    )
    listed = [str(line[1].value) for title in LISTS for line in book[title].iter_rows(min_row=2)]
    assert sorted(listed) == sorted(f"p{number}" for number in range(1, len(RowState) + 1))
    assert [row[1].value for row in book["To purge"].iter_rows(min_row=2)] == ["p2"]


def test_the_reason_stands_in_words() -> None:
    sheet = opened(
        ledger_row(state="held_back", reason="active_loans", detail="2 loan(s)", original_group="")
    )["Held back"]
    assert sheet["E2"].value == "Undergraduate"
    assert [sheet[f"{column}2"].value for column in "KLM"] == [
        RowState.HELD_BACK.label,
        Reason.ACTIVE_LOANS.label,
        "2 loan(s)",
    ]


def test_the_summary_says_what_the_review_says() -> None:
    found = review()
    values = {line[0].value: line[1].value for line in opened()["Summary"].iter_rows(min_row=2)}
    assert values["Environment"] == "PRODUCTION"
    assert values["People to purge"] == found.count
    assert values["Equation"] == found.equation.text
    assert values["Money to be waived"] == "2.60"
    assert values["Digest"] == found.digest
    for guard in found.guards:
        assert values[f"Guard {guard.name}: {guard.level.value}"] == guard.sentence
    assert values["Purge users (M999): user_group"] == "OKTOPURGE"
    assert found.code not in values.values()


def test_inputs_and_rules_have_a_line_each() -> None:
    book = opened()
    lines = [[cell.value for cell in line] for line in book["Inputs"].iter_rows(min_row=2)]
    assert [line[0] for line in lines] == ["loans.xlsx", "report.csv"]
    assert lines[0][2:6] == [13, 300, 0, 12]
    rules = [[cell.value for cell in line] for line in book["Rules"].iter_rows(min_row=2)]
    assert [line[0] for line in rules] == [rule.reason.value for rule in rules_table()]
    assert {line[0]: line[3] for line in rules}["expiry_date"] == 1


def test_a_moment_with_a_zone_is_written_in_that_zone() -> None:
    moment = datetime(2026, 9, 1, 18, 0, tzinfo=UTC)
    item = InputSummary(name="x", sha256="", data_date=moment, age_hours=Decimal("13.5"), rows=1)
    content = review_workbook(review(inputs=(item,)), ledger())
    sheet = openpyxl.load_workbook(BytesIO(content))["Inputs"]
    assert sheet["B2"].value == moment.replace(tzinfo=None)
    assert sheet["C2"].value == 13.5


def test_a_sheet_of_headings_only_can_be_written() -> None:
    book = openpyxl.Workbook(write_only=True)
    Sheet(book.create_sheet("x"), (("One", 500),))
    content = BytesIO()
    book.save(content)
    assert openpyxl.load_workbook(content)["x"].column_dimensions["A"].width == 60
