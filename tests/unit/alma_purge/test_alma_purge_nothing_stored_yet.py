"""Before the first run there is no folder: nothing is on file, and nothing fails."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath

from alma_purge import coverage
from alma_purge.history_file import read_history
from alma_purge.notices.records import records, unsent
from alma_purge.run_folder import RunFolder, run_folders


def test_a_run_folder_that_is_not_there_holds_nothing(folder: RunFolder) -> None:
    assert folder.names() == ()
    assert folder.entries("taken-off-") == ()
    assert folder.read_if_there("ledger.csv") is None
    assert records(folder) == ()
    assert unsent(folder) == ()


def test_an_institution_without_a_folder_has_had_no_run(store_folder: Path) -> None:
    assert not store_folder.exists()
    assert run_folders("demo") == []
    assert read_history("demo") == ()
    assert list(coverage._endings("demo")) == []
    assert coverage.coverage(datetime.now(UTC)).sentence


def test_a_folder_that_vanishes_while_it_is_looked_at_holds_nothing(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not store_folder.exists()
    monkeypatch.setattr(ObjectStoragePath, "exists", lambda _self: True)
    assert list(coverage._endings("demo")) == []
