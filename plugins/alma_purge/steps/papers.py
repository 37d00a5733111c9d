"""Where a certificate gets the papers of its run from: a task's records, or the run folder alone."""

from typing import Protocol

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import PurgeRun, fetch, recorded
from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.upstream import FLOW

_BEFORE_REGROUP = FLOW[: FLOW.index("regroup_users")]


class Papers(Protocol):
    """The files of a run that a certificate may rest on."""

    def read(self, name: str, task_id: str) -> bytes | None:
        """Return the file that a task wrote, or None when there is none to rest on.

        Args:
            name: Name of the file.
            task_id: The task that wrote it; empty for a file that no task records in Airflow.
        """

    def job(self, name: str, task_id: str) -> JobRecord:
        """Return the record of an Alma job.

        Args:
            name: Name of the record's file.
            task_id: The task that starts the job.
        """


class RecordedPapers:
    """The papers as the tasks have recorded them; file and record must agree.

    Airflow forgets what a cleared task has recorded as soon as the task runs again. When people had been moved by
    then, the files of the tasks before count as they are, so that the certificate does not lose what was done.

    Args:
        context: The context of the certifying task.
        run: The run.

    Attributes:
        used: Names of the files that were read.
        unrecorded: Of them, name to the task that has no record of it any more.
    """

    def __init__(self, context: Context, run: PurgeRun) -> None:
        self._context = context
        self._run = run
        self.used: set[str] = set()
        self.unrecorded: dict[str, str] = {}
        self._moved = self.job(files.REGROUP_RECORD, "regroup_users").stage is not JobStage.NONE

    def read(self, name: str, task_id: str) -> bytes | None:
        """Return the file that a task wrote, or None when there is none to rest on.

        Raises:
            RunFileError: The file is missing, or it is not the one that is recorded.
        """
        if task_id and recorded(self._context, name, task_id) is not None:
            self.used.add(name)
            return fetch(self._context, self._run, name, task_id)
        if task_id and not (self._moved and task_id in _BEFORE_REGROUP):
            return None
        content = self._run.folder.read_if_there(name)
        if content is not None:
            self.used.add(name)
            if task_id:
                self.unrecorded[name] = task_id
        return content

    def job(self, name: str, task_id: str) -> JobRecord:
        """Return the record of a job from the run folder and from what its task has announced."""
        self.used.add(name)
        return job_on_record(self._context, self._run, task_id, name)


class StoredPapers:
    """The papers that a certificate rests on, as the run folder holds them now.

    Args:
        folder: The run folder.
        used: Names of the files that the certificate rests on.
    """

    def __init__(self, folder: RunFolder, used: frozenset[str]) -> None:
        self._folder = folder
        self._used = used

    def read(self, name: str, task_id: str) -> bytes | None:
        """Return a file that the certificate rests on, whoever wrote it."""
        del task_id
        return self._folder.read_if_there(name) if name in self._used else None

    def job(self, name: str, task_id: str) -> JobRecord:
        """Return the record of a job from the run folder."""
        del task_id
        return read_job_record(self._folder, name)
