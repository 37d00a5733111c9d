"""Writing sheets of many rows into a workbook.

openpyxl makes the workbook with everything but the rows: sheets, headings, styles, widths, filters. It would
build several objects for each cell, which is most of the time for a long list; the rows are put into its file as
text instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from patron_purge.workbook_cells import Styles, Value, row_writer, styles_of

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_WIDEST = 70
_END_OF_ROWS = b"</sheetData>"
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Sheet:
    """A sheet with a heading row that stays in view and can be filtered.

    Attributes:
        title: Name on its tab.
        headings: Heading and width in characters of each column; in a column of 60 or more texts are
            broken into lines, and none is wider than 70.
        rows: The rows, with a value for each column. Text stays text, whatever it looks like.
    """

    title: str
    headings: tuple[tuple[str, int], ...]
    rows: Sequence[tuple[Value, ...]]


def workbook_file(sheets: Sequence[Sheet]) -> bytes:
    """Write a workbook.

    Args:
        sheets: Its sheets, at least one, in their order.

    Returns:
        An xlsx file.
    """
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    framed = [_frame(workbook, sheet) for sheet in sheets]
    styles = styles_of(framed[0])
    frame = BytesIO()
    workbook.save(frame)
    # openpyxl names the sheets by their position: xl/worksheets/sheet1.xml and so on.
    sheet_at = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(sheets, start=1)}
    filled = BytesIO()
    with ZipFile(frame) as before, ZipFile(filled, "w", ZIP_DEFLATED) as after:
        for entry in before.infolist():
            content = before.read(entry)
            sheet = sheet_at.get(entry.filename)
            with after.open(entry.filename, "w") as stream:
                for part in [content] if sheet is None else _filled(content, sheet, styles):
                    stream.write(part)
    return filled.getvalue()


def _frame(workbook: "Workbook", sheet: Sheet) -> "Worksheet":
    """Make a sheet with everything but its rows."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    worksheet: Worksheet = workbook.create_sheet(sheet.title)
    worksheet.freeze_panes = "A2"
    _fit_to_paper(worksheet)
    for number, (_, width) in enumerate(sheet.headings, start=1):
        worksheet.column_dimensions[get_column_letter(number)].width = min(width, _WIDEST)
    cells = [WriteOnlyCell(worksheet, value=heading) for heading, _ in sheet.headings]
    for cell in cells:
        cell.font = Font(name="Calibri", size=11, bold=True)  # the font of the other cells
    worksheet.append(cells)
    worksheet.auto_filter.ref = f"A1:{get_column_letter(len(cells))}{len(sheet.rows) + 1}"
    return worksheet


def _fit_to_paper(worksheet: "Worksheet") -> None:
    """Let a print have all columns side by side and the headings on every page."""
    from openpyxl.worksheet.page import PageMargins
    from openpyxl.worksheet.properties import PageSetupProperties

    worksheet.page_setup.orientation = "landscape"
    worksheet.page_setup.fitToHeight = 0
    worksheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    worksheet.print_title_rows = "1:1"
    worksheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.5)


def _filled(content: bytes, sheet: Sheet, styles: Styles) -> Iterator[bytes]:
    """Put the rows of a sheet below its headings, in parts that fit into memory."""
    head, end, tail = content.partition(_END_OF_ROWS)
    if not end:
        raise ValueError(f"The sheet {sheet.title} was framed without a place for rows.")
    yield head
    write = row_writer(styles, [width for _, width in sheet.headings])
    for start in range(0, len(sheet.rows), _ROWS_AT_ONCE):
        some = sheet.rows[start : start + _ROWS_AT_ONCE]
        yield "".join(write(number, row) for number, row in enumerate(some, start=start + 2)).encode()
    yield end + tail
