"""The run that a page is about, and its files, each held against what its task recorded."""

from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeVar

from fastapi import Depends, HTTPException, Request, status
from pydantic import BaseModel, ValidationError

from alma_purge import files
from alma_purge.places import institution_of_dag
from alma_purge.run_folder import FileRef, RunFolder
from alma_purge.web.deleted_files import refuse_deleted
from alma_purge.web.guard import one_value
from alma_purge.web.records import RecordsReader, RunRecords, records_reader
from patron_purge.errors import RunFileError
from patron_purge.institution import Institution

EXCLUSIONS_TASK: Final = "fetch_exclusions"
REVIEW_TASK: Final = "prepare_review"
APPROVAL_TASK: Final = "approve_purge"
LAST_TASK: Final = "certify"
_WRITTEN_BY: Final = {
    files.EXCLUSIONS: EXCLUSIONS_TASK,
    files.REVIEW: REVIEW_TASK,
    files.LEDGER_REVIEWED: REVIEW_TASK,
    files.WORKBOOK: REVIEW_TASK,
    files.DECISION: APPROVAL_TASK,
    files.LEDGER: "reconcile",
    files.LEDGER_RESTORED: "restore_kept",
    files.CERTIFICATE: LAST_TASK,
    files.CERTIFICATE_PAGE: LAST_TASK,
}

Document = TypeVar("Document", bound=BaseModel)


@dataclass(frozen=True)
class OpenedRun:
    """One run, as a page sees it.

    Attributes:
        institution: The settings of the institution.
        dag_id: Id of the DAG.
        run_id: Id of the run.
        records: What Airflow has on record.
        folder: The run folder.
        read: Looks a run up in Airflow's database.
    """

    institution: Institution
    dag_id: str
    run_id: str
    records: RunRecords
    folder: RunFolder
    read: RecordsReader

    def sibling(self, run_id: str) -> "OpenedRun | None":
        """Return another run of the same DAG, or None when Airflow has no such run.

        Args:
            run_id: Id of the run.
        """
        records = self.read(self.dag_id, run_id)
        if records is None:
            return None
        folder = RunFolder.of_run(self.institution.code, run_id)
        return replace(self, run_id=run_id, records=records, folder=folder)

    def checksum(self, name: str) -> str | None:
        """Return the checksum that a file's task recorded, or None when it recorded none."""
        return self.records.checksums.get((_writer(name), name))

    def file(self, name: str) -> bytes | None:
        """Read a file.

        Args:
            name: One of the files that this app shows, or an exclusion file.

        Returns:
            The content, or None when its task has recorded no such file.

        Raises:
            FileDeletedError: The file was deleted after its time.
            RunFileError: The file is missing, or it is not the one that its task recorded.
        """
        recorded = self.checksum(name)
        if recorded is None:
            return None
        try:
            return self.folder.read_checked(FileRef(name=name, sha256=recorded))
        except RunFileError as error:
            if self.folder.read_if_there(name) is None:
                refuse_deleted(self.institution, self.run_id, name)
            raise RunFileError(
                f"{name} is not shown: it is missing, or not the file that the task {_writer(name)} recorded. "
                "If that task is running right now, reload this page in a few seconds. Otherwise somebody changed "
                "the run folder: find out who, and trigger a new run. This page changed nothing."
            ) from error

    def document(self, name: str, model: type[Document]) -> Document | None:
        """Read a JSON file.

        Args:
            name: One of the files that this app shows.
            model: What it holds.

        Returns:
            The content, or None when its task has recorded no such file.

        Raises:
            RunFileError: The file is not the recorded one, or it belongs to another version of this package.
        """
        content = self.file(name)
        if content is None:
            return None
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise RunFileError(
                f"{name} has another form than this version of the package writes. Trigger a new run; "
                "this page changed nothing."
            ) from error


def opened_run(request: Request, read: Annotated[RecordsReader, Depends(records_reader)]) -> OpenedRun:
    """Find the run that the address names.

    Args:
        request: The request; `dag_id` and `run_id` stand in its query.
        read: Looks a run up in Airflow's database.

    Returns:
        The run.

    Raises:
        ConfigurationError: No institution belongs to the DAG, or its file has mistakes.
        HTTPException: 404, there is no such run.
    """
    dag_id, run_id = one_value(request, "dag_id"), one_value(request, "run_id")
    institution = institution_of_dag(dag_id)
    records = read(dag_id, run_id)
    if records is None:
        raise HTTPException(
            status.HTTP_404_NOT_FOUND, "There is no such run. Open the page from the DAG run."
        )
    return OpenedRun(institution, dag_id, run_id, records, RunFolder.of_run(institution.code, run_id), read)


def _writer(name: str) -> str:
    """Return the task that writes a file; exclusion files are numbered."""
    return _WRITTEN_BY.get(name, EXCLUSIONS_TASK)


OpenedRunDep = Annotated[OpenedRun, Depends(opened_run)]
