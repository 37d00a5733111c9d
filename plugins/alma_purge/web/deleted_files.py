"""Says of a file that is not there any more that the housekeeping deleted it, when, and after how many days."""

from datetime import datetime
from typing import Final

from alma_purge.file_kinds import kind_of
from alma_purge.housekeeping_file import FILES_DELETED, read_entries
from alma_purge.web.formats import day
from patron_purge.errors import RunFileError
from patron_purge.institution import Institution
from patron_purge.retention import FileKind, days_kept

_WHAT: Final = {
    FileKind.RAW_INPUT: "The input files of this run were",
    FileKind.LEDGER: "The list of people of this run was",
    FileKind.WORKBOOK: "The workbook of this run was",
}


class FileDeletedError(RunFileError):
    """A file was deleted because it had been kept as long as the settings say."""


def refuse_deleted(institution: Institution, run_id: str, name: str) -> None:
    """Say so when a file is missing because its time was over.

    Args:
        institution: The settings.
        run_id: The run.
        name: Name of a file that is not in the run folder.

    Raises:
        FileDeletedError: The housekeeping has written down that it deleted the files of this kind.
    """
    kind = kind_of(name)
    at = _deleted_at(institution.code, run_id, kind) if kind in _WHAT else None
    if at is None:
        return
    when = at.astimezone(institution.zone).date()
    days = days_kept(institution.retention)[kind]
    raise FileDeletedError(
        f"{_WHAT[kind]} deleted on {day(when)}: {institution.code}.yaml says that such files are kept for {days:,} "
        "days after the end of a run. The certificate has the counts and is kept."
    )


def _deleted_at(institution_code: str, run_id: str, kind: FileKind) -> datetime | None:
    """Return when the files of a kind were deleted and looked for in vain; None when that is not on record."""
    try:
        entries = read_entries(institution_code)
    except RunFileError:  # the log can't be read; then only what is missing can be said
        return None
    found = [
        entry.at
        for entry in entries
        if entry.done and (entry.run_id, entry.did) == (run_id, FILES_DELETED) and kind.value in entry.counts
    ]
    return max(found, default=None)
