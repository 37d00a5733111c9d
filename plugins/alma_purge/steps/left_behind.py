"""Finds people who were left in the marker group, and whose they are."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from alma_api.client import AlmaClient
from alma_api.errors import NotFoundError
from alma_api.models import User
from alma_purge.documents import JobRecord
from alma_purge.operators.base import TryAgainError
from alma_purge.steps.job_start import is_active
from alma_purge.steps.live_check import UNREAD
from alma_purge.steps.looked import looked_at
from alma_purge.steps.marker_group import read_marker_group
from alma_purge.steps.past_runs import PastRun
from alma_purge.steps.restore import Home, look_at_person
from alma_purge.steps.restore_log import RestoreLog

log = logging.getLogger(__name__)

OVER_AFTER: Final = timedelta(days=30)


@dataclass
class LeftBehind:
    """Who is in a marker group that should be empty.

    Attributes:
        of_runs: Run id to the people whom that ended run has moved, with their original group.
        under_way: People of a run that is still under way; they are no leftovers.
        strangers: People whom no run on file has moved.
    """

    of_runs: dict[str, list[Home]] = field(default_factory=dict)
    under_way: int = 0
    strangers: int = 0

    @property
    def restorable(self) -> int:
        """Return how many people can be put back."""
        return sum(len(homes) for homes in self.of_runs.values())


def find_left_behind(client: AlmaClient, runs: list[PastRun], marker_group: str, pause: float) -> LeftBehind:
    """List the marker group, look up whoever is unsettled, and tell whose they are.

    Whoever is unsettled and found outside the group, or gone, is noted as settled in the log of the run, so
    that the lists about them can be deleted in time.

    Args:
        client: The Alma client.
        runs: The runs of this tenant, oldest end first.
        marker_group: Code of the marker group.
        pause: Seconds between two passes over the listing.

    Returns:
        The people who are in the group, each once, by the latest run that has moved them.

    Raises:
        MarkerGroupError: The listing keeps changing.
        AlmaError: The group can't be listed.
    """
    there = set(read_marker_group(client, marker_group, pause))
    for run in runs:
        if not run.active and run.marker_group == marker_group:
            there |= _settle(client, run)
    left = LeftBehind()
    for primary_id in sorted(there):
        latest = next((run for run in reversed(runs) if primary_id in run.homes), None)
        if latest is None:
            left.strangers += 1
        elif latest.active:
            left.under_way += 1
        else:
            left.of_runs.setdefault(latest.run_id, []).append(latest.homes[primary_id])
    return left


def require_no_job(client: AlmaClient, runs: list[PastRun]) -> None:
    """Make sure that nothing works on the people of any run.

    Args:
        client: The Alma client.
        runs: The runs of this tenant.

    Raises:
        TryAgainError: A job may still be working, or a run is under way that has moved people.
    """
    for run in runs:
        if run.active and run.homes:
            raise TryAgainError(
                f"The run {run.run_id} is under way and has moved people. It puts them back itself; nobody was "
                "moved now. Wait until it has ended, then clear this task."
            )
        echoed = run.regroup.name_echoed is True
        if _may_work(client, run, run.regroup, echoed=True) or _may_work(
            client, run, run.purge, echoed=echoed
        ):
            raise TryAgainError(
                f"A job of the run {run.run_id} may still be working in Alma; nobody was moved. Look at Alma's "
                "Monitor Jobs page; when the job has ended, clear this task."
            )


def _may_work(client: AlmaClient, run: PastRun, record: JobRecord, *, echoed: bool) -> bool:
    """Tell whether a job may still be working; no job works for a month, whatever Alma remembers of it."""
    began = record.intended_at
    if began is not None and datetime.now(UTC) - began > OVER_AFTER:
        return False
    try:
        seen_idle = looked_at(run.folder, record) is not None
        return is_active(client, record, echo_proven=echoed, seen_idle=seen_idle)
    except NotFoundError:
        return True


def _settle(client: AlmaClient, run: PastRun) -> set[str]:
    """Read every unsettled person of a run, note who is settled, and return who is in the marker group."""
    there: set[str] = set()
    if not run.unsettled:
        return there
    restore_log = RestoreLog(run.folder)
    try:
        for primary_id in sorted(run.unsettled):
            try:
                found = look_at_person(client, run.homes[primary_id], run.marker_group)
            except UNREAD as error:
                log.warning("One person could not be read: %s", error)
                continue
            if isinstance(found, User):
                there.add(found.primary_id)
            elif found.why is None:
                restore_log.note(primary_id, found)
    finally:
        restore_log.save()
    return there
