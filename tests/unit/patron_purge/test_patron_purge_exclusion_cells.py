"""Cells that the workbook reader leaves out or shows otherwise than the spreadsheet does."""

import re
import zipfile
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from tests.unit.patron_purge.input_samples import FIRST_LINE, HEADINGS, Rows, person_row, read_file, workbook

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_cells import OddCells, cell_name, column_number
from patron_purge.exclusion_formats import adds_letters
from patron_purge.exclusion_parts import sheets_of_parts
from patron_purge.exclusion_sheet import read_sheets

SHEET = "xl/worksheets/sheet1.xml"
ONE_COLUMN = workbook([[FIRST_LINE], ["Primary ID"], ["p1"], ["p2"]])


def edited(content: bytes, old: str, new: str, encoding: str = "utf-8", part: str = SHEET) -> bytes:
    """Change a stored part, the first sheet if none is given."""
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            stored = before.read(name)
            if name == part:
                text, count = re.subn(old, new, stored.decode())
                assert count
                stored = text.encode(encoding)
            after.writestr(name, stored)
    return buffer.getvalue()


def with_cell(stored: str, encoding: str = "utf-8") -> bytes:
    return edited(ONE_COLUMN, r'<c r="A4".*?</c>', stored, encoding)


def formatted(code: str, cell: Any, place: str = "C3") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ([FIRST_LINE], HEADINGS, person_row(cell), person_row("p2")):
        sheet.append(list(row))
    sheet[place].number_format = code
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!"])
def test_an_error_in_a_cell_is_refused(error: str) -> None:
    words = f"holds an error such as #N/A instead of a value in cell A4 of {SHEET}"
    with pytest.raises(InputRefusedError, match=words) as caught:
        read_file(workbook([[FIRST_LINE], ["Primary ID"], ["p1"], [error]]))
    assert "nothing was changed" in str(caught.value)


@pytest.mark.parametrize(
    "stored",
    [
        '<c r="A4" t="e"><v>#N/A</v></c>',
        "<c r='A4' s='0' t='e'><f>VLOOKUP(1,B:B,1)</f><v>#N/A</v></c>",
        '<c t="e"><v>#N/A</v></c>',
        '<x:c xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="A4" t="e"/>',
    ],
)
def test_an_error_is_seen_however_it_is_stored(stored: str) -> None:
    with pytest.raises(InputRefusedError, match="error such as #N/A instead of a value in cell A4 of"):
        read_sheets(with_cell(stored), "f.xlsx")


@pytest.mark.parametrize(
    "stored",
    [
        '<c r="A4"><f>B4</f></c>',
        '<c r="A4"><f>B4</f><v/></c>',
        '<c r="A4" t="str"><f>B4&amp;""</f><v></v></c>',
        '<c r="A4"><f t="shared" si="0"/></c>',
        "<c><f>B4</f><v /></c>",
    ],
)
def test_a_formula_without_its_result_is_refused(stored: str) -> None:
    with pytest.raises(InputRefusedError, match="sheet Sheet1: cell A4 holds a formula without its result"):
        read_file(with_cell(stored))
    between = edited(ONE_COLUMN, r'<c r="A3".*?</c>', stored.replace("A4", "A3"))
    with pytest.raises(InputRefusedError, match="sheet Sheet1: cell A3 holds a formula without its result"):
        read_file(between)


FORMULA = '="x"&1'


@pytest.mark.parametrize(
    ("sheets", "cell"),
    [
        ([[[FIRST_LINE], HEADINGS, person_row(FORMULA)]], "Sheet1: cell C3"),
        ([[[FIRST_LINE], HEADINGS, person_row(None, last=FORMULA)]], "Sheet1: cell A3"),
        ([[[FIRST_LINE], HEADINGS, person_row("see desk", first=FORMULA)]], "Sheet1: cell B3"),
        ([[[FIRST_LINE], HEADINGS, person_row("p1"), [], [None, None, FORMULA]]], "Sheet1: cell C5"),
        ([[[FIRST_LINE], [FORMULA], HEADINGS, person_row("p1")]], "Sheet1: cell A2"),
        ([[[FIRST_LINE], HEADINGS, person_row("p1")], [["x"], [FORMULA]]], "Sheet2: cell A2"),
        ([[[FIRST_LINE], HEADINGS, person_row("p1")], [[FORMULA]]], "Sheet2: cell A1"),
    ],
)
def test_a_formula_in_place_of_a_person_is_refused(sheets: list[Rows], cell: str) -> None:
    with pytest.raises(InputRefusedError, match=f"sheet {cell} holds a formula without its result"):
        read_file(workbook(*sheets))


def test_a_formula_beside_an_id_does_not_matter() -> None:
    # A name such as "=SUM(1;1)" becomes a formula when a program writes it carelessly.
    rows: Rows = [[FIRST_LINE], HEADINGS, person_row("p1", last=FORMULA, purge=FORMULA)]
    assert read_file(workbook(rows)).ids == ("p1",)


def test_each_sheet_has_its_own_odd_cells() -> None:
    one: Rows = [[FIRST_LINE], HEADINGS, person_row("p1"), person_row("p2", first=FORMULA)]
    two: Rows = [["Name", "Primary ID"], ["a, b", "q1"]]
    assert read_file(workbook(one, two)).ids == ("p1", "p2", "q1")
    assert read_sheets(workbook(one, two), "f.xlsx")[1].odd == OddCells()
    assert read_sheets(workbook(one, two), "f.xlsx")[0].odd.empty_formulas == {(4, 2)}


def test_odd_cells_of_an_unknown_part_count_for_every_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patron_purge.exclusion_sheet.sheets_of_parts", lambda _: {})
    one: Rows = [[FIRST_LINE], HEADINGS, person_row("p1", first=FORMULA)]
    for sheet in read_sheets(workbook(one, [["x"]]), "f.xlsx"):
        assert sheet.odd.empty_formulas == {(3, 2)}


@pytest.mark.parametrize(
    "target", ["worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml"]
)
def test_the_part_of_a_sheet_is_found_however_it_is_named(target: str) -> None:
    content = edited(
        ONE_COLUMN,
        'Target="/?(xl/)?worksheets/sheet1.xml"',
        f'Target="{target}"',
        part="xl/_rels/workbook.xml.rels",
    )
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert sheets_of_parts(archive) == {SHEET: "Sheet1"}


@pytest.mark.parametrize("stored", ['<c r="A4"><v>2</v></c>', '<c r="A4" t="e"><v>#N/A</v></c>'])
def test_a_sheet_in_another_encoding_is_refused_and_not_read_as_empty(stored: str) -> None:
    with pytest.raises(InputRefusedError, match=f"holds {SHEET} in another encoding than UTF-8"):
        read_sheets(with_cell(stored, "utf-16"), "f.xlsx")


@pytest.mark.parametrize(
    "stored",
    [
        '<c r="A4" t="str"><f>"p"&amp;2</f><v>p2</v></c>',
        '<c r="A4"><f>1-1</f><v>0</v></c>',
        '<c r="A4" t="inlineStr"><is><t>"e" is no error, &lt;f is no formula</t></is></c>',
    ],
)
def test_formulas_with_a_result_are_read(stored: str) -> None:
    assert len(read_sheets(with_cell(stored), "f.xlsx")[0].rows) == 4


@pytest.mark.parametrize(
    "code", ['"P"000000', "\\P000000", '0"@example.edu"', "[$PID]0", '0;0;0;"x"@', "9000"]
)
def test_an_id_shown_with_letters_that_are_not_in_the_cell_is_refused(code: str) -> None:
    words = "sheet Sheet: cell C3 shows letters or digits that are not in it"
    with pytest.raises(InputRefusedError, match=words):
        read_file(formatted(code, 123))


def test_a_text_format_with_letters_counts_for_texts() -> None:
    with pytest.raises(InputRefusedError, match="shows letters or digits"):
        read_file(formatted('"P"@', "000123"))
    assert read_file(formatted('"P"000000', "P000123")).ids == ("P000123", "p2")


def test_numbers_outside_a_table_are_looked_at_too() -> None:
    book = openpyxl.load_workbook(BytesIO(workbook([[FIRST_LINE], HEADINGS, person_row("p1")], [[123]])))
    book["Sheet2"]["A1"].number_format = '"P"000000'
    buffer = BytesIO()
    book.save(buffer)
    with pytest.raises(InputRefusedError, match="sheet Sheet2: cell A1 shows letters"):
        read_file(buffer.getvalue())


@pytest.mark.parametrize("code", ["General", "000000", "000\\-00\\-0000", '"$"#,##0.00', "0.00E+00", "@"])
def test_other_formats_of_ids_are_fine(code: str) -> None:
    assert read_file(formatted(code, 123)).ids == ("123", "p2")


def test_letters_in_other_columns_do_not_matter() -> None:
    assert read_file(formatted('0 "days"', 12, place="E3")).ids == ("12", "p2")
    assert read_file(formatted('"P"000000', None)).names != ()


@pytest.mark.parametrize(
    ("code", "adds"),
    [
        ('_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)', False),
        ("[Red][>100]0;[$-409]0", False),
        ("yyyy-mm-dd h:mm AM/PM", False),
        ("# ?/8", False),
        ('"no. "0', True),
        ("[$USD-409] 0.00", True),
        ("P000", True),
    ],
)
def test_what_a_number_format_adds(code: str, adds: bool) -> None:
    assert adds_letters(code) is adds


@pytest.mark.parametrize(("letters", "number"), [("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16_384)])
def test_columns(letters: str, number: int) -> None:
    assert column_number(letters) == number
    assert cell_name(7, number) == f"{letters}7"
