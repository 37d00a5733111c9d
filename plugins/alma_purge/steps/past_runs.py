"""What the run folders say about the runs of an institution, for the housekeeping."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.run_folder import RunFolder, run_folders
from alma_purge.run_note import read_run_note
from alma_purge.steps.drops import read_drops
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.restore import Home, Restored
from alma_purge.steps.restore_log import RestoreLog
from patron_purge.errors import RunFileError
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.retention import unsettled
from patron_purge.snapshot import read_snapshot_csv
from patron_purge.states import RowState
from patron_purge.taken_off import read_record

IsActive = Callable[[str], bool]
Part = TypeVar("Part", bound=BaseModel)
_SETTLED = frozenset({Restored.RESTORED, Restored.NOT_NEEDED, Restored.ALREADY_MOVED, Restored.GONE})


class _Certificate(BaseModel):
    """The part of a certificate of any version that tells which run ended when."""

    model_config = ConfigDict(extra="ignore")
    run_id: str
    created_at: AwareDatetime


class _Review(BaseModel):
    """The part of a review of any version that tells where the list came from."""

    model_config = ConfigDict(extra="ignore")
    run_id: str
    institution_code: str
    environment: str
    marker_group: str
    created_at: AwareDatetime


@dataclass(frozen=True)
class PastRun:
    """A run that has a folder.

    Attributes:
        folder: The run folder.
        run_id: Id of the DAG run.
        active: Whether Airflow has it queued or running.
        ended_at: The latest moment on record: of the certificate, a job, the review or the first task.
        place: Institution code and environment of the list; None when there was none.
        marker_group: Code of the marker group of the list; empty when there was none.
        regroup: The record of the regroup job.
        purge: The record of the purge job.
        homes: Everybody who may have been moved by this run, with the original group, by primary id.
        unsettled: Of them, neither verified as purged nor seen outside the marker group.
    """

    folder: RunFolder
    run_id: str
    active: bool
    ended_at: datetime
    place: tuple[str, str] | None
    marker_group: str
    regroup: JobRecord
    purge: JobRecord
    homes: dict[str, Home]
    unsettled: frozenset[str]


def past_runs(institution_code: str, is_active: IsActive) -> tuple[list[PastRun], int]:
    """Read the folders of all runs of an institution.

    Args:
        institution_code: The institution's short code.
        is_active: Tells whether Airflow has a run queued or running.

    Returns:
        The runs, oldest end first, and the number of folders of which it is not known to which run they belong.

    Raises:
        RunFileError: A file can't be read; nothing is guessed about people then.
    """
    runs: list[PastRun] = []
    nameless = 0
    for folder in run_folders(institution_code):
        run = _past_run(folder, is_active)
        if run is None:
            nameless += 1
        else:
            runs.append(run)
    return sorted(runs, key=lambda run: run.ended_at), nameless


def _past_run(folder: RunFolder, is_active: IsActive) -> PastRun | None:
    note = read_run_note(folder)
    certificate = _part_of(_Certificate, folder, files.CERTIFICATE)
    review = _part_of(_Review, folder, files.REVIEW)
    run_id = next((one.run_id for one in (note, certificate, review) if one is not None), None)
    if run_id is None:
        return None
    regroup = read_job_record(folder, files.REGROUP_RECORD)
    purge = read_job_record(folder, files.PURGE_RECORD)
    moments = [one.started_at for one in (note,) if one is not None]
    moments += [one.created_at for one in (certificate, review) if one is not None]
    for job in (regroup, purge):
        moments += [moment for moment in (job.intended_at, job.ended_at) if moment is not None]
    homes, left = _people(folder, regroup)
    return PastRun(
        folder=folder,
        run_id=run_id,
        active=is_active(run_id),
        ended_at=max(moments),
        place=(review.institution_code, review.environment) if review else None,
        marker_group=review.marker_group if review else "",
        regroup=regroup,
        purge=purge,
        homes=homes,
        unsettled=left,
    )


def _people(folder: RunFolder, regroup: JobRecord) -> tuple[dict[str, Home], frozenset[str]]:
    """Return everybody whom a run may have moved, and who of them may still be in the marker group."""
    content = folder.read_if_there(files.SNAPSHOT)
    if regroup.stage is JobStage.NONE or content is None:
        return {}, frozenset()
    group_of = {row.primary_id: row.original_group for row in read_snapshot_csv(content)}
    # Without the list of the approved, everybody whose group was noted may have been moved.
    listed = folder.read_if_there(files.LEDGER_REVIEWED)
    chosen = group_of.keys() if listed is None else ids_in_state(read_ledger_csv(listed), RowState.TO_PURGE)
    taken_off = {entry.primary_id for entry in read_record(folder.read_if_there(files.TAKEN_OFF))}
    moved = set(chosen) - set(read_drops(_InFolder(folder), files.DROPS_REGROUP)) - taken_off
    homes = {key: Home(key, group_of.get(key)) for key in sorted(moved)}
    attempts = RestoreLog(folder).attempts
    settled = [key for key, attempt in attempts.items() if attempt.outcome in _SETTLED]
    return homes, unsettled(moved, _purged(folder), settled)


@dataclass(frozen=True)
class _InFolder:
    folder: RunFolder


def _purged(folder: RunFolder) -> set[str]:
    """Return who was verified as purged by a single read."""
    content = folder.read_if_there(files.LEDGER)
    return set() if content is None else set(ids_in_state(read_ledger_csv(content), RowState.PURGED))


def _part_of(model: type[Part], folder: RunFolder, name: str) -> Part | None:
    content = folder.read_if_there(name)
    if content is None:
        return None
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(
            f"{name} in {folder.path} can't be read. Bring it back from a backup; nothing was deleted or moved."
        ) from error
