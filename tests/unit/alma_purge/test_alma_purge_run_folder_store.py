"""A store that no provider package of Airflow has registered, such as S3 through s3fs alone."""

from collections.abc import Iterator

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from alma_purge.notices.records import records, unsent
from alma_purge.run_folder import RunFolder, run_folders
from alma_purge.steps.taken_off import taken_off_so_far


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    monkeypatch.setenv("ALMA_PURGE_STORE", "memory://purges")
    yield RunFolder.of_run("north", "run")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def test_everything_a_run_folder_does_is_possible_there(far: RunFolder) -> None:
    assert far.names() == ()
    assert far.entries("entry-") == ()
    assert far.create("claim.txt", b"mine")
    assert not far.create("claim.txt", b"theirs")
    far.write("report.csv", b"rows")
    far.append("entry-", b"one")
    far.append("entry-", b"two")
    assert sorted(far.entries("entry-")) == [b"one", b"two"]
    assert far.read("claim.txt") == b"mine"
    far.remove("claim.txt")
    assert "claim.txt" not in far.names()
    assert len(far.names()) == 3
    assert [one.names() for one in run_folders("north")] == [far.names()]


def test_what_is_listed_there_is_found(far: RunFolder) -> None:
    assert taken_off_so_far(far) == ()
    assert records(far) == ()
    assert unsent(far) == ()
