"""Remembers what became of each person's group, so that a rerun counts what an earlier try has done."""

from collections.abc import Mapping

from pydantic import RootModel, ValidationError

from alma_purge import files
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.restore import Restored
from patron_purge.errors import RunFileError


class _Outcomes(RootModel[dict[str, Restored]]):
    pass


def read_outcomes(run: PurgeRun) -> dict[str, Restored]:
    """Return what earlier tries have done, by primary id.

    Raises:
        RunFileError: The file can't be read.
    """
    content = run.folder.read_if_there(files.RESTORE_LOG)
    if content is None:
        return {}
    try:
        return dict(_Outcomes.model_validate_json(content).root)
    except ValidationError:
        raise RunFileError(
            f"{files.RESTORE_LOG} in the run folder can't be read. Move it away, then clear this task; nobody is "
            "moved twice."
        ) from None  # the reason quotes the file, which holds ids


def merge_outcomes(
    run: PurgeRun, before: Mapping[str, Restored], now: Mapping[str, Restored]
) -> dict[str, Restored]:
    """Put together what earlier tries and this one have done, and write it down.

    Args:
        run: The run.
        before: Outcomes of earlier tries.
        now: Outcomes of this try.

    Returns:
        Every person's outcome. Somebody restored earlier needs nothing now, and still counts as restored.
    """
    merged = dict(before)
    for primary_id, outcome in now.items():
        if outcome is Restored.NOT_NEEDED and before.get(primary_id) is Restored.RESTORED:
            continue
        merged[primary_id] = outcome
    run.folder.write(files.RESTORE_LOG, _Outcomes(merged).model_dump_json(indent=1).encode())
    return merged
