"""What each file of a run folder holds about people."""

import re
from typing import Final

from alma_purge import files
from patron_purge.retention import FileKind

_KINDS: Final = {
    FileKind.RAW_INPUT: (files.PROTECT_LIST, files.REPORT),
    FileKind.LEDGER: (
        files.LEDGER_SELECTED,
        files.LEDGER_CHECKED,
        files.LEDGER_REVIEWED,
        files.LEDGER,
        files.LEDGER_RESTORED,
        files.DROPS_REGROUP,
        files.DROPS_PURGE,
        files.TAKEN_OFF,
    ),
    FileKind.WORKBOOK: (files.WORKBOOK,),
    FileKind.SNAPSHOT: (files.SNAPSHOT, files.RESTORE_LOG, files.NOT_RESTORED),
    # The decision names who approved, as the certificate does; it names no patron.
    FileKind.NOT_PERSONAL: (
        files.RUN,
        files.PREFLIGHT,
        files.EXCLUSIONS,
        files.REPORT_FACTS,
        files.BASIS,
        files.REVIEW,
        files.REGROUP_PAYLOAD,
        files.PURGE_PAYLOAD,
        files.DECISION,
        files.SETS,
        files.REGROUP_RECORD,
        files.PURGE_RECORD,
        files.REGROUP,
        files.PURGE,
        files.RESTORE,
        files.CERTIFICATE,
        files.CERTIFICATE_PAGE,
    ),
}
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names}
_PATTERNS: Final = (
    (re.compile(r"exclusions-\d+\.xlsx"), FileKind.RAW_INPUT),
    (re.compile(r"[a-z]+-progress-\d+\.jsonl"), FileKind.WORKING),
    (re.compile(r"(regroup|purge)-job-start-\d+-\d+\.txt"), FileKind.NOT_PERSONAL),
    (re.compile(rf"{files.TAKEN_OFF_ENTRY}[0-9a-f]+\.json"), FileKind.LEDGER),
    (re.compile(rf"{files.LOOKED_ENTRY}[0-9a-f]+\.json"), FileKind.NOT_PERSONAL),
    # A file that was being written when its process was killed.
    (re.compile(r"\..+\.[^.]+"), FileKind.WORKING),
)


def kind_of(name: str) -> FileKind:
    """Return what a file of a run folder holds about people.

    Args:
        name: Name of the file.
    """
    if name in _KIND_OF:
        return _KIND_OF[name]
    return next((kind for pattern, kind in _PATTERNS if pattern.fullmatch(name)), FileKind.UNKNOWN)
