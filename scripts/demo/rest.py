"""A small client of Airflow's REST API: what a rehearsal asks, and nothing else."""

from typing import Any

import requests
from pydantic import BaseModel, ConfigDict, ValidationError

from demo.problems import DemoProblem

CALL_SECONDS = 30
TASK_LIMIT = 200


class AirflowProblem(DemoProblem):
    """Airflow did not answer, or refused."""


class TaskState(BaseModel):
    """One task of a run.

    Attributes:
        task_id: The task.
        map_index: Index of a mapped task, -1 when it isn't one.
        state: Airflow's word for the state, None before the task is looked at.
        try_number: Which try this is, from 1; 0 before the first.
        id: Airflow's own id of this try.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    task_id: str
    map_index: int = -1
    state: str | None = None
    try_number: int = 0


class Question(BaseModel):
    """What a waiting task asks a person.

    Attributes:
        subject: The question.
        params: Form fields by name, with their settings.
        chosen_options: The answer, None before there is one.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    params: dict[str, Any] = {}
    chosen_options: list[str] | None = None


class AirflowClient:
    """Asks one Airflow.

    Args:
        url: Address of Airflow, without a trailing slash.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def log_in(self, user: str, password: str) -> None:
        """Make all further calls as this user."""
        answer = self._call("POST", "/auth/token", body={"username": user, "password": password})
        self._session.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def unhealthy_parts(self) -> list[str]:
        """Return the parts of Airflow that don't work yet."""
        health = self._call("GET", "/api/v2/monitor/health")
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return [
            part.replace("_", " ") for part in parts if (health.get(part) or {}).get("status") != "healthy"
        ]

    def knows(self, dag_id: str) -> bool:
        """Tell whether the DAG was loaded."""
        return self._get_or_none(f"/api/v2/dags/{dag_id}") is not None

    def import_errors(self) -> list[str]:
        """Return for each DAG file that can't be loaded its name and the last line of the reason."""
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{item['filename']}: {item['stack_trace'].strip().splitlines()[-1]}" for item in errors]

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs start."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", body={"is_paused": False})

    def trigger(self, dag_id: str, run_id: str) -> None:
        """Start a run by hand."""
        body: dict[str, Any] = {"dag_run_id": run_id, "logical_date": None, "conf": {}}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body=body)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return Airflow's word for the state of a run."""
        return str(self._call("GET", _run(dag_id, run_id))["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return all tasks of a run."""
        answer = self._call("GET", f"{_run(dag_id, run_id)}/taskInstances", query={"limit": str(TASK_LIMIT)})
        try:
            return [TaskState.model_validate(item) for item in answer["task_instances"]]
        except (KeyError, ValidationError) as error:
            raise AirflowProblem("Airflow's list of tasks can't be understood.") from error

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> object:
        """Return what a task pushed under this key, None when it pushed nothing."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/{key}"
        answer = self._get_or_none(path)
        return None if answer is None else answer["value"]

    def question(self, dag_id: str, run_id: str, task_id: str) -> Question:
        """Return what a waiting task asks."""
        return Question.model_validate(self._call("GET", _question(dag_id, run_id, task_id)))

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, fields: dict[str, object]) -> None:
        """Answer a waiting task as the logged-in user.

        Args:
            dag_id: The DAG.
            run_id: The run.
            task_id: The waiting task.
            option: The chosen option.
            fields: Every form field with its value.
        """
        body = {"chosen_options": [option], "params_input": fields}
        self._call("PATCH", _question(dag_id, run_id, task_id), body=body)

    def error_of(self, dag_id: str, run_id: str, task: TaskState) -> str | None:
        """Return the text of the last error in a task's log, None when there is none.

        Airflow writes an error with everything that led to it: the task's own comes first, its cause after it.
        """
        path = f"{_run(dag_id, run_id)}/taskInstances/{task.task_id}/logs/{max(task.try_number, 1)}"
        answer = self._get_or_none(path, query={"map_index": str(task.map_index)})
        if answer is None:
            return None
        chains = [
            entry["error_detail"]
            for entry in answer.get("content", [])
            if isinstance(entry, dict) and entry.get("error_detail")
        ]
        return str(chains[-1][0].get("exc_value") or chains[-1][0].get("exc_type")) if chains else None

    def review(self, path: str, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return the review page's data for a run.

        Args:
            path: Route of the review data, starting with a slash.
            dag_id: The DAG.
            run_id: The run.
        """
        return self._call("GET", path, query={"dag_id": dag_id, "run_id": run_id})

    def _get_or_none(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any] | None:
        response = self._send("GET", path, query=query)
        return None if response.status_code == requests.codes.not_found else _content(response, path)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        return _content(self._send(method, path, body=body, query=query), path)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self.url + path,
                json=body,
                params=query,
                timeout=CALL_SECONDS,
                headers={"Accept": "application/json"},
            )
        except requests.RequestException as error:
            raise AirflowProblem(
                f"Airflow does not answer at {self.url} ({type(error).__name__})."
            ) from error


def _content(response: requests.Response, path: str) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if not response.ok:
        reason = content.get("detail") if isinstance(content, dict) else None
        raise AirflowProblem(f"Airflow refused {path}: {response.status_code} {reason or response.reason}.")
    if not isinstance(content, dict):
        raise AirflowProblem(f"Airflow's answer to {path} can't be understood.")
    return content


def _run(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"


def _question(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run(dag_id, run_id)}/taskInstances/{task_id}/-1/hitlDetails"
