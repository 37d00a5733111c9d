"""What past runs did: one line per run, without personal data, to compare the next run with."""

import statistics
from collections.abc import Iterable
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from patron_purge.errors import RunFileError
from patron_purge.states import Mode

RUNS_IN_MEDIAN = 6


class HistoryEntry(BaseModel):
    """One run in the history of an institution.

    Attributes:
        run_id: Run id of Airflow.
        finished_at: When the certificate was written first with these numbers.
        mode: How far the run was allowed to go.
        to_purge: People on the list that was decided about, without whoever the approver took off it.
        purged: People who were verified as purged.
        by_group: These people by the code of their original user group.
        exclusion_rows: Rows of the exclusion files by their file pattern.
        report_rows: Rows of the Analytics report.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str = Field(min_length=1)
    finished_at: AwareDatetime
    mode: Mode
    to_purge: int = Field(ge=0)
    purged: int = Field(ge=0)
    by_group: dict[str, int] = {}
    exclusion_rows: dict[str, int] = {}
    report_rows: int = Field(ge=0)


def upsert(entries: Iterable[HistoryEntry], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    """Add a run to the history, or replace it when it is there already, so that a rerun changes nothing.

    Args:
        entries: The history so far.
        entry: The run.

    Returns:
        The history in order of the end of the runs. An entry that says the same as the one on file keeps the
        moment at which the run ended first.
    """
    known = list(entries)
    on_file = next((other for other in known if other.run_id == entry.run_id), None)
    if on_file is not None and entry.model_copy(update={"finished_at": on_file.finished_at}) == on_file:
        entry = on_file
    others = [other for other in known if other.run_id != entry.run_id]
    return tuple(sorted([*others, entry], key=lambda each: (each.finished_at, each.run_id)))


def before(entries: Iterable[HistoryEntry], run_id: str) -> tuple[HistoryEntry, ...]:
    """Leave out the run itself, so that a rerun is not compared with its own first attempt.

    Args:
        entries: The history.
        run_id: Run id of the run that is being reviewed.
    """
    return tuple(entry for entry in entries if entry.run_id != run_id)


def full_runs(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Select the runs that are a measure for the next one.

    A pilot's size is a setting, and a report or a rejected list was never carried out: none of them shows
    what a usual month looks like. The first full run after a pilot therefore still has no history, and a person
    has to raise the limit of the guard `no_history` for it knowingly.

    Args:
        entries: The history.
    """
    return tuple(entry for entry in entries if entry.mode is Mode.FULL and entry.purged > 0)


def median_of_last(entries: Iterable[HistoryEntry], n: int = RUNS_IN_MEDIAN) -> Decimal | None:
    """Compute the median number of people on the lists of the last full runs.

    Args:
        entries: The history in any order.
        n: How many runs to look at.

    Returns:
        The median, or None when there was no full run yet.
    """
    latest = sorted(full_runs(entries), key=lambda entry: entry.finished_at)[-n:]
    if not latest:
        return None
    return statistics.median(Decimal(entry.to_purge) for entry in latest)


def to_lines(entries: Iterable[HistoryEntry]) -> str:
    """Write the history as JSON lines.

    Args:
        entries: The history.
    """
    return "".join(entry.model_dump_json() + "\n" for entry in entries)


def from_lines(text: str) -> tuple[HistoryEntry, ...]:
    """Read the history from JSON lines.

    Args:
        text: Content of the history file; empty when there was no run yet.

    Returns:
        The entries in the order of the file.

    Raises:
        RunFileError: A line is no history entry; guards must not run on half a history.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entries.append(HistoryEntry.model_validate_json(line))
        except ValidationError as error:
            raise RunFileError(
                f"Line {number} of the history file is not a history entry. Restore the file from a backup, "
                "or correct or remove that line; nothing was changed."
            ) from error
    return tuple(entries)
