"""Keeps what a live check has found out so far, so that a later try of the task reads nobody twice."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_book import TaskStateStore
from alma_purge.steps.live_check import LiveResult
from alma_purge.steps.read_progress import ReadProgress
from patron_purge.patron import Patron
from patron_purge.states import Reason

_NAME: Final = "check"
_LINES: Final = TypeAdapter(tuple[str, datetime, LiveResult])


class CheckProgress(ReadProgress[LiveResult]):
    """Results of an unfinished live check.

    Args:
        folder: The run folder.
        store: The task state store of the task.
        basis: Checksum of everything that the results depend on besides Alma.
    """

    def __init__(self, folder: RunFolder, store: TaskStateStore, basis: str) -> None:
        super().__init__(folder, store, basis, _NAME, _LINES)

    def note(self, primary_id: str, result: LiveResult, read_at: datetime) -> None:
        """Note a result; it may come from any thread, and somebody who could not be read is left out."""
        if result.finding is not None and result.finding.reason is Reason.NOT_CHECKED:
            return
        patron = None if result.patron is None else _needed_later(result.patron)
        super().note(primary_id, LiveResult(patron, result.finding), read_at)


def _needed_later(patron: Patron) -> Patron:
    """Return only what ledger and snapshot show; notes, blocks and the like stay in Alma."""
    return replace(patron, identifiers=(), blocks=(), notes=())
