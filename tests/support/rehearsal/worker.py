"""The process that executes a task, and the ways in which it dies.

A worker that is killed does nothing any more: no call, no file, no record. Python can't stop a function without
running its `finally` blocks, so every way in which the code under test can change something is guarded, and is
shut once the worker is dead.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

START, END = "start", "end"


class WorkerDiedError(BaseException):
    """The process was killed: nothing after this happens."""


class Moment(StrEnum):
    """When a worker dies, seen from one effect."""

    BEFORE = "before"
    AFTER = "after"


Kill = Callable[["Effect", Moment], bool]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a worker does to the world outside.

    Attributes:
        task_id: The task.
        label: Such as `PUT /users/x?override=user_group`, `write regroup-job.json`, `store alma_job` or
            `xcom summary`; `start` and `end` stand for the borders of the execution.
        number: How many effects this worker had before.
    """

    task_id: str
    label: str
    number: int


@dataclass
class Worker:
    """One process.

    Attributes:
        task_id: The task that it executes; `triggerer` for the process that waits.
        kill: Decides before and after each effect whether the process dies there.
        effects: What it did so far.
    """

    task_id: str
    kill: Kill
    effects: list[Effect] = field(default_factory=list)
    alive: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def effect(self, label: str) -> Iterator[None]:
        """Guard one effect.

        Raises:
            WorkerDiedError: The process is dead, or dies here.
        """
        self._require_alive()
        with self._lock:
            effect = Effect(self.task_id, label, len(self.effects))
            self.effects.append(effect)
        self._die_if_told(effect, Moment.BEFORE)
        yield
        self._require_alive()
        self._die_if_told(effect, Moment.AFTER)

    def _die_if_told(self, effect: Effect, moment: Moment) -> None:
        if self.kill(effect, moment):
            self.alive = False
        self._require_alive()

    def _require_alive(self) -> None:
        if not self.alive:
            raise WorkerDiedError(self.task_id)
