from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_purge.errors import RunFileError
from patron_purge.snapshot import SnapshotRow, merge_snapshot, read_snapshot_csv, snapshot_csv

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def row(primary_id: str, group: str, noted_at: datetime = NOON) -> SnapshotRow:
    return SnapshotRow(primary_id, group, noted_at)


def test_the_first_original_group_wins() -> None:
    merged = merge_snapshot(
        [row("b", "FAC")],
        [row("b", "UG", LATER), row("a", "UG"), row("a", "FAC", LATER)],
        marker_group="OKPURGE",
    )
    assert merged == (row("a", "UG"), row("b", "FAC"))


def test_a_regrouped_person_on_file_keeps_the_first_group() -> None:
    assert merge_snapshot([row("a", "UG")], [row("a", "OKPURGE", LATER)], marker_group="OKPURGE") == (
        row("a", "UG"),
    )


@pytest.mark.parametrize("group", ["OKPURGE", "okpurge ", "", " "])
def test_the_marker_group_is_nobodys_original_group(group: str) -> None:
    for existing, new in (([], [row("a", group)]), ([row("a", group)], [])):
        with pytest.raises(
            RunFileError, match=r"purge group, or no group, as the original group of 1 person"
        ):
            merge_snapshot(existing, new, marker_group="OKPURGE")


def test_ids_are_told_apart_byte_for_byte() -> None:
    assert len(merge_snapshot([row("a", "UG")], [row("A", "UG"), row("a ", "UG")], marker_group="M")) == 3


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(st.builds(SnapshotRow, TEXT, TEXT, st.datetimes(timezones=st.just(UTC)))))
def test_nothing_is_lost_in_the_file(rows: list[SnapshotRow]) -> None:
    assert read_snapshot_csv(snapshot_csv(rows)) == tuple(rows)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b,c\n",
        snapshot_csv([]) + b'"a","b"\n',
        snapshot_csv([]) + b'"a","b","yesterday"\n',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(RunFileError, match=r"snapshot\.csv in the run folder is damaged"):
        read_snapshot_csv(content)
