"""What can be done to the exclusion workbooks on the SFTP server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from alma_sandbox.control.service import Control
from alma_sandbox.state.people import Json
from alma_sandbox.workbooks import (
    WORKBOOKS,
    Workbook,
    data_day,
    file_of,
    set_file_time,
    write_workbook,
    write_workbooks,
)


class FileOrder(BaseModel):
    """One order for the workbooks.

    Args:
        action: rewrite (from the state), stale (old file time and data date), drop (delete), empty (the
            sentence of an empty file), truncate (cut in half), shrink (keep every `keep`-th row), headless
            (no headings) or add (rows for more ids).
        book: pids, loans or fines; empty for all three.
        days: How many days old a stale file is.
        keep: Which rows a shrunken file keeps.
        ids: Primary ids to add.
    """

    model_config = ConfigDict(extra="forbid")
    action: Literal["rewrite", "stale", "drop", "empty", "truncate", "shrink", "headless", "add"]
    book: Literal["", "pids", "loans", "fines"] = ""
    days: int = 4
    keep: int = 4
    ids: list[str] = []


def order_files(control: Control, order: FileOrder) -> Json:
    """Carry out an order and list the files.

    Args:
        control: The stage hand.
        order: What to do.
    """
    tenant = control.tenant
    with tenant.lock:
        control.stage.settle()
        if order.action == "add":
            _add(control, order)
        if order.action in {"rewrite", "add"}:
            write_workbooks(tenant, control.sftp_folder, order.book)
        else:
            for book in WORKBOOKS:
                if order.book in {"", book.key}:
                    _spoil(control, order, book)
    files = sorted(control.sftp_folder.glob("*.xlsx"))
    return {
        "files": [
            {
                "name": path.name,
                "bytes": path.stat().st_size,
                "time": datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
            }
            for path in files
        ]
    }


def _spoil(control: Control, order: FileOrder, book: Workbook) -> None:
    tenant, folder = control.tenant, control.sftp_folder
    path = file_of(tenant, folder, book)
    rows = [row for row in tenant.exclusions if book.key in row["books"]]
    day = data_day(tenant)
    if order.action == "drop":
        path.unlink(missing_ok=True)
        return
    if order.action == "truncate":
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        return
    if order.action == "empty":
        write_workbook(tenant, folder, book, [], day)
    elif order.action == "shrink":
        write_workbook(tenant, folder, book, rows[:: max(order.keep, 1)], day)
    elif order.action == "headless":
        bare = Workbook(book.key, book.name, book.sentence, book.empty, (), book.columns)
        write_workbook(tenant, folder, bare, rows, day)
    else:
        write_workbook(tenant, folder, book, rows, day - timedelta(days=order.days))
        set_file_time(path, tenant.clock.now() - timedelta(days=order.days))
        return
    set_file_time(path, tenant.clock.now())


def _add(control: Control, order: FileOrder) -> None:
    for identifier in order.ids:
        person = control.tenant.users.find(identifier)
        control.tenant.exclusions.append(
            {
                "books": ["pids", "loans"] if not order.book else [order.book],
                "id": identifier,
                "last_name": person.last_name if person else "Added",
                "first_name": person.first_name if person else "By Hand",
                "institution": "ABC",
                "institution_name": "Another College",
                "loans": 1,
                "expiry_date": None,
                "purge_date": None,
            }
        )
