"""Keeps early tasks from running again once people have been moved to the marker group."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import JobStage, RestoreResult
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.job_on_record import job_on_record
from patron_purge.errors import PurgeError


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
