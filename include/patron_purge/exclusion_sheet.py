"""Open an exclusion workbook without trusting it."""

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Final
from xml.etree.ElementTree import ParseError  # documents are parsed by defusedxml

from patron_purge.exclusion_cells import OddCells, check_cells, column_number
from patron_purge.exclusion_formats import LetteredStyles, lettered_styles
from patron_purge.exclusion_parts import sheets_of_parts
from patron_purge.exclusion_refusal import workbook_refusal as refusal

Cell = str | float | int | bool | datetime | date | time | timedelta

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK"
_CELL_REFERENCE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{0,3})(\d{1,9})[\"']")
_ENCRYPTED: Final = 0x1
_STYLES: Final = "styles.xml"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, ParseError)
_XML_PARTS: Final = (".xml", ".rels", ".vml")
_MACRO_PART = re.compile(r"(^|/)(vba[^/]*\.(bin|xml)|(macrosheets|dialogsheets|activex)/.*)$")
_OUTSIDE_PART = re.compile(r"(^|/)((externallinks|querytables)/.*|connections\.xml)$")

MAX_UNPACKED_BYTES: Final = 200_000_000
"""Largest size of the unpacked workbook, in bytes; far above any real exclusion file."""

MAX_CELLS: Final = 20_000_000
"""Largest number of cells between the first and the last one; the reader reserves memory for all of them."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one sheet, starting at A1.

    Attributes:
        name: Name of the sheet.
        rows: Cells by row; empty cells are empty strings.
        odd: Cells that are shown otherwise than they are read.
    """

    name: str
    rows: list[list[Cell]]
    odd: OddCells = field(default_factory=OddCells)


def read_sheets(content: bytes, file_name: str) -> tuple[Sheet, ...]:
    """Read every sheet of an xlsx workbook.

    Args:
        content: The file's bytes.
        file_name: Name for messages.

    Returns:
        The sheets in the workbook's order, hidden ones included.

    Raises:
        InputRefusedError: The file is empty, no workbook, encrypted, damaged, holds macros, links to other
            files or errors, or unpacks to an unreasonable size.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    odd = _check_archive(content, file_name)
    try:
        with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            return tuple(
                Sheet(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False), _odd(odd, name))
                for name in book.sheet_names
            )
    except CalamineError as error:
        raise refusal(file_name, "can't be read as an xlsx workbook") from error
    except BaseException as error:
        # A panic inside the reader arrives as a BaseException of a class that can't be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise refusal(file_name, "is damaged: the workbook can't be read") from error


def _check_archive(content: bytes, file_name: str) -> dict[str, OddCells]:
    """Look at the zip archive that a workbook is, and return the odd cells of its sheets by the sheet's name."""
    if not content:
        raise refusal(file_name, "is empty (0 bytes)")
    if content.startswith(_OLD_OFFICE):
        raise refusal(file_name, "is password-protected or in the old .xls format")
    if not content.startswith(_ZIP):
        raise refusal(file_name, "is not an xlsx workbook")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _check_entries(archive, file_name)
            return _check_parts(archive, file_name)
    except _DAMAGED as error:
        raise refusal(file_name, "is incomplete or damaged") from error


def _check_entries(archive: zipfile.ZipFile, file_name: str) -> None:
    entries = archive.infolist()
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise refusal(file_name, "is encrypted")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise refusal(file_name, f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    if len({entry.filename for entry in entries}) < len(entries):
        raise refusal(file_name, "is damaged: it holds two parts of the same name")
    _check_kinds(entries, file_name)
    # Reads every part to its end, so a wrong checksum or a size that was declared too small shows here.
    if archive.testzip() is not None:
        raise refusal(file_name, "is damaged: a checksum does not agree")


def _odd(found: dict[str, OddCells], sheet_name: str) -> OddCells:
    """Return the odd cells of a sheet; those of a part that is no known sheet count for each sheet."""
    return found.get(sheet_name, OddCells()) | found.get("", OddCells())


def _check_parts(archive: zipfile.ZipFile, file_name: str) -> dict[str, OddCells]:
    parts = [name for name in archive.namelist() if name.lower().endswith(_XML_PARTS)]
    styles = LetteredStyles()
    odd: dict[str, OddCells] = {}
    # The styles come first: the cells name them.
    for name in sorted(parts, key=lambda name: not name.lower().endswith(_STYLES)):
        part = archive.read(name)
        _check_part(part, name, file_name)
        if name.lower().endswith(_STYLES):
            styles = lettered_styles(part)
        else:
            odd[name] = check_cells(part, name, file_name, styles)
    sheet_of = sheets_of_parts(archive) if any(cells != OddCells() for cells in odd.values()) else {}
    by_sheet: dict[str, OddCells] = {}
    for name, cells in odd.items():
        sheet = sheet_of.get(name.lower(), "")
        by_sheet[sheet] = by_sheet.get(sheet, OddCells()) | cells
    return by_sheet


def _check_part(part: bytes, part_name: str, file_name: str) -> None:
    """Refuse a part that would unpack to more than it says, or that names things outside of the workbook."""
    # No program that writes workbooks declares a document type; entities, internal or external, begin with one.
    if b"<!DOCTYPE" in part.replace(b"\0", b""):
        raise refusal(file_name, "declares XML entities, which no workbook needs")
    # The workbook reader takes a sheet in UTF-16 for an empty one.
    if b"\0" in part:
        raise refusal(file_name, f"holds {part_name} in another encoding than UTF-8, which can't be read")
    if _cell_count(part) > MAX_CELLS:
        raise refusal(file_name, f"spans more than {MAX_CELLS:,} cells")


def _check_kinds(entries: Sequence[zipfile.ZipInfo], file_name: str) -> None:
    """Refuse parts that a list of people never needs, and that tell of another producer than the expected one."""
    names = [entry.filename.replace("\\", "/").lower() for entry in entries]
    if any(_MACRO_PART.search(name) for name in names):
        raise refusal(file_name, "holds macros, which a list of people never needs")
    if any(_OUTSIDE_PART.search(name) for name in names):
        raise refusal(file_name, "takes cells from other files or data sources, so they may be out of date")


def _cell_count(part: bytes) -> int:
    """Return how many cells lie between A1 and the outermost cell that a part of the workbook names."""
    references = _CELL_REFERENCE.findall(part)
    last_row = max((int(digits) for digits in {digits for _, digits in references}), default=0)
    columns = {letters.decode("ascii") for letters in {letters for letters, _ in references}}
    return last_row * max(map(column_number, columns), default=0)
