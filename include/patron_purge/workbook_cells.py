"""Cells of a workbook in which nothing from the data can become a formula.

Each cell is the text of one `c` element of a worksheet (ECMA-376, part 1, 18.3.1.4). A text is always an inline
string, which no program evaluates; a formula would be an `f` element, and nothing here writes one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
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
_LONG_TEXT = 60
_LINE_POINTS = 15


@dataclass(frozen=True, slots=True)
class Styles:
    """Numbers of the cell styles in the workbook.

    Attributes:
        text: Text that stays text when somebody edits the cell.
        marked_text: The same for text that begins like a formula.
        long_text: Text that is broken into lines.
        marked_long_text: The same for text that begins like a formula.
        number: A number.
        left_number: A number that stands in a column of texts.
        day: A date.
        moment: A date with a time.
    """

    text: int
    marked_text: int
    long_text: int
    marked_long_text: int
    number: int
    left_number: int
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
        long_text=_style(worksheet, "@", lines=True),
        marked_long_text=_style(worksheet, "@", marked=True, lines=True),
        number=_style(worksheet, "General", horizontal="right"),
        left_number=_style(worksheet, "General", horizontal="left"),
        day=_style(worksheet, "yyyy-mm-dd", horizontal="left"),
        moment=_style(worksheet, "yyyy-mm-dd hh:mm", horizontal="left"),
    )


def row_writer(styles: Styles, widths: Sequence[int]) -> Callable[[int, tuple[Value, ...]], str]:
    """Return a function that writes one row of a sheet.

    Args:
        styles: The styles of the workbook.
        widths: Width of each column in characters; texts are broken into lines in one of 60 or more.

    Returns:
        A function of the row's number and its values, the first one in the first column. Text stays text,
        whatever it looks like; dates become real dates; what is None or empty has no cell.
    """
    from openpyxl.utils import get_column_letter

    kinds = [_long_cells(styles) if width >= _LONG_TEXT else _cells(styles) for width in widths]
    columns = [(get_column_letter(number), kind) for number, kind in enumerate(kinds, start=1)]
    long = [(place, width) for place, width in enumerate(widths) if width >= _LONG_TEXT]

    def write(number: int, values: tuple[Value, ...]) -> str:
        cells = [
            f'<c r="{letter}{number}"{kind[type(value)](value)}'
            for (letter, kind), value in zip(columns, values, strict=True)
            if value is not None and value != ""
        ]
        height = _height([(values[place], width) for place, width in long])
        return f'<row r="{number}"{height}>{"".join(cells)}</row>'

    return write


def _cells(styles: Styles) -> dict[type, Callable[[Any], str]]:
    """Return how each type of value is written."""
    return {
        str: _text_cell(styles.text, styles.marked_text),
        int: lambda value: f' s="{styles.number}"><v>{value}</v></c>',
        # A spreadsheet has no decimals of its own.
        Decimal: lambda value: f' s="{styles.number}"><v>{float(value)!r}</v></c>',
        date: lambda value: f' s="{styles.day}"><v>{_serial(value)}</v></c>',
        # A spreadsheet knows no time zones; the heading names the zone.
        datetime: lambda value: f' s="{styles.moment}"><v>{_serial(value.replace(tzinfo=None))}</v></c>',
    }


def _long_cells(styles: Styles) -> dict[type, Callable[[Any], str]]:
    """Return the same for a column of long texts."""
    return _cells(styles) | {
        str: _text_cell(styles.long_text, styles.marked_long_text),
        int: lambda value: f' s="{styles.left_number}"><v>{value}</v></c>',
    }


def _height(texts: Sequence[tuple[Value, int]]) -> str:
    """Return the attributes of a row that is higher than usual; not every program finds the height by itself."""
    lines = max((-(-len(text) // width) for text, width in texts if isinstance(text, str)), default=1)
    return f' ht="{lines * _LINE_POINTS}" customHeight="1"' if lines > 1 else ""


def _text_cell(style: int, marked_style: int) -> Callable[[str], str]:
    plain = f' s="{style}" t="inlineStr"><is><t'
    marked = f' s="{marked_style}" t="inlineStr"><is><t'

    def write(value: str) -> str:
        text = _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", value)[:_LONGEST_TEXT]
        start = marked if text.startswith(_FORMULA_STARTS) else plain
        blanks = "" if text == text.strip() else ' xml:space="preserve"'
        return f"{start}{blanks}>{escape(text, _ENTITIES)}</t></is></c>"

    return write


def _style(
    worksheet: "Worksheet",
    number_format: str,
    *,
    marked: bool = False,
    lines: bool = False,
    horizontal: Literal["left", "right"] | None = None,
) -> int:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment

    cell = WriteOnlyCell(worksheet)
    cell.number_format = number_format
    # A number must not touch the text to its right.
    indent = 1 if horizontal == "right" else 0
    cell.alignment = Alignment(vertical="top", wrap_text=lines, horizontal=horizontal, indent=indent)
    if marked:
        cell.quotePrefix = True
    return int(cell.style_id)


@lru_cache(maxsize=100_000)
def _serial(value: date) -> str:
    """Return the number by which a spreadsheet knows a day or a moment: days since the end of 1899."""
    from openpyxl.utils import datetime as spreadsheet

    return repr(spreadsheet.to_excel(value))  # type: ignore[no-untyped-call]
