"""Cells of a workbook in which nothing from the data can become a formula."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

Value = str | int | Decimal | date | datetime | None

# With one of these first, a spreadsheet program may take a text for a formula when somebody edits the cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDEST = 60


class Sheet:
    """A sheet with a heading row that stays in view and can be filtered."""

    def __init__(self, worksheet: "Worksheet", headings: Sequence[tuple[str, int]]) -> None:
        """Set the sheet up.

        Args:
            worksheet: An empty sheet of a write-only workbook.
            headings: Heading and width in characters of each column.
        """
        from openpyxl.utils import get_column_letter

        self._worksheet = worksheet
        self._last_column = get_column_letter(len(headings))
        self._rows = 0
        worksheet.freeze_panes = "A2"
        for index, (_, width) in enumerate(headings, start=1):
            worksheet.column_dimensions[get_column_letter(index)].width = min(width, _WIDEST)
        self._append([self._cell(heading, bold=True) for heading, _ in headings])

    def add(self, *values: Value) -> None:
        """Add one row.

        Args:
            values: Text stays text, whatever it looks like; dates become real dates.
        """
        self._append([self._cell(value, bold=False) for value in values])

    def _append(self, cells: "list[Cell]") -> None:
        self._worksheet.append(cells)
        self._rows += 1
        self._worksheet.auto_filter.ref = f"A1:{self._last_column}{self._rows}"

    def _cell(self, value: Value, *, bold: bool) -> "Cell":
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
        from openpyxl.styles import Font

        if value is None or value == "":
            cell = WriteOnlyCell(self._worksheet)
        elif isinstance(value, str):
            text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
            cell = WriteOnlyCell(self._worksheet, value=text)
            cell.data_type = "s"
            cell.number_format = "@"
            cell.quotePrefix = text.startswith(_FORMULA_STARTS)
        elif isinstance(value, datetime):
            # A spreadsheet knows no time zones; the heading names the zone.
            cell = WriteOnlyCell(self._worksheet, value=value.replace(tzinfo=None))
            cell.number_format = "yyyy-mm-dd hh:mm"
        elif isinstance(value, date):
            cell = WriteOnlyCell(self._worksheet)
            cell.value = value
            cell.number_format = "yyyy-mm-dd"
        else:
            # A spreadsheet has no decimals of its own.
            cell = WriteOnlyCell(self._worksheet, value=float(value) if isinstance(value, Decimal) else value)
        if bold:
            cell.font = Font(bold=True)
        return cell
