"""Remembers what became of each person's group, so that a rerun counts what an earlier try has done."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Final

from pydantic import RootModel, ValidationError

from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps.restore import Attempt, Home, Restored
from patron_purge.errors import RunFileError

_SETTLED: Final = frozenset({Restored.RESTORED, Restored.NOT_NEEDED, Restored.ALREADY_MOVED, Restored.GONE})
_LIST_COLUMNS: Final = ("primary_id", "original_group", "reason", "why")


class _Attempts(RootModel[dict[str, Attempt]]):
    pass


class RestoreLog:
    """What became of each person's group, in the run folder.

    Args:
        folder: The run folder.

    Raises:
        RunFileError: The file of an earlier try can't be read.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._attempts = _read(folder)
        done = {Restored.RESTORED, Restored.BEGUN}
        self._done_before = {key for key, attempt in self._attempts.items() if attempt.outcome in done}

    @property
    def attempts(self) -> Mapping[str, Attempt]:
        """Return what is known, by primary id."""
        return self._attempts

    @property
    def settled(self) -> set[str]:
        """Return whose group needs nothing more from this run."""
        return {key for key, attempt in self._attempts.items() if attempt.outcome in _SETTLED}

    def begin(self, ids: Iterable[str]) -> None:
        """Write down whom this try is about to put back, before anything is changed.

        Whoever is found in the original group after a crash counts as restored by the try that crashed.
        """
        begun = {key: Attempt(Restored.BEGUN) for key in ids if key not in self._done_before}
        self._attempts.update(begun)
        self.save()

    def note(self, primary_id: str, attempt: Attempt) -> None:
        """Note what became of a person; somebody whom an earlier try has restored stays restored."""
        if attempt.outcome is Restored.NOT_NEEDED and primary_id in self._done_before:
            attempt = Attempt(Restored.RESTORED)
        self._attempts[primary_id] = attempt

    def save(self) -> None:
        """Write everything down."""
        content = _Attempts(self._attempts).model_dump_json(indent=1)
        self._folder.write(files.RESTORE_LOG, content.encode())


def not_restored_csv(homes: Iterable[Home], attempts: Mapping[str, Attempt]) -> bytes:
    """Write the list of people who could not be put back, with the reason.

    Args:
        homes: Everybody who belongs somewhere else.
        attempts: What became of them, by primary id.

    Returns:
        UTF-8 bytes of a CSV file with headings.
    """
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(_LIST_COLUMNS)
    for home in homes:
        why = attempts[home.primary_id].why
        if why is not None:
            writer.writerow((home.primary_id, home.group or "", why.value, why.label))
    return text.getvalue().encode()


def _read(folder: RunFolder) -> dict[str, Attempt]:
    content = folder.read_if_there(files.RESTORE_LOG)
    if content is None:
        return {}
    try:
        return dict(_Attempts.model_validate_json(content).root)
    except ValidationError:
        raise RunFileError(
            f"{files.RESTORE_LOG} in the run folder can't be read. Move it away, then clear this task; nobody is "
            "moved twice."
        ) from None  # the reason quotes the file, which holds ids
