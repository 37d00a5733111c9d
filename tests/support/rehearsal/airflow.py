"""What Airflow hands to a task and keeps for it, as far as the operators use it."""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow.sdk.bases.operator import BaseOperator
from tests.support.rehearsal.worker import Worker

SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED = "success", "failed", "skipped", "upstream_failed"
UP_FOR_RETRY, DEFERRED, AWAITING_INPUT, QUEUED = "up_for_retry", "deferred", "awaiting_input", "queued"
RUNNING = "running"
DONE = frozenset({SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED})
SKIP_KEY = "skipmixin_key"

Xcoms = dict[tuple[str, str], Any]


@dataclass(frozen=True, slots=True)
class Deferral:
    """A task that waits for a trigger, as the database keeps it.

    Attributes:
        trigger: Class path and arguments of the trigger.
        method: The method to go on with.
        kwargs: Arguments for it.
    """

    trigger: tuple[str, dict[str, Any]]
    method: str
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resumption:
    """How a task goes on that has waited."""

    method: str
    kwargs: dict[str, Any]


@dataclass
class TaskBox:
    """What Airflow's database knows about one task of a run.

    Attributes:
        task_id: The task.
        max_tries: The last try after which another one is still made.
        state: Airflow's state; None when the task is to be run.
        try_number: Number of the latest try.
        deferral: What the task waits for.
        resumption: How it goes on.
        error: What the exception of the latest failure said.
        died: Whether the latest try ended with the death of its worker.
        runs: How often the task was begun.
    """

    task_id: str
    max_tries: int
    state: str | None = None
    try_number: int = 0
    deferral: Deferral | None = None
    resumption: Resumption | None = None
    error: str = ""
    died: bool = False
    runs: int = 0

    @property
    def may_retry(self) -> bool:
        """Tell whether Airflow makes another try after a failure."""
        return self.max_tries != 0 and self.try_number <= self.max_tries


@dataclass
class RunBox:
    """What Airflow's database knows about the DAG run."""

    dag_id: str
    run_id: str
    conf: dict[str, Any]
    clear_number: int = 0
    triggering_user_name: str | None = "tess"
    run_type: str = "manual"
    logical_date: None = None


class WorkerAtHand(Protocol):
    """Tells which process is at work."""

    @property
    def worker(self) -> Worker:
        """Return it."""


class StateStore:
    """A task state store; it holds JSON values, and outlives tries and clears.

    Args:
        hand: Tells which process writes.
    """

    def __init__(self, hand: WorkerAtHand) -> None:
        self._hand = hand
        self.values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Store a value."""
        del retention
        with self._hand.worker.effect(f"store {key}"):
            self.values[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        """Remove a value."""
        with self._hand.worker.effect(f"unstore {key}"):
            self.values.pop(key, None)


@dataclass
class TaskInstance:
    """What a running task sees of itself."""

    task: BaseOperator
    hand: WorkerAtHand
    dag_run: RunBox
    box: TaskBox
    xcoms: Xcoms
    boxes: dict[str, TaskBox]
    id: str = "a task instance"
    map_index: int = -1
    log_url: str = "http://127.0.0.1:8080/"
    task_id: str = field(init=False)
    dag_id: str = field(init=False)
    run_id: str = field(init=False)
    try_number: int = field(init=False)
    max_tries: int = field(init=False)

    def __post_init__(self) -> None:
        self.task_id = self.box.task_id
        self.dag_id, self.run_id = self.dag_run.dag_id, self.dag_run.run_id
        self.try_number, self.max_tries = self.box.try_number, self.box.max_tries

    def xcom_push(self, key: str, value: Any) -> None:
        """Record a value."""
        with self.hand.worker.effect(f"xcom {key}"):
            self.xcoms[self.task_id, key] = value

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        """Return what a task has recorded."""
        return self.xcoms.get((task_ids, key))

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the states of the tasks of this run."""
        del dag_id
        states = {key: box.state for key, box in self.boxes.items()}
        return dict.fromkeys(run_ids, states)
