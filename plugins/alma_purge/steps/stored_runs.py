"""The run folders of an institution, as a command finds them without Airflow."""

from dataclasses import dataclass
from datetime import datetime

from alma_purge import files
from alma_purge.documents import JobStage
from alma_purge.places import institution_files, store_root
from alma_purge.run_folder import RunFolder, run_folders
from alma_purge.run_note import read_run_note
from alma_purge.steps.job_book import read_job_record
from patron_purge.errors import ConfigurationError, RunFileError


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of which a folder is left.

    Attributes:
        name: Its run id, or the name of its folder when no note tells the id.
        began_at: When its first task began; None when no note tells.
        folder: Its folder.
    """

    name: str
    began_at: datetime | None
    folder: RunFolder


def require_institution(code: str) -> None:
    """Make sure that there is an institution of this code.

    Args:
        code: Short code, the name of its settings file.

    Raises:
        ConfigurationError: There is none.
    """
    known = [path.stem for path in institution_files()]
    if code not in known:
        raise ConfigurationError(
            f"There is no institution {code}. The settings files name: {', '.join(known) or 'none'}."
        )


def stored_runs(institution_code: str) -> tuple[StoredRun, ...]:
    """Return every run of an institution of which a folder is left, the latest first.

    Args:
        institution_code: Short code of the institution.
    """
    runs = (_stored_run(folder) for folder in run_folders(institution_code))
    return tuple(
        sorted(runs, key=lambda run: (run.began_at is not None, run.began_at, run.name), reverse=True)
    )


def stored_run(institution_code: str, run_id: str) -> StoredRun:
    """Return one run by its run id, or by the name of its folder.

    Args:
        institution_code: Short code of the institution.
        run_id: Run id of Airflow.

    Raises:
        RunFileError: No folder is left of this run.
    """
    wanted = RunFolder.of_run(institution_code, run_id).path.name
    for folder in run_folders(institution_code):
        if folder.path.name in {wanted, run_id}:
            return _stored_run(folder)
    raise RunFileError(
        f"There is no folder of the run {run_id} in {store_root() / institution_code}. Copy the run id from Airflow, "
        "and make sure that ALMA_PURGE_STORE names the store that Airflow uses."
    )


def later_mover(institution_code: str, run_id: str) -> StoredRun | None:
    """Return the latest run that has moved people to the marker group, when it began after a given run.

    Args:
        institution_code: Short code of the institution.
        run_id: Run id of the given run.

    Returns:
        The run; None when no later run has sent a regroup.
    """
    own = stored_run(institution_code, run_id)
    for run in stored_runs(institution_code):
        if run.began_at is None or own.began_at is None or run.began_at <= own.began_at:
            return None
        if read_job_record(run.folder, files.REGROUP_RECORD).stage is not JobStage.NONE:
            return run
    return None


def _stored_run(folder: RunFolder) -> StoredRun:
    """Name a run; a note that can't be read is no reason to say nothing about its people."""
    try:
        note = read_run_note(folder)
    except RunFileError:
        note = None
    if note is None:
        return StoredRun(folder.path.name, None, folder)
    return StoredRun(note.run_id, note.started_at, folder)
