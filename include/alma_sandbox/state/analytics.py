"""The Analytics report: computed from last night's copy of the users, read page by page with a cursor."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.state.people import Person
from alma_sandbox.state.switches import Switches
from alma_sandbox.state.users import UserShelf

REPORT_NAME = "Users with Purge Dates of Current Date or Earlier"
EMPTY_REPORT_NAME = "Users with Purge Dates of Current Date or Earlier (no rows)"

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """What Analytics knows of one person."""

    serial: int
    primary_id: str | None
    user_group: str
    expiry_date: date | None
    purge_date: date | None
    first_name: str
    last_name: str
    staff_role: bool


def copy_of(person: Person) -> Copy:
    """Copy a person as the nightly load into Analytics would."""
    return Copy(
        person.serial,
        person.primary_id,
        person.user_group,
        person.expiry_date,
        person.purge_date,
        person.first_name,
        person.last_name,
        person.has_staff_role,
    )


@dataclass(slots=True)
class Cursor:
    """A server-side cursor; the same token gives the next page each time."""

    rows: list[Row]
    expires: datetime
    position: int = 0
    loading_left: int = 0
    finished: bool = False
    first_page_given: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the report."""

    rows: list[Row]
    finished: bool
    token: str | None
    first: bool
    loading: bool = False


@dataclass(slots=True)
class Waiting:
    """A report that is still loading for somebody who has no token yet."""

    left: int


@dataclass(slots=True)
class ReportRoom:
    """Holds the nightly copy and the open cursors."""

    shelf: UserShelf
    switches: Callable[[], Switches]
    now: Callable[[], datetime]
    groups: Callable[[], dict[str, str]]
    folder: str
    tokens: random.Random
    oddities: dict[int, str] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    copied_on: date | None = None
    cursors: dict[str, Cursor] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Path of the report."""
        return f"{self.folder}/{REPORT_NAME}"

    @property
    def empty_path(self) -> str:
        """Path of a report that has no rows."""
        return f"{self.folder}/{EMPTY_REPORT_NAME}"

    def take_copy(self) -> None:
        """Load today's users into Analytics."""
        self.copies = self._copy_all()
        self.copied_on = self.now().date()

    def refresh_if_due(self) -> None:
        """Take a new copy once the old one is older than the lag."""
        lag = timedelta(days=self.switches().analytics_lag_days)
        if self.copied_on is None or self.now().date() - self.copied_on >= max(lag, timedelta(days=1)):
            self.take_copy()

    def rows(self) -> list[Row]:
        """Compute the report: everyone whose purge date is today or earlier, in the copy."""
        today = self.now().date()
        copies = self._copy_all() if self.switches().analytics_lag_days == 0 else self.copies
        due = [copy for copy in copies if copy.purge_date is not None and copy.purge_date <= today]
        groups = self.groups()
        return [_row(copy, groups, today) for copy in due[: self.switches().report_row_cap]]

    def first_page(self, path: str, limit: int) -> Page:
        """Open a report.

        Raises:
            AlmaRefusal: Path not found, HTTP 500.
        """
        if path not in {self.path, self.empty_path}:
            raise AlmaRefusal("INTERNAL_SERVER_ERROR", f"Path not found ({path})", status=500)
        switches = self.switches()
        if switches.loading_pages and not switches.loading_with_token:
            waiting = self.waiting.setdefault(path, Waiting(switches.loading_pages))
            if waiting.left:
                waiting.left -= 1
                return Page([], finished=False, token=None, first=True, loading=True)
            del self.waiting[path]
        token = f"{self.tokens.getrandbits(512):0128X}"
        rows = self.rows() if path == self.path else []
        cursor = Cursor(rows, self.now() + timedelta(seconds=switches.token_seconds))
        self.cursors[token] = cursor
        if switches.loading_with_token:
            cursor.loading_left = switches.loading_pages
        return self._advance(token, cursor, limit)

    def next_page(self, token: str, limit: int) -> Page:
        """Give the next page of an open report.

        Raises:
            AlmaRefusal: 420033 after the end; 402119 for an unknown or expired token.
        """
        cursor = self.cursors.get(token)
        if cursor is None or cursor.expires < self.now():
            raise AlmaRefusal("402119", "General Error - An error has occurred while processing the request.")
        if cursor.finished:
            raise AlmaRefusal("420033", "No more rows to fetch", status=500)
        return self._advance(token, cursor, limit)

    def _copy_all(self) -> list[Copy]:
        copies = []
        for person in self.shelf:
            if person.status == "DELETED":
                continue
            made = copy_of(person)
            oddity = self.oddities.get(person.serial)
            copies.append(replace(made, primary_id=None) if oddity == "no_id" else made)
            if oddity == "twice":
                copies.append(made)
        return copies

    def _advance(self, token: str, cursor: Cursor, limit: int) -> Page:
        switches = self.switches()
        if cursor.loading_left:
            cursor.loading_left -= 1
            return Page([], finished=False, token=token, first=True, loading=True)
        rows = cursor.rows[cursor.position : cursor.position + limit]
        cursor.position += len(rows)
        cursor.finished = cursor.position >= len(cursor.rows)
        first = not cursor.first_page_given
        cursor.first_page_given = True
        shown = switches.token_on_every_page
        if first:
            shown = switches.token_on_single_page or not cursor.finished
        return Page(rows, cursor.finished, token if shown else None, first=first)


def _row(copy: Copy, groups: dict[str, str], today: date) -> Row:
    due = copy.purge_date or today
    return (
        copy.primary_id or None,
        groups.get(copy.user_group, copy.user_group) or None,
        copy.expiry_date.isoformat() if copy.expiry_date else None,
        due.isoformat(),
        str((today - due).days),
        str(copy.serial),
        copy.first_name or None,
        copy.last_name or None,
        "Y" if copy.staff_role else "N",
    )
