from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from patron_purge.errors import RunFileError
from patron_purge.institution import RetentionSettings
from patron_purge.retention import (
    FileKind,
    HousekeepingEntry,
    RunAge,
    StoredFile,
    due_files,
    entries_from_lines,
    entry_lines,
    unsettled,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SETTINGS = RetentionSettings(raw_inputs=3, ledgers=30, workbooks=20, snapshots=10)
ALL = [StoredFile(kind.value, kind) for kind in FileKind]
NEVER = {FileKind.NOT_PERSONAL, FileKind.UNKNOWN}


def due(days: float, unsettled_people: int = 0) -> set[FileKind]:
    run = RunAge(NOW - timedelta(days=days), unsettled_people)
    return {file.kind for file in due_files(ALL, run, SETTINGS, NOW)}


@pytest.mark.parametrize(
    ("days", "kinds"),
    [
        (0, set()),
        (2.99, set()),
        (3, {FileKind.RAW_INPUT, FileKind.WORKING}),
        (10, {FileKind.RAW_INPUT, FileKind.WORKING, FileKind.SNAPSHOT}),
        (20, {FileKind.RAW_INPUT, FileKind.WORKING, FileKind.SNAPSHOT, FileKind.WORKBOOK}),
        (30, set(FileKind) - NEVER),
        (3_000, set(FileKind) - NEVER),
    ],
)
def test_each_kind_is_due_after_its_own_days(days: float, kinds: set[FileKind]) -> None:
    assert due(days) == kinds


def test_as_long_as_one_person_is_unsettled_everything_needed_to_restore_stays() -> None:
    assert due(3_000, unsettled_people=1) == {FileKind.RAW_INPUT, FileKind.WORKBOOK}


@given(st.floats(-10, 4_000), st.integers(0, 3))
def test_what_is_not_personal_or_not_known_is_never_due(days: float, people: int) -> None:
    assert not due(days, people) & NEVER


def test_the_usual_days() -> None:
    usual = RetentionSettings()
    assert (usual.raw_inputs, usual.ledgers, usual.workbooks, usual.snapshots) == (7, 45, 45, 45)


def test_nobody_is_forgotten_to_be_purged_while_the_user_group_is_still_on_file() -> None:
    with pytest.raises(ValidationError, match=r"retention\.ledgers must be at least retention\.snapshots"):
        RetentionSettings(ledgers=10, snapshots=11)


IDS = st.frozensets(st.sampled_from("abcdef"))


@given(IDS, IDS, IDS)
def test_nobody_is_settled_without_a_read(
    moved: frozenset[str], gone: frozenset[str], back: frozenset[str]
) -> None:
    left = unsettled(moved, gone, back)
    assert left == {one for one in moved if one not in gone and one not in back}


def test_the_log_can_be_read_again_and_a_spoiled_one_is_not_written_over() -> None:
    entry = HousekeepingEntry(at=NOW, run_id="r", did="files deleted", counts={"ledger": 2}, done=True)
    text = entry_lines([entry, entry])
    assert entries_from_lines(text) == (entry, entry)
    assert entries_from_lines("") == ()
    with pytest.raises(RunFileError, match="Line 2 of the housekeeping log"):
        entries_from_lines(entry_lines([entry]) + "{}\n")
