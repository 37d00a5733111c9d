"""The exclusion workbooks, shaped as the consortium office drops them on its SFTP server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from alma_sandbox.state.people import Json
from alma_sandbox.state.tenant import Tenant

NO_HOME_RECORD = "Could not find user's home record"


@dataclass(frozen=True, slots=True)
class Workbook:
    """One kind of workbook.

    Args:
        key: Short name used by the control API.
        name: File name with the library code.
        sentence: First line; `{date}` is the day of the data.
        empty: The sentence of a file without rows.
        headings: Column headings.
        columns: Keys of the exclusion rows, in the same order.
        with_nameless: Whether rows without a primary id appear.
    """

    key: str
    name: str
    sentence: str
    empty: str
    headings: tuple[str, ...]
    columns: tuple[str, ...]


WORKBOOKS = (
    Workbook(
        "pids",
        "PIDs for users with loans or fines at other i-share libraries {code}.xlsx",
        "PIDs for {code} users with loans or fines at other I-Share libraries as of {date} 6pm",
        "No {code} users with loans or fines at other I-Share libraries as of {date} 6pm",
        ("Primary ID",),
        ("id",),
    ),
    Workbook(
        "loans",
        "User loan counts at other i-share libraries {code}.xlsx",
        "User loan counts at other I-Share libraries as of {date} 6pm",
        "No user loan counts at other I-Share libraries as of {date} 6pm",
        (
            "Last Name",
            "First Name",
            "Primary ID",
            "Institution",
            "Number of Loans",
            "Expiration Date",
            "Purge Date",
        ),
        ("last_name", "first_name", "id", "institution", "loans", "expiry_date", "purge_date"),
    ),
    Workbook(
        "fines",
        "Users with fines at other i-share libraries {code}.xlsx",
        "{code} users with fines at other I-Share libraries as of {date} 6pm",
        "No {code} users with fines at other I-Share libraries as of {date} 6pm",
        (
            "Last Name",
            "First Name",
            "Primary ID",
            "Institution Code",
            "Institution Name",
            "Expiration Date",
            "Purge Date",
        ),
        ("last_name", "first_name", "id", "institution", "institution_name", "expiry_date", "purge_date"),
    ),
)


def data_day(tenant: Tenant) -> date:
    """Tell the day the workbooks' data is from: yesterday, 6 pm."""
    return tenant.clock.today() - timedelta(days=1)


def write_workbooks(tenant: Tenant, folder: Path, only: str = "") -> None:
    """Write the workbooks from the tenant's exclusion rows.

    Args:
        tenant: The tenant.
        folder: Where they go.
        only: Key of a single workbook; empty for all.
    """
    for book in WORKBOOKS:
        if only in {"", book.key}:
            rows = [row for row in tenant.exclusions if book.key in row["books"]]
            write_workbook(tenant, folder, book, rows, data_day(tenant))
            set_file_time(file_of(tenant, folder, book), dropped_at(tenant))


def write_workbook(tenant: Tenant, folder: Path, book: Workbook, rows: list[Json], day: date) -> None:
    """Write one workbook: a sentence with the date, then the headings, then the rows."""
    import openpyxl

    document = openpyxl.Workbook(write_only=True)
    sheet = document.create_sheet("Sheet1")
    sentence = book.sentence if rows else book.empty
    sheet.append([sentence.format(code=tenant.library_code, date=f"{day:%m/%d/%y}")])
    if rows:
        sheet.append(list(book.headings))
        for row in rows:
            sheet.append([row.get(column) for column in book.columns])
    target = file_of(tenant, folder, book)
    half_written = target.with_suffix(".part")
    document.save(half_written)
    half_written.replace(target)


def file_of(tenant: Tenant, folder: Path, book: Workbook) -> Path:
    """Tell a workbook's file."""
    return folder / book.name.format(code=tenant.library_code)


def dropped_at(tenant: Tenant) -> datetime:
    """Tell when today's files arrived: 7 am, or a moment ago when it is not 7 am yet."""
    now = tenant.clock.now()
    return min(now, datetime.combine(now.date(), time(7), UTC))


def set_file_time(path: Path, moment: datetime) -> None:
    """Date a file."""
    os.utime(path, (moment.timestamp(), moment.timestamp()))
