"""Starts an Alma job at most once, and finds it again after an unclear answer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError, AlmaUnclearError, JobLimitError, JobOverlapError
from alma_api.job_status import JobStatus
from alma_api.models import JobInstance
from alma_purge.documents import CounterValue, JobRecord, JobStage
from alma_purge.operators.base import MustWaitError
from alma_purge.steps.job_book import JobBook, intended, refused
from patron_purge.errors import MendableError, PurgeError, RunFileError

log = logging.getLogger(__name__)

UNLISTED_IS_OVER = timedelta(hours=1)
PAUSE_WHEN_FULL = timedelta(minutes=10)


class JobMustWaitError(MustWaitError):
    """The job can't be started right now; it was definitely not started."""


class JobStoppedError(PurgeError):
    """It is not known whether the job was started, or it ended badly: a person must look."""


class JobAwaitedError(JobStoppedError, MendableError):
    """It is not known how a job ends that this run has sent or asked for; when that is known, the run goes on."""


class OtherEngineError(MendableError):
    """The purge of this run was begun with the other engine."""


class AnotherJobError(MendableError):
    """Alma runs a job of the same kind for somebody else; this run started nothing beside it."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job that is ready to be started.

    Attributes:
        job_id: Id of the job in Alma.
        job_name: The unique name by which the instance can be found again.
        set_id: Id of the itemized set that it works on.
        payload: The bytes to send.
        last_look: Makes sure, when the intent is stored, that the job may still be started; raises when not.
    """

    job_id: str
    job_name: str
    set_id: str
    payload: bytes
    last_look: Callable[[], None]


def start_once(client: AlmaClient, book: JobBook, order: JobOrder) -> JobRecord:
    """Send the start of a job, exactly once.

    The intent is stored before the POST and re-read right before it, then comes the last look; the instance id is
    stored right after the POST. After an unclear answer the record stays at "intended": the caller looks the job up
    and never sends it again.

    Args:
        client: The Alma client.
        book: Where the record is kept.
        order: The job to start.

    Returns:
        The record, started or (after an unclear answer) intended.

    Raises:
        JobMustWaitError: Alma refused for lack of room (codes 402222, 402223, 60347).
        MustWaitError: Another execution of this task may be starting the job right now, or has sent it.
        AlmaRequestError: Alma refused for another reason; nothing was started.
        PurgeError: The last look found a reason not to start it; nothing was started.
        RunFileError: One of the two places does not keep the intent.
    """
    claim = book.claim(book.read().attempt + 1)
    before = book.read()  # again: another execution may have written it before the claim
    if not claim.is_good():
        raise JobMustWaitError("The start of the job took too long and was not sent.", datetime.now(UTC))
    if before.stage is not JobStage.NONE:
        # Airflow can run a task twice when a scheduler dies; the other execution's job is this task's job too.
        raise JobMustWaitError(
            "Another execution of this task has sent the job meanwhile; it is not sent again.",
            datetime.now(UTC),
        )
    intent = intended(before, order.job_id, order.job_name, order.set_id, datetime.now(UTC))
    book.write(intent)
    if not book.holds(intent):
        raise RunFileError("The intent to start the job could not be stored reliably. Nothing was sent.")
    look_last(book, intent, order.last_look)
    if not claim.is_good():
        log.warning(
            "Storing the intent to start the job took too long: nothing is sent, the job is looked up"
        )
        return intent
    try:
        start = client.jobs.run(order.job_id, order.payload)
    except AlmaUnclearError as error:
        log.warning("Alma's answer to the start of the job is unclear: %s", error)
        return intent
    except (JobLimitError, JobOverlapError) as error:
        book.write(refused(intent))
        raise JobMustWaitError(
            f"Alma has no room for the job {order.job_id} right now: {error}",
            datetime.now(UTC) + PAUSE_WHEN_FULL,
        ) from error
    except AlmaError:
        book.write(refused(intent))
        raise
    started = intent.model_copy(update={"stage": JobStage.STARTED, "instance_id": start.instance_id})
    book.write(started)
    return started


def other_engine(code: str) -> OtherEngineError:
    """Say that a task finds a record which it can't read, because the engine was changed.

    Args:
        code: Short code of the institution.
    """
    return OtherEngineError(
        f"The setting engine in {code}.yaml was changed after the purge of this run was begun, so this task can't tell "
        "what became of it. Nothing was sent by this task. Put the setting back as it was."
    )


def look_last(book: JobBook, intent: JobRecord, last_look: Callable[[], None]) -> None:
    """Take a stored intent back when the last look finds a reason not to act on it: nothing was sent yet.

    Args:
        book: Where the intent is kept.
        intent: The intent.
        last_look: Raises when there is a reason.
    """
    may_start = False
    try:
        last_look()
        may_start = True
    finally:
        if not may_start:
            book.write(refused(intent))


def look_up(client: AlmaClient, record: JobRecord) -> JobInstance | None:
    """Find the instance of an intended job by its unique name, among all instances since the intent.

    Args:
        client: The Alma client.
        record: The record of the intent.

    Returns:
        The instance, or None when Alma lists none (yet: the list may lag).

    Raises:
        JobStoppedError: Alma lists more than one instance of this name.
    """
    found = of_this_name(client, record)
    if len(found) > 1:
        raise JobStoppedError(
            f"Alma lists {len(found)} instances of the job {record.job_name}. Look at them on the Monitor Jobs "
            "page; this run sends nothing more."
        )
    return found[0] if found else None


def of_this_name(client: AlmaClient, record: JobRecord) -> tuple[JobInstance, ...]:
    """List the instances that bear the unique name of an intended job.

    Args:
        client: The Alma client.
        record: The record of the intent.
    """
    intended_at = record.intended_at or datetime.now(UTC)
    # Alma's submit dates are in the institution's or the server's zone: begin a day early.
    since = (intended_at - timedelta(days=1)).date()
    if not record.job_name:
        return ()
    return tuple(one for one in client.jobs.instances(record.job_id, since) if record.job_name in one.name)


def adopt(book: JobBook, record: JobRecord, instance: JobInstance) -> JobRecord:
    """Record an instance that was found by its name."""
    adopted = record.model_copy(
        update={
            "stage": JobStage.STARTED,
            "instance_id": instance.id,
            "adopted": True,
            "name_echoed": True,
        }
    )
    book.write(adopted)
    return adopted


def ended(book: JobBook, record: JobRecord, instance: JobInstance) -> JobRecord:
    """Record the end of a job instance with its status and counters."""
    finished = record.model_copy(
        update={
            "stage": JobStage.ENDED_WELL if _ended_well(instance) else JobStage.ENDED_BADLY,
            "status": instance.status_text,
            "name_echoed": record.job_name in instance.name,
            "counters": tuple(
                CounterValue(code=one.code, description=one.desc, value=one.value)
                for one in instance.counters
            ),
            "started_at": instance.submit_time,
            "ended_at": instance.end_time,
        }
    )
    book.write(finished)
    return finished


def _ended_well(instance: JobInstance) -> bool:
    """Tell whether the job did its work; "nothing to do" is no success for a job with a filled set."""
    return instance.status.is_good or instance.status is JobStatus.COMPLETED_WARNING


def is_active(client: AlmaClient, record: JobRecord, *, echo_proven: bool, seen_idle: bool = False) -> bool:
    """Tell whether a job of this run may still be working in Alma.

    A job whose start was unclear and which Alma does not list an hour later was never started, provided that
    this Alma shows the names of its jobs. Where that is not proven, only a person can tell. What Alma lists
    counts more than what a person saw.

    Args:
        client: The Alma client.
        record: The record of the job.
        echo_proven: Whether an earlier job of this run showed the name it was given.
        seen_idle: Whether a person looked in Alma, and the job was not there or had ended.

    Raises:
        AlmaRequestError: Alma does not know the instance any more.
    """
    if record.stage in {JobStage.NONE, JobStage.ENDED_WELL, JobStage.ENDED_BADLY}:
        return False
    if record.by_hand:
        return True  # only the person who was asked to start it can say that it is over
    if record.stage is JobStage.INTENDED:
        found = of_this_name(client, record)
        if not found:
            waited = datetime.now(UTC) - (record.intended_at or datetime.now(UTC))
            return not (seen_idle or (echo_proven and waited > UNLISTED_IS_OVER))
        return any(not one.status.is_terminal for one in found)
    return not client.jobs.instance(record.job_id, record.instance_id).status.is_terminal
