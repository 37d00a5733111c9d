"""The original user group of everyone who may be moved to the marker group, noted once per person."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Final

from patron_purge.errors import RunFileError
from patron_purge.identifiers import folded

_COLUMNS: Final = ("primary_id", "original_group", "noted_at")


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """The original group of one person.

    Attributes:
        primary_id: The primary id exactly as Alma spells it.
        original_group: User group code before this run moved the person.
        noted_at: When it was read; aware.
    """

    primary_id: str
    original_group: str
    noted_at: datetime


def merge_snapshot(
    existing: Iterable[SnapshotRow], new: Iterable[SnapshotRow], *, marker_group: str
) -> tuple[SnapshotRow, ...]:
    """Add people to a snapshot; the first original group of a person is kept.

    Args:
        existing: Rows that are already on file.
        new: Rows to add; those of people on file change nothing.
        marker_group: Code of the marker group, which is nobody's original group.

    Returns:
        Every row, by primary id.

    Raises:
        RunFileError: A row would record the marker group, or no group, as somebody's original group.
    """
    merged: dict[str, SnapshotRow] = {}
    for row in (*existing, *new):
        merged.setdefault(row.primary_id, row)
    wrong = sum(folded(row.original_group) in {"", folded(marker_group)} for row in merged.values())
    if wrong:
        raise RunFileError(
            f"snapshot.csv would record the purge group, or no group, as the original group of {wrong:,} "
            "person(s), so they could not be put back. Nothing was written. Restore the people who are in "
            "the purge group, then run again."
        )
    return tuple(merged[key] for key in sorted(merged))


def snapshot_csv(rows: Iterable[SnapshotRow]) -> bytes:
    """Write a snapshot as CSV.

    Args:
        rows: The rows.

    Returns:
        UTF-8 bytes with a heading line.
    """
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((row.primary_id, row.original_group, row.noted_at.isoformat()) for row in rows)
    return text.getvalue().encode("utf-8")


def read_snapshot_csv(content: bytes) -> tuple[SnapshotRow, ...]:
    """Read a snapshot written by `snapshot_csv`.

    Args:
        content: The file's bytes.

    Returns:
        The rows in the order of the file.

    Raises:
        RunFileError: The bytes are not such a file.
    """
    try:
        return tuple(_rows(content))
    except (ValueError, csv.Error) as error:
        raise RunFileError(
            "snapshot.csv in the run folder is damaged, so original groups are unknown. Bring the file back "
            "from the backup of the run folder before anything else; nothing was changed."
        ) from error


def _rows(content: bytes) -> Iterator[SnapshotRow]:
    lines = csv.reader(StringIO(content.decode("utf-8"), newline=""), strict=True)
    if tuple(next(lines, ())) != _COLUMNS:
        raise ValueError("unexpected headings")
    for primary_id, group, noted in lines:
        yield SnapshotRow(primary_id, group, datetime.fromisoformat(noted))
