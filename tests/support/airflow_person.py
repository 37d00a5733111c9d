"""Somebody who sits at Airflow's pages: triggers runs, answers approvals, clears what is red, looks into Alma."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alma_purge.operators.base import STOP_KEY, TROUBLE_KEY
from demo.approve import REVIEW_ROUTE, SETTLE_SECONDS, Review
from demo.follow import ENDED, WAITING_FOR_PERSON, Run
from demo.rest import CALL_SECONDS, AirflowClient, AirflowProblem, TaskState
from patron_purge.answers import Choice

PAGES = REVIEW_ROUTE.removesuffix("/api/review")
POLL_SECONDS = 0.3
STUCK_SECONDS = 240.0
BELIEVED_AFTER = 2  # a sentence that was read so often is believed
OVER = ("success", "failed", "upstream_failed", "skipped")


class PersonClient(AirflowClient):
    """Asks one Airflow, and does what a person does there."""

    def clear(self, dag_id: str, run_id: str, task_ids: Sequence[str], *, after: bool = False) -> None:
        """Clear tasks of a run.

        Args:
            dag_id: The DAG.
            run_id: The run.
            task_ids: The tasks.
            after: Whether everything after them is cleared too.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "only_failed": False,
            "reset_dag_runs": True,
            "include_downstream": after,
        }
        self._call("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", body=body)

    def say_that_jobs_never_ran(self, dag_id: str, run_id: str, ran: Callable[[str], bool]) -> None:
        """Fill in the review page's forms about jobs whose start was unclear.

        Args:
            dag_id: The DAG.
            run_id: The run.
            ran: Tells whether a job of this name is on Alma's Monitor Jobs page; about such a job nothing is said.
        """
        query = {"dag_id": dag_id, "run_id": run_id}
        page = self._send("GET", f"{PAGES}/review", query=query).text
        for form in re.findall(r'action="looked\?.*?</form>', page, re.DOTALL):
            fields = dict(re.findall(r'name="(token|expected|attempt)" value="([^"]*)"', form))
            if ran(fields["expected"]):
                continue
            answer = self._session.post(
                f"{self.url}{PAGES}/looked",
                params=query,
                data={**fields, "typed": fields["expected"], "seen": "missing"},
                headers={"Origin": self.url},
                timeout=CALL_SECONDS,
            )
            assert answer.ok, answer.text


@dataclass
class Watch:
    """Follows one run to its end, answering and clearing as a person would.

    Attributes:
        run: The run.
        answer: Whether the approval is answered; otherwise it is left waiting.
        rejects: Whether the answer is a reject.
        clears: How often the person is ready to clear a red task.
        ran: Tells whether a job of this name is on Alma's Monitor Jobs page.
        seen: Every task and state that was seen, in order.
        sentences: What the red tasks said, by task, the last one last.
    """

    run: Run
    answer: bool = True
    rejects: bool = False
    clears: int = 4
    ran: Callable[[str], bool] = lambda _name: True
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    sentences: list[tuple[str, str]] = field(default_factory=list)
    _waiting_since: dict[int, float] = field(default_factory=dict)
    _answered: set[int] = field(default_factory=set)

    def until(
        self, reached: Callable[["Watch", list[TaskState]], bool], seconds: float = STUCK_SECONDS
    ) -> str:
        """Follow the run until something is reached or the run has ended for good.

        Args:
            reached: Tells whether to stop looking, from the tasks as they are now.
            seconds: After how long without any change a run counts as stuck.

        Returns:
            Airflow's word for the state of the run.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                tasks = self.run.tasks()
                if self._note(tasks):
                    deadline = time.monotonic() + seconds
                over = all(task.state in OVER for task in tasks)
                state = self.run.client.run_state(self.run.dag_id, self.run.run_id) if over else "running"
                if reached(self, tasks):
                    return state
                if state in ENDED and not self._clear_the_red(state, tasks):
                    return state
                self._answer(tasks)
            except AirflowProblem as problem:
                if time.monotonic() > deadline:
                    raise AssertionError(f"Airflow does not answer: {problem}") from problem
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.run.run_id} is stuck; what was seen: {self.seen[-25:]}")
            time.sleep(POLL_SECONDS)

    def until_end(self, seconds: float = STUCK_SECONDS) -> str:
        """Follow the run to its end."""
        return self.until(lambda _watch, _tasks: False, seconds)

    def _note(self, tasks: list[TaskState]) -> bool:
        """Remember what was not seen before; tell whether there was anything."""
        now = {(task.task_id, task.state or "none", task.try_number) for task in tasks}
        new = sorted(now - set(self.seen))
        self.seen += new
        return bool(new)

    def _answer(self, tasks: list[TaskState]) -> None:
        """Answer every question once; Airflow fails a task that is answered the moment it begins to wait."""
        for task in tasks:
            if task.state != WAITING_FOR_PERSON or not self.answer:
                continue
            since = self._waiting_since.setdefault(task.try_number, time.monotonic())
            if task.try_number in self._answered or time.monotonic() - since < SETTLE_SECONDS:
                continue
            client, dag_id, run_id = self.run.client, self.run.dag_id, self.run.run_id
            review = Review.model_validate(client.review(REVIEW_ROUTE, dag_id, run_id))
            form: dict[str, object] = {"count": review.count, "code": review.code, "comment": ""}
            choice = Choice.REJECT if self.rejects else Choice.APPROVE
            client.answer(dag_id, run_id, task.task_id, choice.value, form)
            self._answered.add(task.try_number)

    def _said(self, task: TaskState) -> str:
        """Return the sentence of a red task; of one that had no time for a sentence, its last error."""
        keys = (STOP_KEY, TROUBLE_KEY)
        said = next((one for one in (self.run.xcom(task.task_id, key) for key in keys) if one), None)
        return str(said or self.run.client.error_of(self.run.dag_id, self.run.run_id, task) or "")

    def _clear_the_red(self, state: str, tasks: list[TaskState]) -> bool:
        """Clear the first red task and what follows, as its sentence says; tell whether there was one."""
        red = [task for task in tasks if task.state == "failed"]
        if state != "failed" or not red:
            return False
        first = red[0]
        self.sentences.append((first.task_id, self._said(first)))
        if not self.clears or self.sentences.count(self.sentences[-1]) > BELIEVED_AFTER:
            return False
        self.clears -= 1
        client = self.run.client
        assert isinstance(client, PersonClient)
        client.say_that_jobs_never_ran(self.run.dag_id, self.run.run_id, self.ran)
        client.clear(self.run.dag_id, self.run.run_id, [first.task_id], after=True)
        return True
