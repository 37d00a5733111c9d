"""Cells of a workbook in which nothing from the data can become a formula.

Each cell is the text of one `c` element of a worksheet (ECMA-376, part 1, 18.3.1.4). A text is always an inline
string, which no program evaluates; a formula would be an `f` element, and nothing here writes one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

Value = str | int | Decimal | date | datetime | None

# With one of these first, a spreadsheet program may take a text for a formula when somebody edits the cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# What XML can't hold, and half of a pair of UTF-16, which UTF-8 can't hold.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A reader of XML turns a bare carriage return into a line feed.
_ENTITIES = {"\r": "&#13;"}
_LONGEST_TEXT = 32_767


@dataclass(frozen=True, slots=True)
class Styles:
    """Numbers of the cell styles in the workbook.

    Attributes:
        text: Text that stays text when somebody edits the cell.
        marked_text: The same for text that begins like a formula.
        number: A number.
        day: A date.
        moment: A date with a time.
    """

    text: int
    marked_text: int
    number: int
    day: int
    moment: int


def styles_of(worksheet: "Worksheet") -> Styles:
    """Make the styles known to the workbook of a sheet.

    Args:
        worksheet: Any sheet of the workbook.
    """
    return Styles(
        text=_style(worksheet, "@"),
        marked_text=_style(worksheet, "@", marked=True),
        number=_style(worksheet, "General"),
        day=_style(worksheet, "yyyy-mm-dd"),
        moment=_style(worksheet, "yyyy-mm-dd hh:mm"),
    )


def row_writer(styles: Styles, columns: int) -> Callable[[int, tuple[Value, ...]], str]:
    """Return a function that writes one row of a sheet.

    Args:
        styles: The styles of the workbook.
        columns: Number of columns.

    Returns:
        A function of the row's number and its values, the first one in the first column. Text stays text,
        whatever it looks like; dates become real dates; what is None or empty has no cell.
    """
    from openpyxl.utils import get_column_letter

    letters = [get_column_letter(number) for number in range(1, columns + 1)]
    inner: dict[type, Callable[[Any], str]] = {
        str: _text_cell(styles),
        int: lambda value: f' s="{styles.number}"><v>{value}</v></c>',
        # A spreadsheet has no decimals of its own.
        Decimal: lambda value: f' s="{styles.number}"><v>{float(value)!r}</v></c>',
        date: lambda value: f' s="{styles.day}"><v>{_serial(value)}</v></c>',
        # A spreadsheet knows no time zones; the heading names the zone.
        datetime: lambda value: f' s="{styles.moment}"><v>{_serial(value.replace(tzinfo=None))}</v></c>',
    }

    def write(number: int, values: tuple[Value, ...]) -> str:
        cells = [
            f'<c r="{letter}{number}"{inner[type(value)](value)}'
            for letter, value in zip(letters, values, strict=True)
            if value is not None and value != ""
        ]
        return f'<row r="{number}">{"".join(cells)}</row>'

    return write


def _text_cell(styles: Styles) -> Callable[[str], str]:
    plain = f' s="{styles.text}" t="inlineStr"><is><t'
    marked = f' s="{styles.marked_text}" t="inlineStr"><is><t'

    def write(value: str) -> str:
        text = _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", value)[:_LONGEST_TEXT]
        start = marked if text.startswith(_FORMULA_STARTS) else plain
        blanks = "" if text == text.strip() else ' xml:space="preserve"'
        return f"{start}{blanks}>{escape(text, _ENTITIES)}</t></is></c>"

    return write


def _style(worksheet: "Worksheet", number_format: str, *, marked: bool = False) -> int:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(worksheet)
    cell.number_format = number_format
    if marked:
        cell.quotePrefix = True
    return int(cell.style_id)


@lru_cache(maxsize=100_000)
def _serial(value: date) -> str:
    """Return the number by which a spreadsheet knows a day or a moment: days since the end of 1899."""
    from openpyxl.utils import datetime as spreadsheet

    return repr(spreadsheet.to_excel(value))  # type: ignore[no-untyped-call]
