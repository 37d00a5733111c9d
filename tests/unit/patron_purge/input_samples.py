"""Workbooks and reports for the tests of the input side."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import openpyxl

from patron_purge.candidates import select_candidates
from patron_purge.exclusion_file import ExclusionFile, read_exclusion_file
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import ReportSettings, RuleSettings
from patron_purge.protect_list import ProtectList
from patron_purge.report_table import ReportHeading, build_report

if TYPE_CHECKING:
    import pandas as pd

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=ZONE)
TODAY = date(2026, 12, 1)
FIRST_LINE = "Data as of 11/30/26 6pm"
FILE_NAME = "Users with fines at other i-share libraries XYZ.xlsx"
ID_HEADINGS = ("Primary ID", "Primary Identifier")
HEADINGS = ("Last Name", "First Name", "Primary ID", "Institution", "Purge Date")
REPORT_SETTINGS = ReportSettings(path="/shared/Example/Reports/Purge")
NINE_COLUMNS = (
    "0",
    "Primary Identifier",
    "User Group",
    "Expiry Date",
    "Purge Date",
    "Days between Today and Purge Date",
    "User ID",
    "First Name",
    "Last Name",
    "Has Role other than Patron and Instructor",
)
FIVE_COLUMNS = ("0", "Primary ID", "User Record Type", "User Group", "Purge Date", "Days in the Past")
NO_PROTECT = ProtectList.build([], today=TODAY)

Rows = Sequence[Sequence[Any]]


def workbook(*sheets: Rows, names: Sequence[str] = ("Sheet1", "Sheet2", "Sheet3")) -> bytes:
    book = openpyxl.Workbook()
    active = book.active
    assert active is not None
    book.remove(active)
    for name, rows in zip(names, sheets, strict=False):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def person_row(
    identifier: Any, last: str = "Sample", first: str = "Pat", purge: Any = "2026-01-01"
) -> list[Any]:
    return [last, first, identifier, "ABC", purge]


def fines_workbook(*identifiers: Any) -> bytes:
    return workbook([[FIRST_LINE], HEADINGS, *(person_row(identifier) for identifier in identifiers)])


def read_file(
    content: bytes,
    *,
    now: datetime = NOW,
    max_age: timedelta = timedelta(hours=36),
    id_headings: Sequence[str] = ID_HEADINGS,
) -> ExclusionFile:
    return read_exclusion_file(
        content, file_name=FILE_NAME, id_headings=id_headings, now=now, max_age=max_age
    )


def index_of(*identifiers: Any) -> ExclusionIndex:
    return ExclusionIndex.build([read_file(fines_workbook(*identifiers))])


def headings(names: Iterable[str]) -> list[ReportHeading]:
    return [ReportHeading(f"Column{number}", name) for number, name in enumerate(names)]


def report_row(identifier: str | None, **changes: str | None) -> dict[str, str | None]:
    cells: dict[str, str | None] = {
        "Primary Identifier": identifier,
        "User Group": "Undergraduate",
        "Expiry Date": "2025-05-31",
        "Purge Date": "2026-05-31",
        "First Name": "Alex",
        "Last Name": "Reader",
        "Has Role other than Patron and Instructor": "N",
    }
    words = {"group": "User Group", "expiry": "Expiry Date", "purge": "Purge Date", "first": "First Name"}
    words |= {"last": "Last Name", "role": "Has Role other than Patron and Instructor"}
    return cells | {words[key]: value for key, value in changes.items()}


def report_of(
    rows: Iterable[Mapping[str, str | None]], columns: Sequence[str] = NINE_COLUMNS
) -> "pd.DataFrame":
    found = headings(columns)
    cells = [{column.key: row.get(column.heading) for column in found} for row in rows]
    return build_report(found, cells, settings=REPORT_SETTINGS)


def select(
    report: "pd.DataFrame",
    index: ExclusionIndex,
    *,
    rules: RuleSettings | None = None,
    protect: ProtectList = NO_PROTECT,
    group_names: Mapping[str, str] | None = None,
) -> "pd.DataFrame":
    return select_candidates(
        report,
        index=index,
        rules=rules or RuleSettings(),
        protect=protect,
        marker_group_names=("OKPURGE", "OK to Purge"),
        group_names=group_names or {"UNDERGRAD": "Undergraduate", "FACULTY": "Faculty", "ISHARE": "I-Share"},
        today=TODAY,
    )
