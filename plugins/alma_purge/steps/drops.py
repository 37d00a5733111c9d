"""The people whom a last check has taken off, kept in the run folder."""

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from alma_purge import files
from alma_purge.documents import ActResult, JobRecord
from alma_purge.operators.base import PurgeRun
from alma_purge.run_folder import HasFolder
from patron_purge.errors import RunFileError
from patron_purge.patron import Finding
from patron_purge.states import Reason


class _Drop(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason
    detail: str


class _Drops(RootModel[dict[str, _Drop]]):
    pass


def write_drops(run: PurgeRun, file_name: str, dropped: Mapping[str, Finding]) -> None:
    """Add people to a list of drops; whoever is on it stays on it, with the first reason.

    Args:
        run: The run.
        file_name: Name of the list in the run folder.
        dropped: Primary id to why the person is taken off.
    """
    everybody = {**dropped, **read_drops(run, file_name)}
    drops = _Drops({key: _Drop(reason=one.reason, detail=one.detail) for key, one in everybody.items()})
    run.folder.write(file_name, drops.model_dump_json(indent=1).encode())


def act_result(approved: Collection[str], drops: Collection[str], record: JobRecord) -> ActResult:
    """Count whom a job was sent for.

    Args:
        approved: Primary ids on the approved list.
        drops: Whom a last check has taken off; somebody among them may have been taken off by the reviewer since, and
            is not on the approved list any more.
        record: The record of the job.
    """
    taken_off = len(set(approved) & set(drops))
    return ActResult(approved=len(approved), dropped=taken_off, sent=len(approved) - taken_off, job=record)


def forget_drops(run: PurgeRun) -> None:
    """Remove the drops of a list that is made again; everybody on the new list is checked anew.

    Args:
        run: The run; nothing of it was sent to Alma.
    """
    for name in (files.DROPS_REGROUP, files.DROPS_PURGE):
        run.folder.remove(name)


def read_drops(run: HasFolder, file_name: str) -> dict[str, Finding]:
    """Return a list of drops; an empty one when there is none.

    Args:
        run: The run.
        file_name: Name of the list in the run folder.

    Raises:
        RunFileError: The file can't be read.
    """
    return parse_drops(run.folder.read_if_there(file_name), file_name)


def parse_drops(content: bytes | None, file_name: str) -> dict[str, Finding]:
    """Return the drops that a file holds; none when there is no file.

    Args:
        content: Content of the file; None without one.
        file_name: Its name, for the message.

    Raises:
        RunFileError: The file can't be read.
    """
    if content is None:
        return {}
    try:
        drops = _Drops.model_validate_json(content)
    except ValidationError:
        raise RunFileError(
            f"{file_name} in the run folder can't be read. It says who must not be purged, so nothing was sent. "
            "Trigger a new run."
        ) from None  # the reason quotes the file, which holds ids
    return {key: Finding(one.reason, one.detail) for key, one in drops.root.items()}
