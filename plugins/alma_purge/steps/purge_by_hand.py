"""What is known about a purge that a person runs on Alma's *Purge User Records* page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alma_api.client import AlmaClient
from alma_api.models import JobInstance
from alma_purge.documents import CounterValue, EarlierWord, JobRecord, JobStage
from patron_purge.purge_page import TypedCounts

CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Shown:
    """When and under which name a person was asked to run the purge.

    Attributes:
        name: What Alma calls a run of the page.
        at: When the criteria were shown.
    """

    name: str
    at: datetime


def asked_for(name: str, attempt: int, set_id: str) -> JobRecord:
    """Return the record of a purge that a person is about to be asked for.

    Args:
        name: What Alma calls a run of the page.
        attempt: How many times this run has asked, this time included.
        set_id: Id of the set that holds the people.
    """
    return JobRecord(
        stage=JobStage.INTENDED,
        job_name=name,
        set_id=set_id,
        attempt=attempt,
        intended_at=datetime.now(UTC),
        by_hand=True,
    )


def page_job_ids(client: AlmaClient, name: str) -> list[str]:
    """Return the ids under which Alma lists the job of the page; none where it does not list it.

    Args:
        client: The Alma client.
        name: What Alma calls a run of the page.
    """
    return [job.id for job in client.jobs.list_other() if job.name.casefold() == name.casefold()]


def instances_since(client: AlmaClient, shown: Shown) -> list[JobInstance]:
    """Return the runs of the page that Alma shows and that were started after the criteria were shown.

    Alma may list the page's job and its runs, but does not promise to (Alma Jobs API); where it does not, there
    is only the person's word.

    Args:
        client: The Alma client.
        shown: What was asked for.
    """
    since = (shown.at - timedelta(days=1)).date()
    earliest = shown.at - CLOCKS_DIFFER_BY
    return [
        one
        for job_id in page_job_ids(client, shown.name)
        for one in client.jobs.instances(job_id, since)
        if one.submit_time is None or one.submit_time >= earliest
    ]


def ended_by_instance(record: JobRecord, instance: JobInstance, person: str) -> JobRecord:
    """Return the record of a purge whose end Alma shows.

    Args:
        record: The record of the question.
        instance: The run in Alma.
        person: Airflow user id of whoever answered.
    """
    return record.model_copy(
        update={
            "stage": JobStage.ENDED_BADLY if instance.status.is_bad else JobStage.ENDED_WELL,
            "job_id": instance.job_id,
            "instance_id": instance.id,
            "status": instance.status_text,
            "counters": tuple(
                CounterValue(code=one.code, description=one.desc, value=one.value)
                for one in instance.counters
            ),
            "started_at": instance.submit_time,
            "ended_at": instance.end_time,
            "answered_by": person,
        }
    )


def ended_by_word(record: JobRecord, counts: TypedCounts, person: str) -> JobRecord:
    """Return the record of a purge whose end a person has reported.

    Args:
        record: The record of the question.
        counts: The counts of Alma's report as typed.
        person: Airflow user id of whoever answered.
    """
    return record.model_copy(
        update={
            "stage": JobStage.ENDED_WELL,
            "status": "ended, by a person's word",
            "counters": (
                CounterValue(code="users.purged", description="Users purged", value=counts.purged),
                CounterValue(code="users.not.purged", description="Users not purged", value=counts.kept),
            ),
            "answered_by": person,
        }
    )


def is_typed(record: JobRecord) -> bool:
    """Tell whether all that is known about the end of a purge are counts that a person has typed.

    Args:
        record: The record of the purge.
    """
    return record.by_hand and record.stage is JobStage.ENDED_WELL and not record.instance_id


def wants_correction(record: JobRecord, clear_number: int) -> bool:
    """Tell whether the typed counts are asked for again, because the task was cleared after they were typed.

    A mistyped count would keep the run from adding up for ever. What Alma shows is never asked about, and a task
    that is only tried again keeps the answer it has.

    Args:
        record: The record of the purge.
        clear_number: How often tasks of the run have been cleared by now.
    """
    return is_typed(record) and clear_number > record.answered_clear


def answered(before: JobRecord, after: JobRecord, at: datetime, clear_number: int) -> JobRecord:
    """Return the record of an answer, with the counts that it replaces.

    Args:
        before: The record before the answer.
        after: The record as the answer leaves it.
        at: When the answer was given.
        clear_number: How often tasks of the run have been cleared by now.
    """
    if after.stage is JobStage.NONE:
        return after
    replaced: tuple[EarlierWord, ...] = ()
    if is_typed(before):
        purged, kept = (one.value for one in before.counters)
        replaced = (EarlierWord(person=before.answered_by, at=before.answered_at, purged=purged, kept=kept),)
    return after.model_copy(
        update={
            "answered_at": at,
            "answered_clear": clear_number,
            "earlier_words": (*before.earlier_words, *replaced),
        }
    )
