"""What the accounting tasks make sure of before they believe what Alma says."""

import logging

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import PurgeRun, TryAgainError, fetch, recorded
from alma_purge.steps.job_start import is_active, of_this_name
from alma_purge.steps.looked import looked_at
from alma_purge.steps.taken_off import without_taken_off
from alma_purge.steps.tenant import require_right_tenant
from patron_purge.errors import ConfigurationError
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.looked import Looked, Seen
from patron_purge.review_model import Review
from patron_purge.states import RowState

log = logging.getLogger(__name__)


def reviewed(context: Context, run: PurgeRun) -> Review:
    """Return the review that was approved.

    Raises:
        RunFileError: The review is missing or was changed.
    """
    return Review.model_validate_json(on_file(context, run, files.REVIEW, "prepare_review"))


def on_file(context: Context, run: PurgeRun, name: str, task_id: str) -> bytes:
    """Read a file that is needed to account for people who were moved, also when its task was cleared since.

    Airflow forgets what a cleared task has recorded as soon as the task runs again, which it refuses after a
    regroup. The people in the marker group must still be found and put back, so the file counts as it is.

    Raises:
        RunFileError: The file is missing, or it is not the one that is recorded.
    """
    if recorded(context, name, task_id) is not None:
        return fetch(context, run, name, task_id)
    log.warning("%s has no record of %s any more; the file in the run folder is used", task_id, name)
    return run.folder.read(name)


def approved_on_file(context: Context, run: PurgeRun) -> tuple[str, ...]:
    """Return the primary ids on the reviewed list without whoever was taken off, also when its task was cleared since.

    Raises:
        RunFileError: The list is missing, or it is not the one that is recorded.
    """
    ledger = read_ledger_csv(on_file(context, run, files.LEDGER_REVIEWED, "prepare_review"))
    return ids_in_state(without_taken_off(context, run, ledger), RowState.TO_PURGE)


def require_reviewed_tenant(client: AlmaClient, run: PurgeRun, review: Review) -> None:
    """Make sure that the tenant that answers is the one the list was made from.

    In another tenant nobody of the list would be found, and everybody would look purged.

    Args:
        client: The Alma client.
        run: The run.
        review: The review that was approved.

    Raises:
        ConfigurationError: Another institution or environment answers.
    """
    identity = require_right_tenant(client, run.institution)
    if (identity.institution_code, identity.environment) != (review.institution_code, review.environment):
        raise ConfigurationError(
            f"This run began with {review.institution_code} ({review.environment}), but now "
            f"{identity.institution_code} ({identity.environment}) answers. Put the connection "
            f"{run.institution.alma_connection} and the settings back as they were, then clear this task; nothing "
            "was changed by it."
        )


def require_ended(client: AlmaClient, run: PurgeRun, record: JobRecord, *, echo_proven: bool) -> None:
    """Make sure that a job of this run is not working in Alma any more.

    Args:
        client: The Alma client.
        run: The run.
        record: The record of the job.
        echo_proven: Whether an earlier job of this run showed the name it was given.

    Raises:
        TryAgainError: It may still be working.
    """
    looked = looked_at(run.folder, record)
    if is_active(client, record, echo_proven=echo_proven, seen_idle=looked is not None):
        raise TryAgainError(_still_active(record, looked))
    if looked is not None:
        log.warning(
            "The job %s counts as %s, because a person looked for it in Alma",
            record.job_name,
            looked.seen.meaning,
        )


def never_started(client: AlmaClient, run: PurgeRun, record: JobRecord) -> bool:
    """Tell of a job that is over whether its start, which was unclear, never came to be.

    Args:
        client: The Alma client.
        run: The run.
        record: The record of the job, of which `require_ended` had nothing to say.

    Returns:
        True when Alma lists no such job and nobody has seen that it ended.
    """
    if record.stage is not JobStage.INTENDED or record.by_hand or of_this_name(client, record):
        return False
    looked = looked_at(run.folder, record)
    return looked is None or looked.seen is Seen.MISSING


def _still_active(record: JobRecord, looked: Looked | None) -> str:
    if record.by_hand:
        return (
            f"A person was asked to run {record.job_name} in Alma, and nobody has said yet how it ended, so nobody "
            "can be accounted for or moved. Clear purge_users, answer its Required Action, then clear this task."
        )
    if looked is not None:
        return (
            f"ATTENTION: {looked.by.name} looked in Alma and said that the job {record.job_name} "
            f"{looked.seen.words}, but Alma lists it now and it is not over. Nobody is accounted for or moved while it "
            "works. Look at Alma's Monitor Jobs page; when the job has ended, clear this task."
        )
    if record.stage is JobStage.INTENDED:
        return (
            f"It is not known whether the job {record.job_name} was started in Alma, so nobody can be accounted for or "
            "moved yet. Look at Alma's Monitor Jobs page. If the job is there, wait until it has ended. Then, or if it "
            "is not there and did not run, an approver can say so on the review page, 15 minutes after the start; "
            "then clear this task."
        )
    return (
        f"The job {record.job_name} may still be running in Alma, so nobody can be accounted for or moved yet. "
        "Look at Alma's Monitor Jobs page; when the job has ended, clear this task."
    )
