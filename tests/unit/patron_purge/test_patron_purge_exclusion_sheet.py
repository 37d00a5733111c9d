import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.patron_purge.input_samples import fines_workbook, workbook

from patron_purge import exclusion_sheet
from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_sheet import read_sheets

GOOD = fines_workbook("a1", "00012")


def repacked(content: bytes, change: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change.get(entry.filename, old.read(entry)))
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name])
    return buffer.getvalue()


def test_reads_every_sheet_from_a1() -> None:
    sheets = read_sheets(workbook([[], [None, "x"]], [["y"]], names=("One", "Two")), "f.xlsx")
    assert [(sheet.name, sheet.rows) for sheet in sheets] == [
        ("One", [["", ""], ["", "x"]]),
        ("Two", [["y"]]),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"Primary ID,Name\n1,x\n", "is not an xlsx workbook"),
        (b"<html>404</html>", "is not an xlsx workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "password-protected"),
        (GOOD[: len(GOOD) // 2], "incomplete or damaged"),
        (GOOD[:-10], "incomplete or damaged"),
        (b"PK\x03\x04" + b"x" * 100, "incomplete or damaged"),
    ],
)
def test_refuses_what_is_no_workbook(content: bytes, words: str) -> None:
    with pytest.raises(InputRefusedError, match=words) as caught:
        read_sheets(content, "f.xlsx")
    assert "f.xlsx" in str(caught.value)
    assert "nothing was changed" in str(caught.value)


def test_refuses_a_zip_that_is_no_workbook() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(InputRefusedError, match="can't be read as an xlsx workbook"):
        read_sheets(buffer.getvalue(), "f.xlsx")


def test_refuses_an_encrypted_part() -> None:
    content = bytearray(GOOD)
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    with pytest.raises(InputRefusedError, match="is encrypted"):
        read_sheets(bytes(content), "f.xlsx")


@pytest.mark.parametrize("part", [b"xl/worksheets/sheet1.xml", b"_rels/.rels"])
def test_refuses_a_wrong_checksum(part: bytes) -> None:
    content = bytearray(GOOD)
    place = content.rfind(part) - 46  # the directory entry ends with the name
    content[place + 16] ^= 0xFF
    with pytest.raises(InputRefusedError, match="damaged"):
        read_sheets(bytes(content), "f.xlsx")


def test_refuses_a_bomb_by_its_declared_size() -> None:
    bomb = repacked(GOOD, {"xl/media/big.bin": b"\0" * (exclusion_sheet.MAX_UNPACKED_BYTES + 1)})
    assert len(bomb) < 1_000_000
    with pytest.raises(InputRefusedError, match="unpacks to more than"):
        read_sheets(bomb, "f.xlsx")


def test_refuses_a_few_bytes_that_span_billions_of_cells() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "x", "y"
    buffer = BytesIO()
    book.save(buffer)
    with pytest.raises(InputRefusedError, match="spans more than"):
        read_sheets(buffer.getvalue(), "f.xlsx")


BILLION = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY told SYSTEM "file://{secret}">',
        '<!ENTITY % more SYSTEM "file://{secret}"> %more; <!ENTITY told "x">',
        f'<!ENTITY l0 "lol">{BILLION}<!ENTITY told "&l9;">',
    ],
    ids=["external", "external parameter", "billion laughs"],
)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "_rels/.rels"])
def test_refuses_xml_entities_and_reads_no_file_for_them(
    tmp_path: Path, part: str, entities: str, encoding: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("for nobody")
    with zipfile.ZipFile(BytesIO(GOOD)) as archive:
        good = archive.read(part).decode()
    root = good[good.index("<", 1) if good.startswith("<?") else 0 :]
    declared = f"<!DOCTYPE x [{entities.replace('{secret}', str(secret))}]>{root}"
    spoiled = f'<?xml version="1.0" encoding="{encoding}"?>{declared}'.replace("</t>", "&told;</t>")
    with pytest.raises(InputRefusedError, match="declares XML entities") as caught:
        read_sheets(repacked(GOOD, {part: spoiled.encode(encoding)}), "f.xlsx")
    assert "for nobody" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_two_parts_of_one_name() -> None:
    buffer = BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<worksheet/>")
    with pytest.raises(InputRefusedError, match="two parts of the same name"):
        read_sheets(buffer.getvalue(), "f.xlsx")


def test_refuses_a_sheet_that_is_no_xml() -> None:
    with pytest.raises(InputRefusedError):
        read_sheets(
            repacked(GOOD, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row><c r="}), "f.xlsx"
        )


def test_a_panic_of_the_reader_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {})
    for error, expected in ((panic("boom"), InputRefusedError), (KeyboardInterrupt(), KeyboardInterrupt)):
        with monkeypatch.context() as patch:
            patch.setattr("python_calamine.CalamineWorkbook.from_filelike", _raiser(error), raising=True)
            with pytest.raises(expected):
                read_sheets(GOOD, "f.xlsx")


def _raiser(error: BaseException) -> Callable[[BytesIO], None]:
    def fail(_: BytesIO) -> None:
        raise error

    return fail


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_harmless(place: int, flip: int) -> None:
    content = bytearray(GOOD)
    content[place] ^= flip
    try:
        sheets = read_sheets(bytes(content), "f.xlsx")
    except InputRefusedError:
        return
    assert sheets[0].rows == read_sheets(GOOD, "f.xlsx")[0].rows
