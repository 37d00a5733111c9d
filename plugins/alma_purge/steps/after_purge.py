"""Reads each approved person once after the purge, and says what became of them."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from alma_api.client import AlmaClient
from alma_api.errors import NotFoundError
from alma_purge.documents import JobRecord
from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_book import TaskStateStore
from alma_purge.steps.live_check import UNREAD, reading_pool
from alma_purge.steps.patrons import patron_without_fees, with_fees
from alma_purge.steps.read_progress import ReadProgress
from patron_purge.outcome import AfterPurge, AfterPurgeState, JobCounter, KeptWhy, Reading
from patron_purge.patron import Patron
from patron_purge.states import RowState

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

LOG_EVERY: Final = 100
Judge = Callable[[AfterPurge], AfterPurgeState]
_LINES: Final = TypeAdapter(tuple[str, datetime, AfterPurgeState])


class ReconcileProgress(ReadProgress[AfterPurgeState]):
    """What an unfinished reconcile has read.

    Args:
        folder: The run folder.
        store: The task state store of the task.
        basis: Checksum of the job instance, of who was in its set, and of the settings that judge.
    """

    def __init__(self, folder: RunFolder, store: TaskStateStore, basis: str) -> None:
        super().__init__(folder, store, basis, "reconcile", _LINES)

    def note(self, primary_id: str, result: AfterPurgeState, read_at: datetime) -> None:
        """Note a result; somebody of whom nothing is known is left out, to be read again."""
        if result.state is not RowState.UNKNOWN:
            super().note(primary_id, result, read_at)


def classify_people(
    client: AlmaClient, primary_ids: Sequence[str], judge: Judge, progress: ReconcileProgress
) -> dict[AfterPurgeState, list[str]]:
    """Read people one by one and group them by what became of them.

    Args:
        client: The Alma client.
        primary_ids: Everybody who was in the set of the purge job.
        judge: Says from the single read what became of a person.
        progress: What an earlier try has read, and where to keep what is read now.

    Returns:
        Primary ids by state and likely reason; every id stands once.

    Raises:
        AlmaAuthError: The key may not read users.
        AlmaRateError: Alma takes no more calls; what was read is kept for the next try.
    """
    states = dict(progress.known())
    missing = [one for one in primary_ids if one not in states]

    def read(primary_id: str) -> AfterPurgeState:
        began = datetime.now(UTC)
        state = judge(read_after_purge(client, primary_id))
        progress.note(primary_id, state, began)
        return state

    try:
        with reading_pool("reconcile") as pool:
            for number, (primary_id, state) in enumerate(
                zip(missing, pool.map(read, missing), strict=True), start=1
            ):
                states[primary_id] = state
                progress.save_if_due()
                if number % LOG_EVERY == 0:
                    log.info("%s of %s people read after the purge", f"{number:,}", f"{len(missing):,}")
    finally:
        progress.save()
    found: dict[AfterPurgeState, list[str]] = {}
    for primary_id in primary_ids:
        found.setdefault(states[primary_id], []).append(primary_id)
    return found


def read_after_purge(client: AlmaClient, primary_id: str) -> AfterPurge:
    """Read one person after the purge.

    Only the read of the person decides whether somebody is gone; fees and requests, which are read for whoever
    is still there, tell why.

    Args:
        client: The Alma client.
        primary_id: The primary id that was approved.

    Raises:
        AlmaAuthError: The key may not read users.
        AlmaRateError: Alma takes no more calls.
    """
    try:
        user = client.users.get(primary_id)
    except NotFoundError:
        return AfterPurge(asked_id=primary_id, reading=Reading.NOT_FOUND)
    except UNREAD as error:
        log.warning("One person could not be read after the purge: %s", error)
        return AfterPurge(asked_id=primary_id, reading=Reading.NOT_READ)
    patron = patron_without_fees(user, primary_id)
    on_hold = False
    if user.status.upper() != "DELETED":
        patron = _add_fees(client, patron)
        on_hold = bool(patron.requests) and _waits_on_hold_shelf(client, patron.primary_id)
    return AfterPurge(primary_id, Reading.FOUND, user.status, patron, resource_sharing_on_hold=on_hold)


def job_counters(record: JobRecord) -> tuple[JobCounter, ...]:
    """Return the counters that a job instance showed when it ended.

    Args:
        record: The record of the job.
    """
    return tuple(JobCounter(label=one.description or one.code, value=one.value) for one in record.counters)


def not_selected(ledger: "pd.DataFrame", record: JobRecord) -> int:
    """Count the people whom Alma's *Purge User Records* page may not have looked at.

    Args:
        ledger: The ledger with everybody's final state.
        record: The record of the purge.

    Returns:
        The people without a purge date that is due; 0 when a job worked on a set, which it counts as a whole.
    """
    if not record.by_hand:
        return 0
    kept = ledger["state"] == RowState.KEPT_BY_ALMA
    return int((kept & (ledger["detail"] == KeptWhy.PURGE_DATE.label)).sum())


def _add_fees(client: AlmaClient, patron: Patron) -> Patron:
    """Add the money, when it can be read."""
    try:
        return with_fees(client, patron)
    except UNREAD as error:
        log.warning("The fees of one person could not be read after the purge: %s", error)
        return patron


def _waits_on_hold_shelf(client: AlmaClient, primary_id: str) -> bool:
    """Tell whether a resource sharing request waits on the hold shelf; not, when that can't be read."""
    try:
        requests = client.users.active_requests(primary_id)
    except UNREAD as error:
        log.warning("The requests of one person could not be read after the purge: %s", error)
        return False
    return any(one.resource_sharing and one.on_hold_shelf for one in requests)
