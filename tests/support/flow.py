"""Runs the whole DAG in this process against a sandbox, and answers the approval through Airflow's REST API."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.support.connections import connections_to

from alma_sandbox.server import RunningSandbox

DAG_ID = "alma_user_purge_demo"
HITL_LIST = f"/api/v2/dags/{DAG_ID}/dagRuns/~/hitlDetails"


@dataclass(frozen=True)
class FormAnswer:
    """What a person does with the approval form."""

    option: str
    user: str = "olga"
    role: str = "user"
    form: Mapping[str, Any] = field(default_factory=dict)


Answerer = Callable[["Question"], FormAnswer | None]


@dataclass(frozen=True)
class Question:
    """An approval that waits for an answer."""

    run_id: str
    try_number: int
    review: Mapping[str, Any]


@dataclass
class FlowResult:
    """How a run ended."""

    run_id: str
    state: str
    tasks: dict[str, str]
    folder: Any

    def document(self, name: str) -> Any:
        """Read a JSON file of the run folder."""
        return json.loads(self.folder.read(name))


def approve(question: Question) -> FormAnswer:
    """Type the right count and code."""
    form = {"count": question.review["count"], "code": question.review["code"], "comment": "checked"}
    return FormAnswer("Approve", form=form)


def reject(_question: Question) -> FormAnswer:
    """Choose Reject, leaving the form empty."""
    return FormAnswer("Reject")


def connect(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    """Point the demo institution's connections at a sandbox."""
    for name, value in connections_to(sandbox, "demo").items():
        monkeypatch.setenv(name, value)


def run_flow(
    conf: Mapping[str, Any] | None = None,
    answerer: Answerer = approve,
    *,
    institution: Mapping[str, str] | None = None,
    mark_success: str | None = None,
) -> FlowResult:
    """Run the demo institution's DAG to its end.

    Args:
        conf: What the trigger form says.
        answerer: Decides what is answered to each approval; None leaves it unanswered.
        institution: Settings to put into the institution's file for this run.
        mark_success: A task that is marked success by hand instead of being run.
    """
    from airflow.dag_processing.dagbag import DagBag

    from alma_purge.run_folder import RunFolder

    with _settings(institution or {}):
        dag = DagBag(dag_folder=_dags_folder()).dags[DAG_ID]
        with _answering(answerer) as problems:
            run = dag.test(run_conf=dict(conf or {}), mark_success_pattern=mark_success)
    assert not problems, problems
    tasks = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    return FlowResult(run.run_id, str(run.state), tasks, RunFolder.of_run("demo", run.run_id))


def clear(result: FlowResult, *task_ids: str, after: bool = False) -> None:
    """Clear tasks of a run, as the button in Airflow does.

    Args:
        result: The run.
        task_ids: The tasks.
        after: Whether everything after them is cleared too.
    """
    body = {
        "dry_run": False,
        "dag_run_id": result.run_id,
        "task_ids": list(task_ids),
        "only_failed": False,
        "include_downstream": after,
    }
    response = _rest_client()("POST", f"/api/v2/dags/{DAG_ID}/clearTaskInstances", "adam", "admin", json=body)
    assert response.status_code == 200, response.text


def mark_success(result: FlowResult, task_id: str) -> None:
    """Mark a task of a run as success by hand."""
    url = f"/api/v2/dags/{DAG_ID}/dagRuns/{result.run_id}/taskInstances/{task_id}"
    response = _rest_client()("PATCH", url, "adam", "admin", json={"new_state": "success"})
    assert response.status_code == 200, response.text


def go_on(result: FlowResult, answerer: Answerer = approve) -> FlowResult:
    """Run a run, of which tasks were cleared, to its end again.

    Args:
        result: The run.
        answerer: Decides what is answered to each approval.
    """
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(dag_folder=_dags_folder()).dags[DAG_ID]
    with _answering(answerer) as problems:
        state, tasks = _run_to_the_end(dag, result.run_id)
    assert not problems, problems
    return FlowResult(result.run_id, state, tasks, result.folder)


def _run_to_the_end(dag: Any, run_id: str) -> tuple[str, dict[str, str]]:
    """Do for an existing run what `dag.test` does for a new one."""
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
        run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        run.state = DagRunState.RUNNING
        session.commit()
        while run.state == DagRunState.RUNNING:
            session.expire_all()
            ready, _ = run.update_state(session=session)
            for ti in ready:
                ti.try_number += 1
                ti.state = TaskInstanceState.SCHEDULED
            session.commit()
            scheduled = [one for one in run.get_task_instances(session=session) if one.state == "scheduled"]
            for ti in scheduled:
                _run_task(ti=ti, task=dag.task_dict[ti.task_id], run_triggerer=True)
            if not scheduled:
                time.sleep(0.2)
        tasks = {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)}
        return str(run.state), tasks


@contextmanager
def _settings(changed: Mapping[str, str]) -> Iterator[None]:
    """Change top-level settings of the demo institution's file as long as the block runs."""
    path = Path(os.environ["ALMA_PURGE_CONFIG"]) / "institutions" / "demo.yaml"
    original = path.read_text()
    kept = [line for line in original.splitlines() if line.partition(":")[0] not in changed]
    path.write_text("\n".join([*kept, *(f"{name}: {value}" for name, value in changed.items())]) + "\n")
    try:
        yield
    finally:
        path.write_text(original)


def _dags_folder() -> str:
    return os.environ["AIRFLOW__CORE__DAGS_FOLDER"]


@contextmanager
def _answering(answerer: Answerer) -> Iterator[list[str]]:
    """Answer approvals from a thread as long as the block runs."""
    stop = threading.Event()
    problems: list[str] = []
    thread = threading.Thread(target=_answer_until, args=(stop, answerer, problems), daemon=True)
    thread.start()
    try:
        yield problems
    finally:
        stop.set()
        thread.join()


def _answer_until(stop: threading.Event, answerer: Answerer, problems: list[str]) -> None:
    client = _rest_client()
    answered: set[tuple[str, int]] = set()
    while not stop.wait(0.2):
        listed = client("GET", HITL_LIST, "adam", "admin", params={"response_received": "false"})
        for detail in listed.json().get("hitl_details", []):
            ti = detail["task_instance"]
            key = (ti["dag_run_id"], ti["try_number"])
            if key in answered or ti["state"] != "awaiting_input":
                continue
            answered.add(key)
            _answer(client, answerer, ti, problems)


def _answer(client: Any, answerer: Answerer, ti: Mapping[str, Any], problems: list[str]) -> None:
    from alma_purge.run_folder import RunFolder

    review = json.loads(RunFolder.of_run("demo", ti["dag_run_id"]).read("review.json"))
    answer: FormAnswer | None
    try:
        answer = answerer(Question(ti["dag_run_id"], ti["try_number"], review))
    except AssertionError as error:
        problems.append(str(error))
        answer = FormAnswer("Reject")  # so that the run ends
    if answer is None:
        return
    response = respond(ti["dag_run_id"], answer, client)
    if response.status_code != 200:
        problems.append(f"{response.status_code}: {response.text}")


def respond(run_id: str, answer: FormAnswer, client: Any = None) -> Any:
    """Answer the approval of a run through Airflow's REST API, and return Airflow's response."""
    url = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/approve_purge/-1/hitlDetails"
    body = {"chosen_options": [answer.option], "params_input": dict(answer.form)}
    return (client or _rest_client())("PATCH", url, answer.user, answer.role, json=body)


def rest_call(method: str, url: str, user: str, role: str, **request: Any) -> Any:
    """Call Airflow's own web application, pages of plugins included, as a user."""
    return _rest_client()(method, url, user, role, **request)


@cache
def _rest_client() -> Any:
    """Return a function that calls Airflow's own REST application as a user."""
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    app = create_app(apps="core")
    http = TestClient(app)

    def call(method: str, url: str, user: str, role: str, **request: Any) -> Any:
        person = SimpleAuthManagerUser(username=user, role=role)
        token = app.state.auth_manager.generate_jwt(person)
        headers = {"Authorization": f"Bearer {token}"} | request.pop("headers", {})
        return http.request(method, url, headers=headers, **request)

    return call
