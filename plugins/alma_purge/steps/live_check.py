"""Reads people one by one in Alma and applies the rules to what it answers."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaError,
    AlmaRequestError,
    AlmaResponseError,
    AlmaUnavailableError,
    NotFoundError,
)
from alma_purge.steps.patrons import patron_without_fees, with_fees
from patron_purge.patron import Finding, Patron
from patron_purge.states import Reason

log = logging.getLogger(__name__)

CONNECTIONS = 4
UNREAD = (AlmaUnavailableError, AlmaResponseError, AlmaRequestError)
PROGRESS_EVERY = 500
Judge = Callable[[Patron], Finding | None]


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What the live check found out about one person.

    Attributes:
        patron: The facts as read; None when Alma did not answer with them.
        finding: Why the person is held back; None when every rule lets them go.
    """

    patron: Patron | None
    finding: Finding | None


Note = Callable[[str, LiveResult, datetime], None]


class Progress(Protocol):
    """Keeps results while a check goes on, so that a later try of the same check can use them."""

    def known(self) -> Mapping[str, LiveResult]:
        """Return the results of an earlier try that still hold, by primary id."""

    def note(self, primary_id: str, result: LiveResult, read_at: datetime) -> None:
        """Note a result; called from several threads."""

    def save_if_due(self) -> None:
        """Save when it is time."""

    def save(self) -> None:
        """Save everything noted so far."""


def check_person(client: AlmaClient, primary_id: str, judge: Judge) -> LiveResult:
    """Read one person and apply the rules.

    Fees take three more calls, so they are read only for people whom every other rule lets go.

    Args:
        client: The Alma client.
        primary_id: The primary id to ask for.
        judge: Applies the rules; returns the first finding.

    Raises:
        AlmaAuthError: The key may not read users.
        AlmaDailyLimitError: The day's calls are used up.
    """
    if not _can_be_asked_for(primary_id):
        return LiveResult(None, Finding(Reason.NOT_CHECKED))
    try:
        user = client.users.get(primary_id)
    except NotFoundError:
        return LiveResult(None, Finding(Reason.NOT_FOUND))
    except UNREAD as error:
        return _not_checked(error)
    if user.status.upper() == "DELETED":
        return LiveResult(None, Finding(Reason.NOT_FOUND))
    return _judged(client, patron_without_fees(user, primary_id), judge)


def _judged(client: AlmaClient, patron: Patron, judge: Judge) -> LiveResult:
    """Apply the rules, first without the money and then with it."""
    finding = judge(replace(patron, open_fees=Decimal(0), credit=Decimal(0)))
    if finding is not None:
        return LiveResult(patron, finding)
    try:
        patron = with_fees(client, patron)
    except UNREAD as error:
        return _not_checked(error)
    return LiveResult(patron, judge(patron))


def _not_checked(error: AlmaError) -> LiveResult:
    log.warning("One person could not be checked and is held back: %s", error)
    return LiveResult(None, Finding(Reason.NOT_CHECKED))


def _can_be_asked_for(primary_id: str) -> bool:
    """Tell whether an id can stand in an address; an empty one would ask for everybody."""
    return bool(primary_id.strip()) and primary_id not in {".", ".."}


def check_people(client: AlmaClient, primary_ids: Sequence[str], judge: Judge) -> dict[str, LiveResult]:
    """Read many people over a few connections, at the client's pace.

    Args:
        client: The Alma client; its rate limit counts over all connections.
        primary_ids: Whom to read.
        judge: Applies the rules; returns the first finding.

    Returns:
        One result for every id, in the order of the ids.

    Raises:
        AlmaUnavailableError: More than one in twenty could not be read: Alma is in trouble, so the whole
            check is worth nothing.
        AlmaAuthError: The key may not read users.
        AlmaDailyLimitError: The day's calls are used up.
    """
    return _checked(primary_ids, _read_all(client, primary_ids, judge))


def go_on_checking(
    client: AlmaClient, primary_ids: Sequence[str], judge: Judge, progress: Progress
) -> dict[str, LiveResult]:
    """Read those of many people whom an earlier try has not read, and keep what is read for a later one.

    Args:
        client: The Alma client; its rate limit counts over all connections.
        primary_ids: Whom to read.
        judge: Applies the rules; returns the first finding.
        progress: What was read before, and where to keep what is read now.

    Returns:
        One result for every id, in the order of the ids.

    Raises:
        AlmaUnavailableError: More than one in twenty could not be read.
        AlmaAuthError: The key may not read users.
        AlmaDailyLimitError: The day's calls are used up.
    """
    known = progress.known()
    missing = [one for one in primary_ids if one not in known]

    try:
        read = _read_all(client, missing, judge, progress.note, progress.save_if_due)
    finally:
        progress.save()
    return _checked(primary_ids, {**known, **read})


def _read_all(
    client: AlmaClient,
    primary_ids: Sequence[str],
    judge: Judge,
    note: Note = lambda *_read: None,
    after_each: Callable[[], None] = lambda: None,
) -> dict[str, LiveResult]:
    """Read people; every result is noted as soon as it is there, also when another read fails for good."""

    def read(primary_id: str) -> LiveResult:
        began = datetime.now(UTC)
        result = check_person(client, primary_id, judge)
        note(primary_id, result, began)
        return result

    results: dict[str, LiveResult] = {}
    with reading_pool("live-check") as pool:
        for primary_id, result in zip(primary_ids, pool.map(read, primary_ids), strict=True):
            results[primary_id] = result
            after_each()
            if len(results) % PROGRESS_EVERY == 0:
                log.info("%s of %s people checked", f"{len(results):,}", f"{len(primary_ids):,}")
    return results


def _checked(primary_ids: Sequence[str], results: Mapping[str, LiveResult]) -> dict[str, LiveResult]:
    """Return the results in order, unless too many people could not be read."""
    ordered = {one: results[one] for one in primary_ids}
    # Whoever was read and is held back because a fact is missing says nothing about how well Alma answers.
    unread = sum(
        one.patron is None and one.finding is not None and one.finding.reason is Reason.NOT_CHECKED
        for one in ordered.values()
    )
    if unread > max(5, len(primary_ids) // 20):
        raise AlmaUnavailableError(
            f"{unread:,} of {len(primary_ids):,} people could not be read in Alma. "
            "Wait until Alma answers reliably; nothing was changed."
        )
    return ordered


@contextmanager
def reading_pool(name: str) -> Iterator[ThreadPoolExecutor]:
    """Give a pool whose waiting reads are dropped when one read fails for good.

    Args:
        name: Begins the names of its threads.
    """
    pool = ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
