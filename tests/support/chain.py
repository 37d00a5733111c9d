"""Runs the operators one after the other without Airflow, as a quick way to a reviewed and approved list."""

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskDeferred
from tests.support.task_context import MemoryStore, TaskStandIn, task_context

from alma_purge import files
from alma_purge.operators.base import PurgeOperator, PurgeRun, open_run, publish
from alma_purge.operators.check_live import CheckLiveOperator
from alma_purge.operators.fetch_exclusions import FetchExclusionsOperator
from alma_purge.operators.preflight import PreflightOperator
from alma_purge.operators.prepare_review import PrepareReviewOperator
from alma_purge.operators.pull_report import PullReportOperator
from alma_purge.operators.purge_users import PurgeUsersOperator
from alma_purge.operators.regroup_users import RegroupUsersOperator
from alma_purge.operators.select_candidates import SelectCandidatesOperator
from alma_purge.triggers.alma_job import JobNews
from patron_purge.answers import Answer, Choice, judge_answer, record_answer
from patron_purge.decision import Person, Question, ask
from patron_purge.digest import approval_code
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.states import RowState

TO_THE_REVIEW: dict[str, type[PurgeOperator]] = {
    "preflight": PreflightOperator,
    "fetch_exclusions": FetchExclusionsOperator,
    "pull_report": PullReportOperator,
    "select_candidates": SelectCandidatesOperator,
    "check_live": CheckLiveOperator,
    "prepare_review": PrepareReviewOperator,
}
ACTING: dict[str, type[RegroupUsersOperator | PurgeUsersOperator]] = {
    "regroup_users": RegroupUsersOperator,
    "purge_users": PurgeUsersOperator,
}


class Chain:
    """One run of the demo institution.

    Args:
        params: What the trigger form says.
    """

    def __init__(self, **params: Any) -> None:
        self.params = params
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.stores: dict[str, MemoryStore] = {}

    def context(self, task_id: str) -> Context:
        ti = TaskStandIn(task_id, xcoms=self.xcoms)
        return task_context(ti, self.stores.setdefault(task_id, MemoryStore()), **self.params)

    def open(self, task_id: str = "preflight") -> PurgeRun:
        return open_run(self.context(task_id))

    def to_review(self) -> Review:
        """Run every task up to the review."""
        for task_id, operator in TO_THE_REVIEW.items():
            operator(task_id=task_id).execute(self.context(task_id))
        return self.review()

    def review(self) -> Review:
        return Review.model_validate_json(self.open().folder.read(files.REVIEW))

    def approved(self) -> list[str]:
        """Return the primary ids on the list."""
        ledger = read_ledger_csv(self.open().folder.read(files.LEDGER_REVIEWED))
        return list(ids_in_state(ledger, RowState.TO_PURGE))

    def approve(self, choice: Choice = Choice.APPROVE) -> None:
        """Answer as the sensor would record it."""
        context, run, review = self.context("approve_purge"), self.open(), self.review()
        question = Question(
            institution=run.institution.code,
            institution_code=review.institution_code,
            environment=review.environment,
            run_id=run.run_id,
            try_number=1,
            digest=review.digest,
            count=review.count,
            approval_hours=run.institution.approval_hours,
        )
        asked = ask(question, datetime.now(UTC), None)
        answer = Answer(
            try_number=1,
            choice=choice,
            person=Person(id="olga", name="Olga"),
            answered_at=datetime.now(UTC),
            clear_number=0,
            count=str(review.count),
            code=approval_code(review.digest),
            comment="",
        )
        decision = record_answer(asked, answer, judge_answer(asked, answer, run.institution.approvers))
        publish(context, run, files.DECISION, decision.model_dump_json(indent=1).encode())

    def start(self, task_id: str) -> None:
        """Run an acting task until it waits for its job."""
        with pytest.raises(TaskDeferred):
            ACTING[task_id](task_id=task_id).execute(self.context(task_id))

    def finish(self, task_id: str) -> None:
        """Resume an acting task after its job has ended."""
        event = {"news": JobNews.ENDED.value, "reason": ""}
        ACTING[task_id](task_id=task_id).job_news(self.context(task_id), event)

    def said(self, task_id: str, key: str = "stop") -> Any:
        return self.xcoms.get((task_id, key))
