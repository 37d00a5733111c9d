"""How long files with personal data are kept, and what proves that they were deleted."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from patron_purge.errors import RunFileError
from patron_purge.institution import RetentionSettings


class FileKind(StrEnum):
    """What a file of a run folder holds about people."""

    RAW_INPUT = "raw_input"
    WORKING = "working"
    LEDGER = "ledger"
    WORKBOOK = "workbook"
    SNAPSHOT = "snapshot"
    NOT_PERSONAL = "not_personal"
    UNKNOWN = "unknown"


_NEEDED_TO_RESTORE = frozenset({FileKind.LEDGER, FileKind.SNAPSHOT, FileKind.WORKING})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a run folder.

    Attributes:
        name: Its name.
        kind: What it holds.
    """

    name: str
    kind: FileKind


@dataclass(frozen=True, slots=True)
class RunAge:
    """What decides about the files of one run.

    Attributes:
        ended_at: When the run ended, by what it has recorded; aware.
        unsettled: People who were moved and are neither verified as purged nor seen outside the marker group.
    """

    ended_at: datetime
    unsettled: int


def days_kept(settings: RetentionSettings) -> dict[FileKind, int]:
    """Return how many days after the end of a run each kind of file is kept; others are kept for good.

    Args:
        settings: The settings.
    """
    return {
        FileKind.RAW_INPUT: settings.raw_inputs,
        FileKind.WORKING: settings.raw_inputs,
        FileKind.LEDGER: settings.ledgers,
        FileKind.WORKBOOK: settings.workbooks,
        FileKind.SNAPSHOT: settings.snapshots,
    }


def due_files(
    stored: Iterable[StoredFile], run: RunAge, settings: RetentionSettings, now: datetime
) -> tuple[StoredFile, ...]:
    """Choose the files of an ended run that have been kept long enough.

    Args:
        stored: The files of the run folder.
        run: When it ended, and whether somebody must still be put back.
        settings: Days by kind of file.
        now: Now; aware.

    Returns:
        The files to delete. While one person is unsettled, everything that is needed to put somebody back
        stays as a whole, because a part of a list can't be checked against what its task recorded. A file of
        unknown kind is never chosen.
    """
    days = days_kept(settings)
    held = _NEEDED_TO_RESTORE if run.unsettled else frozenset()
    age = now - run.ended_at
    return tuple(
        file
        for file in stored
        if file.kind in days and file.kind not in held and age >= timedelta(days=days[file.kind])
    )


def unsettled(moved: Collection[str], purged: Collection[str], settled: Collection[str]) -> frozenset[str]:
    """Return whose original group may still be needed.

    Args:
        moved: Primary ids of everybody who may have been moved to the marker group.
        purged: Of them, verified as purged by a single read.
        settled: Of them, seen outside the marker group by a single read, or gone.
    """
    return frozenset(moved) - frozenset(purged) - frozenset(settled)


class HousekeepingEntry(BaseModel):
    """One line of the housekeeping log: what was done about one run, without names or ids.

    Attributes:
        at: When it began.
        run_id: The run.
        did: What was done, such as `files deleted`.
        counts: How many, by kind.
        done: Whether it was finished and looked at again; an entry that says no was broken off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime
    run_id: str
    did: str
    counts: dict[str, int]
    done: bool


def entry_lines(entries: Iterable[HousekeepingEntry]) -> str:
    """Write the housekeeping log as JSON lines.

    Args:
        entries: The entries.
    """
    return "".join(entry.model_dump_json() + "\n" for entry in entries)


def entries_from_lines(text: str) -> tuple[HousekeepingEntry, ...]:
    """Read the housekeeping log.

    Args:
        text: Content of the log; empty when there is none.

    Raises:
        RunFileError: A line is no entry; a log that proves something is not written over.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entries.append(HousekeepingEntry.model_validate_json(line))
        except ValidationError as error:
            raise RunFileError(
                f"Line {number} of the housekeeping log is not an entry. Bring the file back from a backup, or "
                "correct that line; nothing was deleted."
            ) from error
    return tuple(entries)
