"""The run folders of an institution, as a command finds them without Airflow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ValidationError

from alma_purge import files
from alma_purge.documents import PreflightResult
from alma_purge.places import institution_files, store_root
from alma_purge.run_folder import RunFolder
from patron_purge.errors import ConfigurationError, RunFileError
from patron_purge.review_model import Review


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of which a folder is left.

    Attributes:
        name: Its run id, or the name of its folder when no document tells the id.
        began_at: When it began, or when its list was made; None when no document tells.
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
    runs = (_stored_run(folder) for folder in _folders(institution_code))
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
    for folder in _folders(institution_code):
        if folder.path.name in {wanted, run_id}:
            return _stored_run(folder)
    raise RunFileError(
        f"There is no folder of the run {run_id} in {store_root() / institution_code}. Copy the run id from Airflow, "
        "and make sure that ALMA_PURGE_STORE names the store that Airflow uses."
    )


def _folders(institution_code: str) -> Iterator[RunFolder]:
    root = store_root() / institution_code
    try:
        entries = list(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # which one depends on the store
        return
    yield from (RunFolder(entry) for entry in entries if entry.is_dir())


def _stored_run(folder: RunFolder) -> StoredRun:
    review = _document(folder, files.REVIEW, Review)
    if isinstance(review, Review):
        return StoredRun(review.run_id, review.created_at, folder)
    preflight = _document(folder, files.PREFLIGHT, PreflightResult)
    began_at = preflight.checked_at if isinstance(preflight, PreflightResult) else None
    return StoredRun(folder.path.name, began_at, folder)


def _document(folder: RunFolder, name: str, model: type[BaseModel]) -> BaseModel | None:
    """Read a document that only helps to name a run; one that can't be read is no reason to stop."""
    content = folder.read_if_there(name)
    try:
        return None if content is None else model.model_validate_json(content)
    except ValidationError:
        return None
