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

    @property
    def name(self) -> str:
        return f"{column_letters(self.column)}{self.row}"


def check_cells(part: bytes, part_name: str, file_name: str, styles: LetteredStyles) -> set[tuple[int, int]]:
    """Look at the cells of a worksheet.

    Args:
        part: A part of the workbook, in UTF-8; parts that are no worksheets are let through.
        part_name: Its name in the workbook, for messages.
        file_name: Name of the file, for messages.
        styles: The styles that show more than a cell holds.

    Returns:
        Row and column, both from 1, of the cells that show more than they hold.

    Raises:
        InputRefusedError: A cell holds an error or a formula without a result. The workbook reader gives both
            as empty, so a person would be missed.
        ParseError: The part is no XML.
        DefusedXmlException: It declares entities.
    """
    if _SHEET not in part or not (styles.of_numbers or _ERROR_OR_FORMULA.search(part)):
        return set()
    lettered = set()
    for cell in _cells(part):
        if cell.kind == "e":
            raise refusal(
                file_name,
                f"holds an error such as #N/A instead of a value in cell {cell.name} of {part_name}, so somebody "
                "may be missing",
            )
        if cell.formula and not cell.filled:
            raise refusal(
                file_name,
                f"holds a formula without its result in cell {cell.name} of {part_name}, so somebody may be missing",
            )
        if cell.filled and cell.style in (styles.of_texts if cell.kind in _OF_TEXT else styles.of_numbers):
            lettered.add((cell.row, cell.column))
    return lettered


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


def column_letters(number: int) -> str:
    """Return the letters of a column.

    Args:
        number: Its number, from 1.

    Returns:
        The letters, such as `A` or `AB`.
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


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
