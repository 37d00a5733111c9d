"""Keeps what is known about an Alma job in two places, so that it is never started twice."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from airflow.sdk import Context
from airflow.sdk.execution_time.context import NEVER_EXPIRE
from pydantic import ValidationError

from alma_purge.documents import STORE_KEY, JobRecord, JobStage
from alma_purge.operators.base import JOB_KEY, PurgeRun
from alma_purge.run_folder import RunFolder
from alma_purge.steps.start_claim import StartClaim, claim_start
from patron_purge.errors import RunFileError

_ORDER = list(JobStage)
_STORED = "The task state store's record of this job"


class TaskStateStore(Protocol):
    """The part of Airflow's task state store that the book uses; it survives retries and clears."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a stored value."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Store a value."""


class JobBook:
    """Reads and writes the record of one job, in Airflow's task state store and in the run folder.

    One of the two may be lost or edited; as long as the other one is there, no job is started a second time.

    Args:
        store: The task state store of the task that starts the job.
        folder: The run folder.
        file_name: Name of the record's file.
        announce: Tells the later tasks of the run about the record, in a third place that they can read.
    """

    def __init__(
        self,
        store: TaskStateStore,
        folder: RunFolder,
        file_name: str,
        announce: Callable[[JobRecord], None],
    ) -> None:
        self._announce = announce
        self._store = store
        self._folder = folder
        self._file_name = file_name

    def read(self) -> JobRecord:
        """Return the record that is further along; an empty one when nothing was ever written.

        Raises:
            RunFileError: The two records contradict each other, or one can't be read.
        """
        in_store, in_folder = self._both()
        if _contradict(in_store, in_folder):
            raise RunFileError(
                f"{self._file_name} in the run folder and Airflow's task state store name different Alma jobs. "
                "Somebody has edited one of them. Nothing was sent; look into Alma's Monitor Jobs page, then "
                "trigger a new run."
            )
        record = furthest(in_folder, in_store)
        self._announce(record)
        return record

    def write(self, record: JobRecord) -> None:
        """Store the record in both places."""
        self._folder.write(self._file_name, record.to_bytes())
        self._store.set(STORE_KEY, record.model_dump_json(), retention=NEVER_EXPIRE)
        self._announce(record)

    def claim(self, attempt: int) -> StartClaim:
        """Claim the start of the job for this execution of the task.

        Args:
            attempt: Number of this start.

        Raises:
            MustWaitError: Another execution of the task has claimed it a moment ago.
        """
        return claim_start(self._folder, self._file_name, attempt)

    def holds(self, record: JobRecord) -> bool:
        """Tell whether both places give this record back when they are read again."""
        return self._both() == (record, record)

    def _both(self) -> tuple[JobRecord, JobRecord]:
        stored = self._store.get(STORE_KEY)
        # Anything but a text was put there by somebody else, and is as unreadable as a spoiled text.
        text = stored if isinstance(stored, str) else ""
        in_store = JobRecord() if stored is None else parse_record(text.encode(), _STORED)
        return in_store, read_job_record(self._folder, self._file_name)


def book_of(run: PurgeRun, context: Context, file_name: str) -> JobBook:
    """Return the book of the job that the task of a context starts.

    Args:
        run: The run.
        context: The task's context.
        file_name: Name of the record's file.
    """
    ti = context["ti"]
    return JobBook(
        context["task_state_store"],
        run.folder,
        file_name,
        announce=lambda record: ti.xcom_push(key=JOB_KEY, value=record.model_dump_json()),
    )


def read_job_record(folder: RunFolder, file_name: str) -> JobRecord:
    """Return the run folder's record of a job; an empty one when there is none.

    Raises:
        RunFileError: The file can't be read as a record.
    """
    content = folder.read_if_there(file_name)
    if content is None:
        return JobRecord()
    return parse_record(content, f"{file_name} in the run folder")


def intended(record: JobRecord, job_id: str, job_name: str, set_id: str, now: datetime) -> JobRecord:
    """Return the record of a start that is about to be sent."""
    return JobRecord(
        stage=JobStage.INTENDED,
        job_id=job_id,
        job_name=job_name,
        set_id=set_id,
        attempt=record.attempt + 1,
        intended_at=now,
    )


def refused(record: JobRecord) -> JobRecord:
    """Return the record of a start that Alma has definitely refused: it may be sent again."""
    return JobRecord(attempt=record.attempt)


def parse_record(content: bytes, what: str) -> JobRecord:
    """Read a record.

    Args:
        content: The record as JSON.
        what: What is read, for the message.

    Raises:
        RunFileError: It is no record.
    """
    try:
        return JobRecord.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(
            f"{what} can't be read. It decides whether a job was already started, so nothing was sent. "
            "Look into Alma's Monitor Jobs page, then trigger a new run."
        ) from error


def furthest(*records: JobRecord) -> JobRecord:
    """Return the record that is furthest along: a job that any place knows of is never taken for unsent."""
    return max(records, key=lambda record: (_ORDER.index(record.stage), record.attempt))


def _contradict(one: JobRecord, other: JobRecord) -> bool:
    """Tell whether two records can't both be true."""
    names = {record.job_name for record in (one, other) if record.job_name}
    instances = {record.instance_id for record in (one, other) if record.instance_id}
    return len(names) > 1 or len(instances) > 1
