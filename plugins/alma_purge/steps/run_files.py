"""The files of a run folder with their checksums."""

import re
from collections.abc import Callable, Collection

from alma_purge import files
from alma_purge.run_folder import RunFolder, sha256_of
from patron_purge.certificate import FileChecksum

_NOT_PART = frozenset({files.CERTIFICATE, files.CERTIFICATE_PAGE})
_EXCLUSION_FILE = re.compile(r"exclusions-[0-9]+\.xlsx")
WRITTEN_BY = {
    files.PREFLIGHT: "preflight",
    files.EXCLUSIONS: "fetch_exclusions",
    files.PROTECT_LIST: "fetch_exclusions",
    files.REPORT: "pull_report",
    files.REPORT_FACTS: "pull_report",
    files.LEDGER_SELECTED: "select_candidates",
    files.LEDGER_CHECKED: "check_live",
    files.SNAPSHOT: "check_live",
    files.LEDGER_REVIEWED: "prepare_review",
    files.BASIS: "prepare_review",
    files.REVIEW: "prepare_review",
    files.WORKBOOK: "prepare_review",
    files.REGROUP_PAYLOAD: "prepare_review",
    files.PURGE_PAYLOAD: "prepare_review",
    files.DECISION: "approve_purge",
    files.TAKEN_OFF: "approve_purge",
    files.REGROUP: "regroup_users",
    files.PURGE: "purge_users",
    files.LEDGER: "reconcile",
    files.LEDGER_RESTORED: "restore_kept",
    files.RESTORE: "restore_kept",
}


def writer_of(name: str) -> str:
    """Return the task that records a file in Airflow; empty for a file that is not recorded.

    Args:
        name: Name of the file.
    """
    return "fetch_exclusions" if _EXCLUSION_FILE.fullmatch(name) else WRITTEN_BY.get(name, "")


def run_files(
    folder: RunFolder, used: Collection[str], recorded: Callable[[str, str], str | None]
) -> tuple[FileChecksum, ...]:
    """Take the checksums of all files of a run but the certificate itself.

    Args:
        folder: The run folder.
        used: Names of the files that the certificate rests on.
        recorded: Returns the checksum that a task has recorded for a file, given both; None without one.

    Returns:
        The files by name.
    """
    names = [name for name in sorted(folder.names()) if name not in _NOT_PART and not name.startswith(".")]
    return tuple(_checksum(folder, name, used, recorded) for name in names)


def _checksum(
    folder: RunFolder, name: str, used: Collection[str], recorded: Callable[[str, str], str | None]
) -> FileChecksum:
    sha256 = sha256_of(folder.read(name))
    writer = writer_of(name)
    on_record = recorded(name, writer) if writer else None
    return FileChecksum(
        name=name,
        sha256=sha256,
        used=name in used,
        recorded=None if on_record is None else on_record == sha256,
    )
