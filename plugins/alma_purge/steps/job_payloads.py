"""The two job payloads: as the institution has pasted them, and as they were frozen for the approval."""

from dataclasses import dataclass

from airflow.sdk import Context

from alma_purge import files
from alma_purge.operators.base import PurgeRun, fetch
from alma_purge.places import job_payload
from patron_purge.errors import ConfigurationError
from patron_purge.institution import Institution
from patron_purge.payloads import FrozenPayload, check_purge_payload, check_regroup_payload
from patron_purge.purge_page import frozen_criteria, page_criteria
from patron_purge.states import Engine


@dataclass(frozen=True, slots=True)
class Payloads:
    """The two job payloads, checked.

    Attributes:
        regroup: Payload of the *Update/Notify Users* job.
        purge: Payload of the *Purge users* job.
    """

    regroup: FrozenPayload
    purge: FrozenPayload


def checked_payloads(institution: Institution) -> Payloads:
    """Read the institution's job payloads and check that they do nothing but what they should.

    Raises:
        ConfigurationError: A payload is missing or does something else.
    """
    regroup = institution.regroup_job.payload
    return Payloads(
        regroup=check_regroup_payload(job_payload(regroup), institution.marker_group, file_name=regroup),
        purge=_checked_purge_payload(institution),
    )


def _checked_purge_payload(institution: Institution) -> FrozenPayload:
    """Return what the purge job is sent, or what a person enters where no API can start it."""
    if institution.purge_job is None or institution.engine is Engine.MANUAL:
        return frozen_criteria(page_criteria(institution))
    purge = institution.purge_job.payload
    return check_purge_payload(
        job_payload(purge), institution.marker_group, institution.rules, file_name=purge
    )


def frozen_payloads(context: Context, run: PurgeRun) -> Payloads:
    """Read the payloads that `prepare_review` has frozen, and check them again.

    Raises:
        RunFileError: A file is missing or is not the frozen one.
        ConfigurationError: A payload does not agree with the settings any more.
    """
    institution = run.institution
    return Payloads(
        regroup=check_regroup_payload(
            fetch(context, run, files.REGROUP_PAYLOAD, "prepare_review"), institution.marker_group
        ),
        purge=_frozen_purge_payload(fetch(context, run, files.PURGE_PAYLOAD, "prepare_review"), institution),
    )


def _frozen_purge_payload(raw: bytes, institution: Institution) -> FrozenPayload:
    """Check the frozen payload of the purge job, or the frozen criteria of the page, against the settings."""
    if institution.engine is not Engine.MANUAL:
        return check_purge_payload(raw, institution.marker_group, institution.rules)
    criteria = frozen_criteria(page_criteria(institution))
    if raw != criteria.raw:
        raise ConfigurationError(
            "The criteria of the purge have changed since the review was made. Nothing was sent to Alma; trigger a "
            "new run."
        )
    return criteria
