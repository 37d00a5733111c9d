"""Build workbooks whose bytes are the same every time."""

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

Rows = Sequence[Sequence[Any]]

_DAY_OF_ZIPS = (2026, 11, 30, 18, 0, 0)
_DAY_OF_BOOKS = datetime.fromisoformat("2026-11-30T18:00:00")  # a workbook's properties have no zone
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def workbook(**sheets: Rows) -> bytes:
    """Build a workbook from the rows of each sheet."""
    return styled(lambda _: None, **sheets)


def styled(change: Callable[[openpyxl.Workbook], None], **sheets: Rows) -> bytes:
    """Build a workbook and change it before it is saved."""
    book = openpyxl.Workbook()
    book.properties.created = _DAY_OF_BOOKS
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    change(book)
    buffer = BytesIO()
    book.save(buffer)
    return repacked(buffer.getvalue())


def first_sheet(change: Callable[[Worksheet], object]) -> Callable[[openpyxl.Workbook], None]:
    """Make a change of the first sheet a change of the workbook."""

    def apply(book: openpyxl.Workbook) -> None:
        change(book.worksheets[0])

    return apply


def repacked(
    content: bytes, *, added: Mapping[str, bytes] | None = None, edit: Callable[[bytes], bytes] | None = None
) -> bytes:
    """Pack a workbook again, with more parts or with an edited first sheet."""
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        parts = {name: old.read(name) for name in old.namelist()} | dict(added or {})
        parts["docProps/core.xml"] = _MODIFIED.sub(rb"\g<1>2026-11-30T18:00:00Z", parts["docProps/core.xml"])
        if edit:
            edited = edit(parts["xl/worksheets/sheet1.xml"])
            assert edited != parts["xl/worksheets/sheet1.xml"]
            parts["xl/worksheets/sheet1.xml"] = edited
        for name, part in parts.items():
            entry = zipfile.ZipInfo(name, _DAY_OF_ZIPS)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, part)
    return buffer.getvalue()


def with_results(content: bytes, results: Mapping[str, str]) -> bytes:
    """Give formula cells the result that the spreadsheet program has stored beside the formula."""

    def edit(part: bytes) -> bytes:
        for cell, result in results.items():
            found = re.compile(rf'<c r="{cell}"([^>]*)>(<f>[^<]*</f>)<v ?/>'.encode())
            part = found.sub(rf'<c r="{cell}"\1 t="str">\2<v>{result}</v>'.encode(), part)
        return part

    return repacked(content, edit=edit)


def bomb(content: bytes, size: int) -> bytes:
    """Add a part that unpacks to many bytes."""
    buffer = BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        entry = zipfile.ZipInfo("xl/media/image1.bin", _DAY_OF_ZIPS)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w") as part:
            for _ in range(size // 1_000_000):
                part.write(bytes(1_000_000))
    return buffer.getvalue()


def marked_encrypted(content: bytes) -> bytes:
    """Set the flag of an encrypted part in the zip's directory."""
    changed = bytearray(content)
    changed[changed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)
