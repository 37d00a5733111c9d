"""Every damaged or odd exclusion workbook with what has to become of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
from tests.corpus.workbooks import (
    Rows,
    bomb,
    first_sheet,
    marked_encrypted,
    repacked,
    styled,
    with_results,
    workbook,
)

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=ZONE)
MAX_AGE = timedelta(hours=36)
SIX_PM = datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)
DAY = date(2026, 11, 30)
FIRST_LINE = "Data as of 11/30/26 6pm"
HEADINGS = ("Last Name", "First Name", "Primary ID", "Institution", "Purge Date")
LOST = "Could not find user's home record"
NOBODY = "No XYZ users with fines at other I-Share libraries as of 11/30/26 6pm"
NBSP, ZERO_WIDTH, BOM, FULL_WIDTH_ONE = "\u00a0", "\u200b", "\ufeff", "\uff11"
NOON = datetime.fromisoformat("2026-11-30T12:00:00")  # as a spreadsheet has it: without a zone


@dataclass(frozen=True)
class Accepted:
    """What an accepted file says; `excludes` are ids of the report that its ids have to match."""

    ids: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()
    rows: int = 1
    data_as_of: date = SIX_PM
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExclusionCase:
    """One workbook: its bytes, and what is expected, either `Accepted` or words of the refusal."""

    name: str
    build: Callable[[], bytes]
    expected: Accepted | str
    id_headings: tuple[str, ...] = ("Primary ID", "Primary Identifier")


def person(identifier: Any = "p1", last: str = "Sample", first: str = "Pat", purge: Any = "") -> list[Any]:
    return [last, first, identifier, "ABC", purge]


def table(*identifiers: Any) -> Rows:
    return [[FIRST_LINE], HEADINGS, *(person(identifier) for identifier in identifiers)]


def sheet(*rows: Any) -> Callable[[], bytes]:
    return partial(workbook, Sheet1=rows)


def good() -> bytes:
    return workbook(Sheet1=table("p1"))


def heading(text: str) -> Callable[[], bytes]:
    return sheet([FIRST_LINE], ["Name", text], ["Sample, Pat", "p1"])


def with_part(name: str) -> Callable[[], bytes]:
    return lambda: repacked(good(), added={name: b"<part/>"})


def dated(cell: Any) -> Callable[[], bytes]:
    return sheet([cell], HEADINGS, person())


def hidden_sheet(book: openpyxl.Workbook) -> None:
    book.worksheets[1].sheet_state = "veryHidden"


def hidden_row_and_column(book: openpyxl.Workbook) -> None:
    book.worksheets[0].row_dimensions[3].hidden = True
    book.worksheets[0].column_dimensions["C"].hidden = True


def lettered(book: openpyxl.Workbook) -> None:
    book.worksheets[0]["C4"].number_format = '"P"000000'


def identifier_case(name: str, cell: Any, text: str, *excludes: str) -> ExclusionCase:
    return ExclusionCase(f"id-{name}", sheet(*table(cell)), Accepted((text,), excludes=excludes))


def several(identifier: str, *further: str) -> Accepted:
    """One row whose cell may stand for several ids."""
    return Accepted((identifier,), excludes=further)


def date_case(name: str, cell: Any, moment: date) -> ExclusionCase:
    return ExclusionCase(f"date-{name}", dated(cell), Accepted(("p1",), data_as_of=moment))


ONE = Accepted(("p1",))

DAMAGED = (
    ExclusionCase("still-growing", lambda: good()[: len(good()) // 2], "is incomplete or damaged"),
    ExclusionCase("truncated-at-the-end", lambda: good()[:-10], "is incomplete or damaged"),
    ExclusionCase("zero-bytes", lambda: b"", "is empty (0 bytes)"),
    ExclusionCase("not-a-zip", lambda: b"<html>Not found</html>", "is not an xlsx workbook"),
    ExclusionCase(
        "zip-but-no-workbook", lambda: b"PK\x05\x06" + bytes(18), "can't be read as an xlsx workbook"
    ),
    ExclusionCase(
        "password-protected", lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "is password-protected"
    ),
    ExclusionCase("encrypted-part", lambda: marked_encrypted(good()), "is encrypted"),
    ExclusionCase("zip-bomb", lambda: bomb(good(), 201_000_000), "unpacks to more than"),
    ExclusionCase(
        "cells-bomb",
        lambda: styled(first_sheet(lambda page: page.cell(1_048_576, 16_384, "x")), Sheet1=table("p1")),
        "spans more than",
    ),
    ExclusionCase("macro", with_part("xl/vbaProject.bin"), "holds macros"),
    ExclusionCase("macro-other-case", with_part("XL\\VBAPROJECT.BIN"), "holds macros"),
    ExclusionCase("macro-sheet", with_part("xl/macrosheets/sheet1.xml"), "holds macros"),
    ExclusionCase(
        "external-link", with_part("xl/externalLinks/externalLink1.xml"), "takes cells from other files"
    ),
    ExclusionCase("data-connection", with_part("xl/connections.xml"), "takes cells from other files"),
    ExclusionCase(
        "csv-renamed", lambda: b"\xef\xbb\xbfPrimary ID,Name\r\np1,Pat\r\n", "is not an xlsx workbook"
    ),
    ExclusionCase("tsv-renamed", lambda: b"Primary ID\tName\np1\tPat\n", "is not an xlsx workbook"),
)

LAYOUT = (
    ExclusionCase("plain", good, ONE),
    ExclusionCase("heading-with-bom", heading(f"{BOM}Primary{NBSP}ID"), ONE),
    ExclusionCase("heading-other-case", heading("PRIMARY_IDENTIFIER "), ONE),
    ExclusionCase("heading-renamed", heading("Unique ID"), ONE, ("Primary ID", "Unique ID")),
    ExclusionCase("heading-unknown", heading("Unique ID"), 'found: "Name", "Unique ID"'),
    ExclusionCase(
        "heading-twice", sheet([FIRST_LINE], ["Primary ID", "Primary Identifier"], ["a", "b"]), "2 columns"
    ),
    ExclusionCase("heading-below-people", sheet([FIRST_LINE], person(), HEADINGS, person()), "data above it"),
    ExclusionCase(
        "titles-above", sheet(["Users with fines"], [FIRST_LINE], [], ["XYZ"], *table("p1")[1:]), ONE
    ),
    ExclusionCase(
        "blank-rows",
        sheet([FIRST_LINE], [], HEADINGS, [], person(), ["", " ", NBSP], person("p2"), []),
        Accepted(("p1", "p2"), rows=2),
    ),
    ExclusionCase(
        "trailing-blanks",
        sheet([f"{FIRST_LINE}  "], [f"{text} " for text in HEADINGS], person("p1  "), *[[" "] * 5] * 9),
        ONE,
    ),
    ExclusionCase(
        "merged-title",
        lambda: styled(first_sheet(lambda page: page.merge_cells("A1:E1")), Sheet1=table("p1")),
        ONE,
    ),
    ExclusionCase(
        "merged-ids",
        lambda: styled(first_sheet(lambda page: page.merge_cells("C3:C4")), Sheet1=table("p1", "p2")),
        Accepted(("p1",), names=(("Pat", "Sample"),), rows=2),
    ),
    ExclusionCase("hidden-row-and-column", lambda: styled(hidden_row_and_column, Sheet1=table("p1")), ONE),
    ExclusionCase(
        "hidden-sheet",
        lambda: styled(hidden_sheet, Sheet1=table("p1"), Sheet2=table("p2")),
        Accepted(("p1", "p2"), rows=2),
    ),
    ExclusionCase(
        "several-sheets",
        lambda: workbook(Read=[["About"]], Fines=table("p1"), Loans=table("p2", "p1")),
        Accepted(("p1", "p2"), rows=3),
    ),
    ExclusionCase(
        "second-sheet-without-headings",
        lambda: workbook(Sheet1=table("p1"), Sheet2=[person(f"q{number}") for number in range(11)]),
        "11 rows stand there without an id column",
    ),
    ExclusionCase(
        "many-rows",
        sheet(*table(*(f"p{number}" for number in range(60_000)))),
        Accepted(tuple(f"p{number}" for number in range(60_000)), rows=60_000),
    ),
    ExclusionCase(
        "second-sheet-with-a-drifted-heading",
        lambda: workbook(Sheet1=table("p1"), Sheet2=[["User Primary ID"], *([f"q{n}"] for n in range(8))]),
        "9 rows stand there without an id column",
    ),
    ExclusionCase(
        "second-sheet-with-a-few-ids",
        lambda: workbook(Sheet1=table("p1"), Sheet2=[["PID"], ["q1"], [900112233]]),
        Accepted(("p1",), excludes=("q1", "900112233")),
    ),
    ExclusionCase(
        "ids-above-the-headings",
        sheet([FIRST_LINE], *([f"q{number}"] for number in range(12)), ["Primary ID"], ["p1"]),
        Accepted(("p1",), excludes=("q0", "q11")),
    ),
    ExclusionCase(
        "second-table-with-a-drifted-heading",
        sheet(*table("p1"), [], ["Last name", "First name", "User Primary ID"], ["Doe", "Ann", "p2"]),
        "row 5: this row looks like the headings of another table",
    ),
    ExclusionCase(
        "nobody-but-ids-on-another-sheet",
        lambda: workbook(Sheet1=[[NOBODY]], Sheet2=[["PID"], ["q1"], ["q2"]]),
        "says that there are no users, yet it holds 2 more row(s), the first one in sheet Sheet2, row 2",
    ),
    ExclusionCase(
        "number-of-users-in-the-title",
        sheet(["No. of users with loans as of 11/30/26 6pm"], HEADINGS),
        "headings but no rows",
    ),
    ExclusionCase("no-rows", sheet([FIRST_LINE], HEADINGS), "headings but no rows"),
    ExclusionCase("no-cells", sheet(), "nothing that looks like a heading"),
    ExclusionCase("nobody", sheet([NOBODY]), Accepted((), rows=0)),
    ExclusionCase("nobody-below-headings", sheet([FIRST_LINE], HEADINGS, [NOBODY]), Accepted((), rows=0)),
    ExclusionCase(
        "nobody-but-rows", sheet([NOBODY], person()), "says that there are no users, yet it holds 1"
    ),
    ExclusionCase("nobody-but-old", sheet([NOBODY.replace("11/30", "11/20")]), "is too old"),
)

PEOPLE = (
    identifier_case("integer", 12345, "12345", "12345", "00012345"),
    identifier_case("float", 12345.0, "12345", "12345"),
    identifier_case("float-text", "12345.0", "12345", "12345"),
    identifier_case("exponent", 1.2e7, "12000000", "12000000"),
    identifier_case("exponent-text", "1.2345678E+07", "12345678", "12345678"),
    identifier_case("lost-zeros", 123, "123", "000123", "123"),
    identifier_case("leading-zeros", "000123", "000123", "000123", "123"),
    identifier_case("other-case", "JDoe1", "JDoe1", "jdoe1", "JDOE1"),
    identifier_case("no-break-blank", f"{NBSP}p1{NBSP}", "p1", "p1"),
    identifier_case("zero-width", f"p{ZERO_WIDTH}1", f"p{ZERO_WIDTH}1", "p1"),
    identifier_case("byte-order-mark", f"{BOM}p1", f"{BOM}p1", "p1"),
    identifier_case("full-width", f"p{FULL_WIDTH_ONE}", f"p{FULL_WIDTH_ONE}", "p1"),
    identifier_case("quotes", '"p1"', '"p1"', "p1"),
    identifier_case("apostrophe", "'00123", "'00123", "00123"),
    identifier_case("trailing-at", "p1@", "p1@", "p1", "P1@example.edu"),
    ExclusionCase(
        "id-rounded", sheet(*table("ok", 1234567890123456)), "row 4: the spreadsheet has turned a long id"
    ),
    ExclusionCase("id-rounded-text", sheet(*table("1.23E+13")), "rounded number"),
    ExclusionCase("id-became-a-date", sheet(*table(DAY)), "into a date, a time or TRUE/FALSE"),
    ExclusionCase(
        "formula-with-result",
        lambda: with_results(workbook(Sheet1=table('="p"&"1"')), {"C3": "p1"}),
        ONE,
    ),
    ExclusionCase(
        "formula-without-result",
        sheet(*table('="p"&"1"')),
        "sheet Sheet1: cell C3 holds a formula without its result",
    ),
    ExclusionCase("formula-as-a-name", sheet([FIRST_LINE], HEADINGS, person("p1", last="=SUM(1;1)")), ONE),
    ExclusionCase(
        "error-cell", sheet(*table("p1", "#N/A")), "instead of a value in cell C4 of xl/worksheets"
    ),
    ExclusionCase(
        "lettered-format",
        lambda: styled(lettered, Sheet1=table("p1", 123)),
        "cell C4 shows letters or digits",
    ),
    ExclusionCase("two-ids-in-a-cell", sheet(*table("123\n456")), several("123\n456", "123", "456")),
    ExclusionCase("exponent-without-sign", sheet(*table("12E5")), several("12E5", "1200000")),
    ExclusionCase("exponent-with-comma", sheet(*table("9,900112233E+9")), several("9900112233")),
    ExclusionCase("exponent-with-comma-rounded", sheet(*table("9,90011E+9")), "rounded number"),
    ExclusionCase(
        "remark-instead-of-id",
        sheet(*table("see the desk")),
        Accepted(("see the desk",), names=(("Pat", "Sample"),)),
    ),
    ExclusionCase("no-id", sheet(*table("p1", None)), Accepted(("p1",), names=(("Pat", "Sample"),), rows=2)),
    ExclusionCase(
        "no-home-record-instead-of-id", sheet(*table(LOST)), Accepted((), names=(("Pat", "Sample"),))
    ),
    ExclusionCase(
        "no-home-record-beside-the-id",
        sheet([FIRST_LINE], HEADINGS, person("p1", purge=LOST)),
        Accepted(("p1",), names=(("Pat", "Sample"),)),
    ),
    ExclusionCase(
        "neither-id-nor-name",
        sheet(*table("p1"), person(None, last="", first="")),
        "neither an id nor a name",
    ),
)

DATES = (
    date_case("us-short", "as of 11/30/26 6pm", SIX_PM),
    date_case("us-long", "11/30/2026 6:00 PM", SIX_PM),
    date_case("us-hyphens", "Data as of 11-30-2026 18:00", SIX_PM),
    date_case("us-day", "11/30/2026", DAY),
    date_case("iso", "2026-11-30T18:00:00", SIX_PM),
    date_case("iso-day", "2026-11-30", DAY),
    date_case("named-month", "Data as of November 30, 2026 at 6 p.m.", SIX_PM),
    date_case("date-cell", DAY, DAY),
    date_case("time-cell", NOON, datetime(2026, 11, 30, 12, 0, tzinfo=ZONE)),
    ExclusionCase("date-future", dated("as of 12/02/26 6pm"), "lies in the future"),
    ExclusionCase("date-future-cell", dated(date(2026, 12, 2)), "lies in the future"),
    ExclusionCase("date-none", dated("Users with fines"), "does not say in its first line"),
    ExclusionCase("date-no-such-day", dated("as of 11/31/26 6pm"), 'says "as of", but no date'),
    ExclusionCase(
        "date-unreadable-beside-a-fresh-one",
        sheet(["as of Oct 30"], ["Generated 11/30/26 6pm"], HEADINGS, person()),
        'says "as of", but no date',
    ),
    ExclusionCase("date-old", dated("as of 11/28/26 6pm"), "is too old: its data is of 2026-11-28 18:00"),
)

EXCLUSION_CASES = (*DAMAGED, *LAYOUT, *PEOPLE, *DATES)
