"""What the accounting tasks make sure of before they believe what Alma says."""

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobRecord
from alma_purge.operators.base import PurgeRun, TryAgainError, fetch
from alma_purge.steps.job_start import is_active
from alma_purge.steps.tenant import require_right_tenant
from patron_purge.errors import ConfigurationError
from patron_purge.review_model import Review


def reviewed(context: Context, run: PurgeRun) -> Review:
    """Return the review that was approved.

    Raises:
        RunFileError: The review is missing or was changed.
    """
    return Review.model_validate_json(fetch(context, run, files.REVIEW, "prepare_review"))


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


def require_ended(client: AlmaClient, record: JobRecord, *, echo_proven: bool) -> None:
    """Make sure that a job of this run is not working in Alma any more.

    Args:
        client: The Alma client.
        record: The record of the job.
        echo_proven: Whether an earlier job of this run showed the name it was given.

    Raises:
        TryAgainError: It may still be working.
    """
    if is_active(client, record, echo_proven=echo_proven):
        raise TryAgainError(
            f"The job {record.job_name} may still be running in Alma, so nobody can be accounted for or moved yet. "
            "Look at Alma's Monitor Jobs page; when the job has ended, clear this task."
        )
