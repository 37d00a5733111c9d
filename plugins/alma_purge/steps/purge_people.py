"""Who is left to purge, proven right before the purge, and what is written down after it."""

import logging
from dataclasses import dataclass

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import ActResult, JobRecord, JobStage
from alma_purge.operators.base import PurgeRun, TryAgainError, fetch, publish
from alma_purge.steps.accounting import approved_on_file
from alma_purge.steps.authority import (
    Authority,
    require_authority,
)
from alma_purge.steps.drops import act_result, read_drops, write_drops
from alma_purge.steps.job_start import JobStoppedError
from alma_purge.steps.last_check import check_before_purge
from alma_purge.steps.marker_group import require_only
from alma_purge.steps.purge_set import fill_set, require_members
from alma_purge.steps.restore import Home, Restored, restore_person
from alma_purge.steps.restore_log import RestoreLog
from alma_purge.steps.right_moment import require_calls
from patron_purge.guards.checks import CALLS_AFTER_REGROUP

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeopleToPurge:
    """The people who may be purged right now.

    Attributes:
        authority: What was approved.
        set_id: Id of the itemized set that holds exactly these people.
        count: How many they are.
    """

    authority: Authority
    set_id: str
    count: int


def people_to_purge(run: PurgeRun, context: Context, client: AlmaClient) -> PeopleToPurge | None:
    """Take off whoever must stay, and prove that set and marker group hold only approved people.

    Args:
        run: The run.
        context: The task's context.
        client: The Alma client.

    Returns:
        The people who are left; None when nobody is.

    Raises:
        ApprovalRefusedError: There is no valid approval of exactly this.
        JobStoppedError: The regroup has not ended well.
        TryAgainError: Somebody who was taken off could not be moved back.
        MarkerGroupError: Somebody else is in the marker group.
        SetMismatchError: The set does not hold exactly these people.
    """
    authority = require_authority(context, run, client)
    regroup = ActResult.model_validate_json(fetch(context, run, files.REGROUP, "regroup_users"))
    if not regroup.sent:
        return None
    if regroup.job.stage is not JobStage.ENDED_WELL:
        raise JobStoppedError(
            "The regroup job has not ended well, so nobody is purged. restore_kept gives everybody their group "
            "back; then trigger a new run."
        )
    require_calls(run, client, CALLS_AFTER_REGROUP * len(authority.approved))
    set_id = regroup.job.set_id
    while True:
        remaining = _remaining(run, authority)
        check = check_before_purge(run, client, authority, remaining)
        write_drops(run, files.DROPS_PURGE, check.dropped)
        wanted = frozenset(remaining) - frozenset(check.dropped)
        if wanted:  # otherwise no job starts, and restore_kept may have deleted the set already
            fill_set(client, set_id, wanted)
        _put_back(run, client, authority)
        if not wanted:
            return None
        require_only(client, run.institution.marker_group, wanted, run.institution.poll_seconds)
        require_members(client, set_id, wanted)
        if not check.is_stale():
            return PeopleToPurge(authority, set_id, len(wanted))
        log.info("The last check is older than 15 minutes and is made again")


def write_purge_result(run: PurgeRun, context: Context, record: JobRecord) -> ActResult:
    """Write down how many people the purge was sent for and how it ended.

    Args:
        run: The run.
        context: The task's context.
        record: The record of the purge.
    """
    drops = read_drops(run, files.DROPS_REGROUP) | read_drops(run, files.DROPS_PURGE)
    result = act_result(approved_on_file(context, run), drops, record)
    if record.stage is JobStage.NONE:
        result = result.model_copy(update={"sent": 0})
    publish(context, run, files.PURGE, result.to_bytes())
    return result


def _remaining(run: PurgeRun, authority: Authority) -> list[str]:
    dropped = read_drops(run, files.DROPS_REGROUP).keys() | read_drops(run, files.DROPS_PURGE).keys()
    return sorted(set(authority.approved) - dropped)


def _put_back(run: PurgeRun, client: AlmaClient, authority: Authority) -> None:
    """Give everybody who was taken off after the regroup, in this try or an earlier one, the group back."""
    late = read_drops(run, files.DROPS_PURGE)
    if not late:
        return
    # Noted where restore_kept looks, so that it counts them as people who were moved and put back.
    restore_log = RestoreLog(run.folder)
    restore_log.begin(late)
    try:
        for key in late:
            home = Home(primary_id=key, group=authority.original_groups[key])
            attempt = restore_person(client, home, run.institution.marker_group)
            restore_log.note(key, attempt)
            if attempt.outcome is Restored.FAILED:
                # Another try reads the record again, so it does no harm, and one bad answer does not end the run.
                raise TryAgainError(
                    "Somebody who was taken off could not be moved out of the purge group, so nobody is purged. "
                    "restore_kept tries again; then trigger a new run."
                )
    finally:
        restore_log.save()
