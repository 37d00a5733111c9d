"""Follow a run in the terminal: each change of a task once, with the counts the task reports."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.problems import DemoProblem
from demo.rest import AirflowClient, AirflowProblem, TaskState
from demo.screen import Screen

POLL_SECONDS = 0.5
QUIET_SECONDS = 20.0
SILENCE_SECONDS = 60.0
STUCK_SECONDS = 900.0
WAITING_FOR_PERSON = "awaiting_input"
ENDED = ("success", "failed")
WORDS = {
    "running": "working",
    "success": "done",
    "failed": "FAILED",
    "upstream_failed": "not started",
    "skipped": "left out",
    "up_for_retry": "will be tried again",
    "up_for_reschedule": "waiting",
    "deferred": "waiting for Alma",
    WAITING_FOR_PERSON: "waiting for a person",
}
ORDER = (
    "preflight", "fetch_exclusions", "pull_report", "select_candidates", "check_live", "prepare_review",
    "approve_purge", "regroup_users", "ready_to_purge", "purge_users", "reconcile", "restore_kept", "certify",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run in Airflow.

    Attributes:
        client: Airflow, logged in.
        dag_id: The DAG.
        run_id: The run.
    """

    client: AirflowClient
    dag_id: str
    run_id: str

    def xcom(self, task_id: str, key: str) -> object:
        """Return what a task of this run pushed under a key, None when it pushed nothing."""
        return self.client.xcom(self.dag_id, self.run_id, task_id, key)

    def tasks(self) -> list[TaskState]:
        """Return the run's tasks in the order in which they work."""
        return sorted(self.client.tasks(self.dag_id, self.run_id), key=_place)


def _place(task: TaskState) -> tuple[int, str, int]:
    place = ORDER.index(task.task_id) if task.task_id in ORDER else len(ORDER)
    return place, task.task_id, task.map_index


class Follower:
    """Prints what happens in a run until it ends.

    Args:
        run: The run.
        screen: Where to print.
        check_alive: Raises `DemoProblem` when Airflow or the tenant has ended.
        ask: Called once for each time a task begins to wait for a person.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        run: Run,
        screen: Screen,
        check_alive: Callable[[], None],
        ask: Callable[[TaskState], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._screen = screen
        self._check_alive = check_alive
        self._ask = ask
        self._clock = clock
        self._seen: set[tuple[str, int, int, str]] = set()
        self._last_change = self._last_line = self._last_answer = clock()

    def until_end(self) -> str:
        """Follow the run to its end.

        Returns:
            Airflow's word for how it ended: `success` or `failed`.

        Raises:
            DemoProblem: Airflow has ended or is silent for a minute, or nothing moves for 15 minutes.
        """
        while True:
            self._check_alive()
            try:
                # Asked first: a task that changes between the two calls is then still shown.
                state = self._run.client.run_state(self._run.dag_id, self._run.run_id)
                tasks = self._run.tasks()
                self._last_answer = self._clock()
            except AirflowProblem:
                if self._clock() - self._last_answer > SILENCE_SECONDS:
                    raise
            else:
                self._show_changes(tasks)
                if state in ENDED:
                    return state
                self._while_quiet(tasks)
            time.sleep(POLL_SECONDS)

    def _show_changes(self, tasks: list[TaskState]) -> None:
        for task in tasks:
            key = (task.task_id, task.map_index, task.try_number, task.state or "")
            if key in self._seen or task.state not in WORDS:
                continue
            self._seen.add(key)
            self._screen.task(task.task_id, WORDS[task.state], self._say(task))
            self._last_change = self._last_line = self._clock()
            if task.state == WAITING_FOR_PERSON:
                self._ask(task)

    def _say(self, task: TaskState) -> str:
        """Return what a task has to tell about its state."""
        if task.state == "success":
            return str(self._run.xcom(task.task_id, "summary") or "")
        if task.state in ("failed", "up_for_retry"):
            return (
                self._run.client.error_of(self._run.dag_id, self._run.run_id, task)
                or "see its log in Airflow"
            )
        return "an earlier step failed" if task.state == "upstream_failed" else ""

    def _while_quiet(self, tasks: list[TaskState]) -> None:
        now = self._clock()
        person = any(task.state == WAITING_FOR_PERSON for task in tasks)
        if not person and now - self._last_change > STUCK_SECONDS:
            raise DemoProblem(
                f"Nothing has moved for {STUCK_SECONDS / 60:.0f} minutes; the run was left as it is."
            )
        if now - self._last_line > (3 * QUIET_SECONDS if person else QUIET_SECONDS):
            busy = [task.task_id for task in tasks if task.state in WORDS and task.state not in _OVER]
            waiting = "your answer in the browser" if person else ", ".join(busy) or "the next step"
            self._screen.event(f"still waiting for {waiting}")
            self._last_line = now


_OVER = ("success", "failed", "upstream_failed", "skipped")
