"""Keeps tasks from running again whose result could not be used any more."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import JobStage, RestoreResult
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.restore import Restored
from alma_purge.steps.restore_log import RestoreLog
from patron_purge.errors import ApprovalRefusedError, PurgeError

_AT_HOME = frozenset({Restored.BEGUN, Restored.RESTORED, Restored.NOT_NEEDED, Restored.ALREADY_MOVED})


class RegroupAlreadySentError(PurgeError):
    """The list can't be recomputed: people of the old list may be in the marker group."""


def refuse_after_regroup(context: Context, run: PurgeRun) -> None:
    """Stop when this run has already sent a regroup.

    A recomputed list would not match the people who were moved, and the snapshot of original groups would be
    taken from people who are in the marker group.

    Args:
        context: The task's context.
        run: The run.

    Raises:
        RegroupAlreadySentError: A regroup was sent in this run.
    """
    if job_on_record(context, run, "regroup_users", files.REGROUP_RECORD).stage is JobStage.NONE:
        return
    advice = "Clear restore_kept first, which gives everybody their group back; then trigger a new run."
    restored = run.folder.read_if_there(files.RESTORE)
    if restored is not None and RestoreResult.model_validate_json(restored).complete:
        advice = "Everybody has their group back; trigger a new run."
    raise RegroupAlreadySentError(
        f"This run has already moved people to the group {run.institution.marker_group}, so its list can't be "
        f"made again. {advice}"
    )


def require_nobody_put_back(context: Context, run: PurgeRun) -> None:
    """Stop when an approval would lead to no purge: only people who are in the marker group are purged.

    Args:
        context: The task's context.
        run: The run.

    Raises:
        ApprovalRefusedError: People were given their user group back, or the regroup has ended badly.
    """
    regroup = job_on_record(context, run, "regroup_users", files.REGROUP_RECORD)
    if regroup.stage is JobStage.ENDED_BADLY:
        raise ApprovalRefusedError(
            "The regroup of this run has ended badly and is never started again, so nobody of this list can be purged "
            "and nobody is asked. Trigger a new run when restore_kept has given everybody the user group back."
        )
    # Whom purge_users has taken off late, it has put back itself; everybody else is still in the marker group.
    taken_off_late = read_drops(run, files.DROPS_PURGE)
    attempts = RestoreLog(run.folder).attempts
    at_home = {key for key, one in attempts.items() if one.outcome in _AT_HOME} - taken_off_late.keys()
    if regroup.stage is not JobStage.NONE and at_home:
        raise ApprovalRefusedError(
            "This run is over: people whom it had moved have their user group back, so they can't be purged any more "
            "and nobody is asked. Trigger a new run."
        )
