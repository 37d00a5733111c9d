"""The approval: a person answers in the browser, or the demo operator answers through Airflow's REST API."""

import time
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from demo.follow import Run
from demo.problems import DemoProblem
from demo.rest import TaskState
from demo.screen import Screen

REVIEW_TASK = "prepare_review"
REVIEW_ROUTE = "/alma-purge/api/review"
# Airflow 3.3 fails a task that is answered within about a third of a second after it began to wait.
SETTLE_SECONDS = 2.5


class Answer(StrEnum):
    """The two answers."""

    APPROVE = "Approve"
    REJECT = "Reject"


class Review(BaseModel):
    """What the review page shows of the list.

    Attributes:
        count: How many people are to be purged.
        code: The eight letters that stand for exactly this list.
    """

    model_config = ConfigDict(frozen=True)

    count: int
    code: str


class Approver(Protocol):
    """Whoever deals with the question."""

    def __call__(self, task: TaskState) -> None:
        """Deal with a task that has begun to wait."""


class Person:
    """Shows the person where to answer, and with which login.

    Args:
        run: The run.
        screen: Where to print.
        user: The demo operator's user name.
        password: The demo operator's password.
    """

    def __init__(self, run: Run, screen: Screen, user: str, password: str) -> None:
        self._run = run
        self._screen = screen
        self._user = user
        self._password = password

    def __call__(self, task: TaskState) -> None:
        """Print the link and the login; the second time only that the answer was not taken."""
        page = f"{self._run.client.url}/dags/{self._run.dag_id}/runs/{self._run.run_id}"
        link = f"{page}/tasks/{task.task_id}/required_actions?map_index=-1"
        if task.try_number > 1:
            self._screen.event(
                "The answer was not accepted; the review page says why. The same page asks again:"
            )
            self._screen.facts([("open", link)])
            return
        self._screen.line()
        self._screen.line("The run waits for you now. Nothing has been changed in Alma so far.")
        self._screen.facts([("open", link), ("user", self._user), ("password", self._password)])
        self._screen.line("That page links to the review: the list, the count and the code.")
        self._screen.line(
            "To approve, type the count and the code, then press Approve. To reject, press Reject."
        )
        self._screen.line()


class Operator:
    """Answers through the REST API as the demo operator, with what a person would read and type.

    Args:
        run: The run.
        screen: Where to print.
        answer: The answer to give.
    """

    def __init__(self, run: Run, screen: Screen, answer: Answer) -> None:
        self._run = run
        self._screen = screen
        self._answer = answer

    def __call__(self, task: TaskState) -> None:
        """Answer once.

        Raises:
            DemoProblem: The answer was refused, or what the person should type is not to be had.
        """
        if task.try_number > 1:
            raise DemoProblem("The answer was not accepted and the run asks again; the task's log says why.")
        time.sleep(SETTLE_SECONDS)
        client, dag_id, run_id = self._run.client, self._run.dag_id, self._run.run_id
        fields: dict[str, object] = dict.fromkeys(client.question(dag_id, run_id, task.task_id).params)
        if "comment" in fields:
            fields["comment"] = f"make demo APPROVE={'yes' if self._answer is Answer.APPROVE else 'no'}"
        if self._answer is Answer.APPROVE:
            review = self.read_review()
            fields |= {"count": review.count, "code": review.code}
        client.answer(dag_id, run_id, task.task_id, self._answer.value, fields)
        typed = f" with count {fields['count']} and code {fields['code']}" if fields.get("code") else ""
        self._screen.event(f"Answered as the demo operator: {self._answer.value}{typed}")

    def read_review(self) -> Review:
        """Read count and code from the review page, and hold the count against the task's own.

        Returns:
            What a person would type.

        Raises:
            DemoProblem: The page shows something else than the task counted.
        """
        try:
            shown = Review.model_validate(
                self._run.client.review(REVIEW_ROUTE, self._run.dag_id, self._run.run_id)
            )
        except ValidationError as error:
            raise DemoProblem("The review page's data can't be understood; nothing was answered.") from error
        pushed = self._run.xcom(REVIEW_TASK, "review")
        counted = pushed.get("count") if isinstance(pushed, dict) else None
        if counted != shown.count:
            raise DemoProblem(
                f"The review page shows {shown.count} people and {REVIEW_TASK} counted {counted}; "
                "nothing was answered."
            )
        return shown
