"""A stand-in for what Airflow hands to a task, to call one operator without a whole DAG run."""

from dataclasses import dataclass, field
from typing import Any, cast

from airflow.sdk import Context

from alma_purge.operators.base import PurgeRun, open_run


class MemoryStore:
    """A task state store in memory; like Airflow's, it holds JSON values."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        del retention
        self.values[key] = value


@dataclass
class RunStandIn:
    """The part of a DAG run that the operators use."""

    clear_number: int = 0
    triggering_user_name: str | None = None


@dataclass
class TaskStandIn:
    """The part of a task instance that the operators use."""

    task_id: str
    dag_id: str = "alma_user_purge_demo"
    run_id: str = "manual__test"
    try_number: int = 1
    max_tries: int = 10
    map_index: int = -1
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    dag_run: RunStandIn = field(default_factory=RunStandIn)
    under_way: set[str] = field(default_factory=set)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[self.task_id, key] = value

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        return self.xcoms.get((task_ids, key))

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        del dag_id
        states = {"approve_purge": "success"} | self.states | {self.task_id: "running"}
        return dict.fromkeys(run_ids, states)

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        assert states == ["queued", "running"]
        assert dag_id == "alma_user_purge_demo"
        return len(self.under_way & set(run_ids))

    def said(self, key: str = "stop") -> Any:
        """Return what this task pushed."""
        return self.xcoms.get((self.task_id, key))


def task_context(ti: TaskStandIn, store: MemoryStore | None = None, **params: Any) -> Context:
    """Return a context for one task.

    Args:
        ti: The task instance.
        store: The task state store.
        params: What the trigger form says.
    """
    chosen = {"mode": None, "guard_overrides": {}, **params}
    given = {
        "ti": ti,
        "params": chosen,
        "task_state_store": store or MemoryStore(),
        "dag_run": ti.dag_run,
    }
    return cast("Context", given)


def purge_run(task_id: str = "preflight", **params: Any) -> PurgeRun:
    """Open a run of the demo institution as a task would."""
    return open_run(task_context(TaskStandIn(task_id), **params))
