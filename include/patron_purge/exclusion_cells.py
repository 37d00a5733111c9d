"""Look at the cells of a worksheet as they are stored: what the workbook reader would leave out or change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from xml.etree.ElementTree import Element  # for its type; documents are parsed by defusedxml

import defusedxml.ElementTree as SafeXml

from patron_purge.exclusion_formats import LetteredStyles
from patron_purge.exclusion_refusal import workbook_refusal as refusal

_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,9})")
_SHEET: Final = b"sheetData"
_ERROR_OR_FORMULA = re.compile(rb"""["']e["']|<(?:\w+:)?f[\s/>]""")
_OF_TEXT: Final = frozenset({"s", "str", "inlineStr"})


@dataclass(frozen=True, slots=True)
class _StoredCell:
    row: int
    column: int
    kind: str
    style: int
    formula: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class OddCells:
    """Cells of a sheet that are shown otherwise than they are read.

    Attributes:
        lettered: Row and column, from 1, of those that show more letters or digits than they hold.
        empty_formulas: Row and column of formulas without a result, which are read as empty cells.
    """

    lettered: frozenset[tuple[int, int]] = frozenset()
    empty_formulas: frozenset[tuple[int, int]] = frozenset()

    def __or__(self, other: "OddCells") -> "OddCells":
        """Return the cells of both."""
        return OddCells(self.lettered | other.lettered, self.empty_formulas | other.empty_formulas)


def check_cells(part: bytes, part_name: str, file_name: str, styles: LetteredStyles) -> OddCells:
    """Look at the cells of a worksheet.

    Args:
        part: A part of the workbook, in UTF-8; parts that are no worksheets are let through.
        part_name: Its name in the workbook, for messages.
        file_name: Name of the file, for messages.
        styles: The styles that show more than a cell holds.

    Returns:
        The cells that are shown otherwise than they are read.

    Raises:
        InputRefusedError: A cell holds an error. The workbook reader gives it as empty, so a person would be
            missed.
        ParseError: The part is no XML.
        DefusedXmlException: It declares entities.
    """
    if _SHEET not in part or not (styles.of_numbers or _ERROR_OR_FORMULA.search(part)):
        return OddCells()
    lettered, empty_formulas = set(), set()
    for cell in _cells(part):
        if cell.kind == "e":
            name = cell_name(cell.row, cell.column)
            raise refusal(
                file_name,
                f"holds an error such as #N/A instead of a value in cell {name} of {part_name}, so somebody may "
                "be missing",
            )
        if cell.formula and not cell.filled:
            empty_formulas.add((cell.row, cell.column))
        if cell.filled and cell.style in (styles.of_texts if cell.kind in _OF_TEXT else styles.of_numbers):
            lettered.add((cell.row, cell.column))
    return OddCells(frozenset(lettered), frozenset(empty_formulas))


def column_number(letters: str) -> int:
    """Return the number of a column.

    Args:
        letters: Its letters, such as `A` or `AB`; none for the cells above the first column.

    Returns:
        The number, from 1.
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def cell_name(row: int, column: int) -> str:
    """Return how spreadsheet programs name a cell.

    Args:
        row: Its row, from 1.
        column: Its column, from 1.

    Returns:
        The name, such as `A1` or `AB12`.
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def _cells(part: bytes) -> Iterator[_StoredCell]:
    """Read one row at a time; rows and cells without a number follow the one before."""
    row_number = 0
    events: Any = SafeXml.iterparse(BytesIO(part), events=("end",), forbid_dtd=True)
    for _, element in events:
        if _tag(element) != "row":
            continue
        row_number = int(element.get("r") or row_number + 1)
        column = 0
        for cell in element.iterfind("{*}c"):
            found = _REFERENCE.fullmatch(cell.get("r", ""))
            column = column_number(found[1]) if found else column + 1
            yield _stored(cell, int(found[2]) if found else row_number, column)
        element.clear()


def _stored(cell: Element, row: int, column: int) -> _StoredCell:
    parts = {_tag(part): part for part in cell}
    return _StoredCell(
        row=row,
        column=column,
        kind=cell.get("t", "n"),
        style=int(cell.get("s", "0")),
        formula="f" in parts,
        filled=any("".join(parts[name].itertext()) for name in ("v", "is") if name in parts),
    )


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
