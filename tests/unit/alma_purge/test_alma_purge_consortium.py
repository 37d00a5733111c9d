"""Ninety institutions: one DAG each, and a check that none of them is left out."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException
from tests.support.consortium import write_consortium
from tests.support.task_context import TaskStandIn, task_context

from alma_purge.__main__ import main
from alma_purge.config_check import check_config
from alma_purge.coverage import coverage, last_due_start
from alma_purge.history_file import write_entry
from alma_purge.operators.coverage import CoverageOperator
from alma_purge.places import institution_entries, institution_files
from alma_purge.run_folder import RunFolder
from patron_purge.history import HistoryEntry
from patron_purge.institution import load_institution
from patron_purge.run_outcome import Outcome
from patron_purge.states import Mode

pytestmark = pytest.mark.usefixtures("airflow_database")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = write_consortium(tmp_path / "config", 3)
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(folder))
    for path in institution_files():
        change(path, "schedule:", "schedule: 0 6 2 * *")
    return folder / "institutions"


def change(path: Path, start: str, line: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line if each.startswith(start) else each for each in lines), encoding="utf-8")


def ran(code: str, ended: datetime, outcome: Outcome = Outcome.PURGED, *, on_history: bool = True) -> None:
    """Leave behind what a run leaves behind."""
    run_id = f"scheduled__{ended:%Y-%m-%d}"
    certificate = {"outcome": outcome.value, "created_at": ended.isoformat(), "institution": code}
    RunFolder.of_run(code, run_id).write("certificate.json", json.dumps(certificate).encode())
    if on_history:
        entry = HistoryEntry(
            run_id=run_id, finished_at=ended, mode=Mode.FULL, to_purge=1, purged=1, report_rows=9
        )
        write_entry(code, entry)


def test_each_of_ninety_institutions_has_its_own_dag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALMA_PURGE_CONFIG", str(write_consortium(tmp_path / "config", 90)))
    assert check_config().mistakes == ()
    bag = DagBag(dag_folder=str(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "alma_user_purge.py"))
    assert bag.import_errors == {}
    assert sorted(bag.dags) == [f"alma_user_purge_lib{number:02d}" for number in range(90)]
    assert all(len(dag.tasks) == 12 for dag in bag.dags.values())
    assert len({entry.schedule for entry in institution_entries()}) >= 80


def test_everybody_has_had_a_run(three: Path) -> None:
    for code in ("lib00", "lib01", "lib02"):
        ran(code, datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert coverage(NOW).sentence == "Expected 3, ran 3."


def test_who_was_left_out_is_named(three: Path) -> None:
    ran("lib00", datetime(2026, 11, 3, 12, tzinfo=UTC))
    ran("lib02", datetime(2026, 10, 3, 12, tzinfo=UTC))
    assert coverage(NOW).sentence == (
        "Expected 3, ran 1: lib01 did not (no run since 2026-11-02 06:00 CST), lib02 did not (no run since "
        "2026-11-02 06:00 CST)."
    )


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.REJECTED, None),
        (Outcome.REPORT_ONLY, None),
        (Outcome.TIMED_OUT, None),
        (Outcome.NOBODY_TO_PURGE, None),
        (Outcome.NOT_SENT, None),
        (Outcome.ALL_KEPT, None),
        (Outcome.STOPPED, "stopped by a check since"),
        (Outcome.FAILED, "failed since"),
    ],
)
def test_a_decided_run_counts_and_a_failed_one_does_not(
    three: Path, outcome: Outcome, why: str | None
) -> None:
    ran("lib00", datetime(2026, 11, 3, 12, tzinfo=UTC), outcome)
    left_out = dict(coverage(NOW).left_out)
    assert ("lib00" in left_out) is (why is not None)
    assert (why or "") in left_out.get("lib00", "")


def test_a_run_that_was_repeated_with_success_counts(three: Path) -> None:
    ran("lib00", datetime(2026, 11, 5, 12, tzinfo=UTC), Outcome.PURGED, on_history=False)
    ran("lib00", datetime(2026, 11, 6, 12, tzinfo=UTC), Outcome.FAILED)
    assert "lib00" in coverage(NOW).ran


def test_a_run_that_may_still_wait_for_its_approval_is_not_reported(three: Path) -> None:
    for code in ("lib00", "lib01", "lib02"):
        ran(code, datetime(2026, 10, 3, 12, tzinfo=UTC))
    start = datetime(2026, 11, 2, 6, tzinfo=CHICAGO)
    patience = timedelta(hours=72 + 2 * 24 + 24)
    assert coverage(start + patience - timedelta(minutes=1)).left_out == ()
    assert len(coverage(start + patience + timedelta(minutes=1)).left_out) == 3


def test_a_file_with_mistakes_is_left_out_and_one_without_a_schedule_is_not_expected(three: Path) -> None:
    change(three / "lib00.yaml", "timezone:", "timezone: Chicago")
    change(three / "lib01.yaml", "schedule:", "schedule:")
    ran("lib02", datetime(2026, 11, 3, 12, tzinfo=UTC))
    found = coverage(NOW)
    assert found.sentence == "Expected 2, ran 1: lib00 did not (its settings need correction)."
    assert found.by_hand == ("lib01",)


def test_a_damaged_history_or_certificate_is_no_proof_of_a_run(three: Path) -> None:
    for code, name in (("lib00", "history.jsonl"), ("lib01", "certificate.json")):
        ran(code, datetime(2026, 11, 3, 12, tzinfo=UTC))
        (found,) = (three.parents[1] / "store" / code).rglob(name)
        found.write_bytes(b"no json")
    assert dict(coverage(NOW).left_out)["lib00"] == "its history can't be read"
    assert dict(coverage(NOW).left_out)["lib01"] == "its history can't be read"


def test_the_due_start_is_in_the_institution_s_zone(three: Path) -> None:
    institution = load_institution(three / "lib00.yaml")
    due = last_due_start(institution, datetime(2026, 4, 20, tzinfo=UTC))
    assert due == datetime(2026, 4, 2, 6, tzinfo=CHICAGO)
    assert due is not None
    assert due.utcoffset() == timedelta(hours=-5)


def test_the_task_fails_with_the_sentence_and_the_command_says_the_same(
    three: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = task_context(TaskStandIn("compare_with_schedules"))
    with pytest.raises(
        AirflowFailException, match=r"Expected 3, ran 0: lib00 did not .* Nothing was changed"
    ):
        CoverageOperator(task_id="compare_with_schedules").execute(context)
    assert main(["coverage"]) == 1
    assert "Expected 3, ran 0: lib00 did not" in capsys.readouterr().out
    now = datetime.now(UTC)
    for code in ("lib00", "lib01", "lib02"):
        ran(code, now)
    assert CoverageOperator(task_id="compare_with_schedules").execute(context) == "Expected 3, ran 3."
    change(three / "lib01.yaml", "schedule:", "schedule:")
    assert main(["coverage"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("Expected 2, ran 2.\nWithout a schedule, and so not expected: lib01.\n")


def test_the_weekly_dag_is_only_wiring() -> None:
    bag = DagBag(dag_folder=str(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "alma_purge_coverage.py"))
    assert bag.import_errors == {}
    dag = bag.dags["alma_purge_coverage"]
    assert [type(task) for task in dag.tasks] == [CoverageOperator]
    assert dag.is_paused_upon_creation
