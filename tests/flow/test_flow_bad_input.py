"""Bad input through the real DAG: the right task stops with one sentence, and nothing in the tenant changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.config import own_config
from tests.support.flow import FlowResult, Question, connect, run_flow
from tests.support.tenant import changing_calls, whole_state, workbooks

from alma_sandbox.seeding.population import add_leftovers
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

pytestmark = [pytest.mark.whole_run, pytest.mark.usefixtures("airflow_database")]

BEFORE_THE_LIST = ("select_candidates", "check_live", "prepare_review", "approve_purge")
ACTING = ("regroup_users", "purge_users")
Spoil = Callable[[RunningSandbox, Path, pytest.MonkeyPatch], None]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningSandbox]:
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    with running_sandbox(users=250) as running:
        connect(monkeypatch, running)
        yield running


def nobody_answers(question: Question) -> None:
    raise AssertionError(f"an approval was asked for in try {question.try_number}")


def stops_of(run_id: str) -> dict[str, str]:
    """Return what each task of a run said when it stopped."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.scalars(select(XComModel).where(XComModel.run_id == run_id, XComModel.key == "stop"))
        return {row.task_id: str(XComModel.deserialize_value(row)) for row in rows}


def unknown_setting(_sandbox: RunningSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_config(monkeypatch, folder, aprovers=["olga"])


def unknown_report(_sandbox: RunningSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_config(monkeypatch, folder, report={"path": "/shared/Nowhere/Users with Purge Dates"})


def cut_file(sandbox: RunningSandbox, _folder: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks(sandbox, "truncate", book="fines")


def strict_guard(_sandbox: RunningSandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_config(monkeypatch, folder, guards={"max_count": 2, "max_percent_of_report": 100})


def leftovers(sandbox: RunningSandbox, _folder: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox.tenant.lock:
        add_leftovers(sandbox.tenant, 2)


CASES: dict[str, tuple[Spoil, str, tuple[str, ...]]] = {
    "unknown setting": (
        unknown_setting,
        "preflight",
        ("demo.yaml has 1 mistake(s)", "aprovers: there is no such setting", "Correct the file"),
    ),
    "leftovers": (
        leftovers,
        "preflight",
        ("2 people are still in the group OKTOPURGE", "restore_kept", "To go on, clear this task."),
    ),
    "unknown report": (
        unknown_report,
        "pull_report",
        ("/shared/Nowhere/Users with Purge Dates", "demo.yaml"),
    ),
    "cut file": (
        cut_file,
        "fetch_exclusions",
        ("Users with fines", "incomplete or damaged", "ask for a new one"),
    ),
    "guard": (
        strict_guard,
        "prepare_review",
        ("max_count", "outside the limits", "review page", "guard_overrides"),
    ),
}


def require_no_person_in(sandbox: RunningSandbox, text: str) -> None:
    for person in sandbox.tenant.users:
        assert person.primary_id not in text
        full = f"{person.first_name} {person.last_name}"
        assert full not in text
        assert f"{person.last_name}, {person.first_name}" not in text


def require_stopped_at(result: FlowResult, task_id: str) -> None:
    """Make sure that the task failed, that nothing after it acted, and that the run is not green."""
    assert result.state == "failed"
    assert result.tasks[task_id] == "failed"
    assert {result.tasks[one] for one in ACTING} == {"upstream_failed"}
    if task_id != "prepare_review":
        assert {result.tasks[one] for one in BEFORE_THE_LIST} == {"upstream_failed"}
    assert {result.tasks[one] for one in ("reconcile", "restore_kept", "certify")} == {"failed"}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_stops_the_right_task_with_a_sentence_and_changes_nothing(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    spoil, task_id, parts = CASES[case]
    spoil(sandbox, tmp_path / "config", monkeypatch)
    before = whole_state(sandbox)
    result = run_flow(answerer=nobody_answers)
    require_stopped_at(result, task_id)
    said = stops_of(result.run_id)[task_id]
    for part in parts:
        assert part in said
    assert "othing was changed" in said
    require_no_person_in(sandbox, said)
    assert whole_state(sandbox) == before
    assert changing_calls(sandbox) == []
    if case != "unknown setting":
        require_certified(sandbox, result, f"{task_id}: {said}")


def require_certified(sandbox: RunningSandbox, result: FlowResult, problem: str) -> None:
    """Make sure that the certificate names the one problem, and nobody."""
    certificate: Any = result.document("certificate.json")
    assert certificate["problems"] == [problem]
    assert (certificate["sent"], certificate["purged"]) == (0, 0)
    require_no_person_in(sandbox, result.folder.read("certificate.json").decode())
    require_no_person_in(sandbox, result.folder.read("certificate.html").decode())
