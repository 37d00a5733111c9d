"""One run of the DAG, driven as Airflow's scheduler would drive it."""

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, cast

from airflow.sdk import Context, TriggerRule
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.bases.operator import BaseOperator
from tests.support.rehearsal.airflow import (
    AWAITING_INPUT,
    DEFERRED,
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    SKIP_KEY,
    SKIPPED,
    SUCCESS,
    UP_FOR_RETRY,
    UPSTREAM_FAILED,
    Resumption,
    RunBox,
    StateStore,
    TaskBox,
    TaskInstance,
    Xcoms,
)
from tests.support.rehearsal.answers import Answerer, Question, approve, event_of, rest_now
from tests.support.rehearsal.execution import End, StuckError, all_success, call, first_event
from tests.support.rehearsal.room import DAG_ID, Room
from tests.support.rehearsal.worker import END, START, Effect, Moment, Worker, WorkerDiedError

from alma_purge import files
from alma_purge.run_folder import RunFolder
from patron_purge.ledger import ids_in_state
from patron_purge.states import RowState

APPROVAL = "approve_purge"
TRIGGERER = "triggerer"
PAGE = "the review page"
_TRIGGERER_LIVES = 20
Step = Callable[["Run", str], None]
Killer = Callable[["Run", Effect, Moment], bool]


@dataclass(frozen=True, slots=True)
class Approval:
    """An answer that was accepted as an approval.

    Attributes:
        entries: How many entries the tenant's log had by then.
        people: Primary ids on the approved list.
    """

    entries: int
    people: frozenset[str]


MARKED_FAILED = "marked failed by hand"


class Run:
    """One DAG run.

    Attributes:
        boxes: What Airflow's database knows about each task.
        before_step: Called before each beginning and each resumption of a task, and before each wait, with the
            task's id; a test changes the world here.
        killer: Decides before and after each effect of a task whether its worker dies there.
        effects: What each execution did, in order.
        approvals: The answers that were accepted.
    """

    def __init__(
        self,
        room: Room,
        run_id: str = "manual__one",
        *,
        answerer: Answerer = approve,
        before_step: Step = lambda _run, _task_id: None,
        killer: Killer = lambda _run, _effect, _moment: False,
        **params: Any,
    ) -> None:
        self.room = room
        self.dag = room.dag
        self.answerer = answerer
        self.before_step = before_step
        self.killer = killer
        self.params = params
        self.dag_run = RunBox(DAG_ID, run_id, params)
        self.order: list[str] = [task.task_id for task in self.dag.topological_sort()]
        self.boxes = {one: TaskBox(one, self._retries(one)) for one in self.order}
        self.xcoms: Xcoms = {}
        self.stores = {one: StateStore(room) for one in self.order}
        self.effects: list[Effect] = []
        self.approvals: list[Approval] = []
        self.deaths = 0

    # -- what people do -------------------------------------------------------------------------------------

    def go(self, until: str = "") -> "Run":
        """Let the scheduler work until nothing is left to do.

        Args:
            until: A task before whose next step it stops.
        """
        for _ in range(400):
            ready = next((one for one in self.order if self._is_ready(one)), None)
            if ready is None or ready == until:
                return self
            self._step(self.boxes[ready])
        raise StuckError(f"the run goes on and on: {self.states}")

    def step_once(self, task_id: str) -> "Run":
        """Let one task make its next step only."""
        assert self._is_ready(task_id), self.states
        self._step(self.boxes[task_id])
        return self

    def clear(self, *task_ids: str, after: bool = False) -> "Run":
        """Clear tasks, as the button in Airflow does.

        Args:
            task_ids: The tasks.
            after: Whether everything after them is cleared too.
        """
        chosen = set(task_ids)
        if after:
            for one in task_ids:
                chosen |= self._task(one).get_flat_relative_ids(upstream=False)
        for one in chosen:
            box = self.boxes[one]
            box.max_tries = box.try_number + self._retries(one)
            box.state, box.deferral, box.resumption = None, None, None
        self.dag_run.clear_number += 1
        return self

    def mark_success(self, task_id: str) -> "Run":
        """Mark a task as success by hand."""
        box = self.boxes[task_id]
        box.state, box.deferral, box.resumption = SUCCESS, None, None
        return self

    def mark_failed(self, task_id: str) -> "Run":
        """Mark a task as failed by hand; a process that works for it lives on for a few seconds."""
        box = self.boxes[task_id]
        box.state, box.deferral, box.resumption, box.error = FAILED, None, None, MARKED_FAILED
        return self

    # -- what a test looks at -------------------------------------------------------------------------------

    @property
    def states(self) -> dict[str, str | None]:
        """Airflow's state of every task."""
        return {key: box.state for key, box in self.boxes.items()}

    @property
    def state(self) -> str:
        """Airflow's state of the run: the leaf decides."""
        return FAILED if self.boxes[self.order[-1]].state in {FAILED, UPSTREAM_FAILED} else SUCCESS

    @property
    def folder(self) -> RunFolder:
        """The run folder."""
        return RunFolder.of_run("demo", self.dag_run.run_id)

    def document(self, name: str) -> Any:
        """Read a JSON file of the run folder."""
        return json.loads(self.folder.read(name))

    def failures(self) -> dict[str, TaskBox]:
        """Return the tasks that failed by themselves, not only after another one."""
        return {
            key: box
            for key, box in self.boxes.items()
            if box.state == FAILED
            and box.error != MARKED_FAILED
            and not self.xcoms.get((key, "failed_after_another"))
        }

    def said(self, task_id: str) -> str:
        """Return the sentence of a failed task."""
        return self.boxes[task_id].error

    # -- the scheduler --------------------------------------------------------------------------------------

    def _task(self, task_id: str) -> BaseOperator:
        return cast("BaseOperator", self.dag.get_task(task_id))

    def _retries(self, task_id: str) -> int:
        return self._task(task_id).retries or 0

    def _is_ready(self, task_id: str) -> bool:
        """Tell whether a task's next step can be made; applies its trigger rule."""
        box = self.boxes[task_id]
        if box.state is None:
            self._apply_rule(box)
        waiting = {UP_FOR_RETRY, DEFERRED, AWAITING_INPUT, QUEUED}
        return box.state in waiting

    def _apply_rule(self, box: TaskBox) -> None:
        task = self._task(box.task_id)
        parents = [self.boxes[one] for one in sorted(task.upstream_task_ids)]
        states = [one.state for one in parents]
        if self._was_skipped(box.task_id, parents):
            box.state = SKIPPED
        elif task.trigger_rule == TriggerRule.ALL_DONE:
            box.state = QUEUED if all(one in DONE for one in states) else None
        else:
            assert task.trigger_rule == TriggerRule.ALL_SUCCESS, task.trigger_rule
            box.state = all_success(states)

    def _was_skipped(self, task_id: str, parents: Iterable[TaskBox]) -> bool:
        """Tell whether a parent that decides about its children has skipped this task."""
        return any(
            parent.state in DONE
            and task_id in (self.xcoms.get((parent.task_id, SKIP_KEY)) or {}).get("skipped", ())
            for parent in parents
        )

    def _step(self, box: TaskBox) -> None:
        self.before_step(self, box.task_id)
        if box.state == UP_FOR_RETRY:
            self.room.clock.advance(self._task(box.task_id).retry_delay)
            box.state = QUEUED
        if box.state == DEFERRED:
            self._wait_for_trigger(box)
        elif box.state == AWAITING_INPUT:
            self._wait_for_answer(box)
        elif box.state == QUEUED:
            self._execute(box)

    def _execute(self, box: TaskBox) -> None:
        """Begin a task, or let it go on."""
        resumption, box.resumption = box.resumption, None
        box.died, box.state = False, RUNNING
        if resumption is None:
            box.try_number += 1
            box.runs += 1
            for key in [key for key in self.xcoms if key[0] == box.task_id]:
                del self.xcoms[key]
        task = copy.copy(self._task(box.task_id))
        self.room.worker = Worker(box.task_id, self._kill)
        try:
            with self.room.worker.effect(START):
                pass
            end = call(task, self._context(task, box), resumption)
            self._note_end(box, end)
            with self.room.worker.effect(END):
                pass
        except WorkerDiedError:
            self.deaths += 1
            box.died, box.error = True, "the worker died"
            self._fail(box, retry=True)
        finally:
            self.effects += self.room.worker.effects
        if box.task_id == APPROVAL and box.state == SUCCESS:
            self._note_approval()

    def _note_end(self, box: TaskBox, end: End) -> None:
        if box.state != RUNNING:  # somebody has marked it meanwhile, and Airflow leaves it so
            return
        for one in end.skips:
            self.boxes[one].state = SKIPPED
        box.state, box.deferral, box.error = end.state, end.deferral, end.error or box.error
        if end.state == FAILED:
            self._fail(box, retry=end.may_retry)

    def _fail(self, box: TaskBox, *, retry: bool) -> None:
        box.deferral = None
        box.state = UP_FOR_RETRY if retry and box.may_retry else FAILED

    def _wait_for_trigger(self, box: TaskBox) -> None:
        """Let the triggerer run the trigger to its event; when it dies, another one begins anew."""
        assert box.deferral is not None
        for _ in range(_TRIGGERER_LIVES):
            path, kwargs = box.deferral.trigger
            trigger = import_string(path)(**kwargs)
            self.room.worker = Worker(TRIGGERER, self._kill)
            try:
                event = first_event(trigger, self.room.clock)
            except WorkerDiedError:
                self.deaths += 1
                continue
            finally:
                self.effects += self.room.worker.effects
            method, given = box.deferral.method, box.deferral.kwargs
            box.resumption = Resumption(method, {**given, "event": event.payload})
            box.state, box.deferral = QUEUED, None
            return
        raise StuckError("the triggerer dies again and again")

    def _wait_for_answer(self, box: TaskBox) -> None:
        """Let a person answer, or let the deadline pass."""
        assert box.deferral is not None
        asked = self.room.questions[-1]
        # What the review page writes, it writes in a process of its own, whatever has died before.
        self.room.worker = Worker(PAGE, lambda _effect, _moment: False)
        reply = self.answerer(Question(box.try_number, self.document(files.REVIEW), asked))
        timeout = box.deferral.trigger[1]["timeout"]
        if reply is None:
            self.room.clock.advance(timeout + timedelta(seconds=1))
        moment = self.room.clock.now(UTC)
        given = box.deferral.kwargs
        box.resumption = Resumption(box.deferral.method, {**given, "event": event_of(reply, asked, moment)})
        box.state, box.deferral = QUEUED, None

    def _note_approval(self) -> None:
        """Remember who was approved, when the answer was one."""
        if self.document(files.DECISION)["state"] != "approved":
            return
        ledger = rest_now(self.folder, "").ledger
        entries = len(self.room.sandbox.tenant.journal.entries)
        self.approvals.append(Approval(entries, frozenset(ids_in_state(ledger, RowState.TO_PURGE))))

    def _kill(self, effect: Effect, moment: Moment) -> bool:
        return self.killer(self, effect, moment)

    def _context(self, task: BaseOperator, box: TaskBox) -> Context:
        # A task sees its run as it was when it began; what is cleared later it has to ask for.
        dag_run = copy.copy(self.dag_run)
        ti = TaskInstance(task, self.room, dag_run, box, self.xcoms, self.boxes)
        given = {
            "ti": ti,
            "task_instance": ti,
            "task": task,
            "dag": self.dag,
            "dag_run": dag_run,
            "run_id": self.dag_run.run_id,
            "params": {"mode": None, "guard_overrides": {}, **self.params},
            "task_state_store": self.stores[box.task_id],
        }
        return cast("Context", given)
