"""Runs the operators one after the other without Airflow, as a quick way to a reviewed and approved list."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from tests.support.task_context import MemoryStore, RunStandIn, TaskStandIn, task_context

from alma_purge import files
from alma_purge.operators.base import PurgeOperator, PurgeRun, open_run, publish
from alma_purge.operators.certify import CertifyOperator
from alma_purge.operators.check_live import CheckLiveOperator
from alma_purge.operators.fetch_exclusions import FetchExclusionsOperator
from alma_purge.operators.preflight import PreflightOperator
from alma_purge.operators.prepare_review import PrepareReviewOperator
from alma_purge.operators.pull_report import PullReportOperator
from alma_purge.operators.purge_users import PurgeUsersOperator
from alma_purge.operators.reconcile import ReconcileOperator
from alma_purge.operators.regroup_users import RegroupUsersOperator
from alma_purge.operators.restore_kept import RestoreKeptOperator
from alma_purge.operators.select_candidates import SelectCandidatesOperator
from alma_purge.steps.taken_off import seal, taken_off_so_far
from alma_purge.triggers.alma_job import JobNews
from patron_purge.answers import Answer, Choice, Terms, judge_answer, record_answer
from patron_purge.decision import Person, Question, ask
from patron_purge.digest import approval_code
from patron_purge.ledger import ids_in_state, read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.states import RowState
from patron_purge.taken_off import TakenOff, rest_of

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
ACCOUNTING: dict[str, type[PurgeOperator]] = {
    "reconcile": ReconcileOperator,
    "restore_kept": RestoreKeptOperator,
    "certify": CertifyOperator,
}


class Chain:
    """One run of the demo institution.

    Args:
        run_id: Id of the run.
        params: What the trigger form says.
    """

    def __init__(self, run_id: str = "manual__test", **params: Any) -> None:
        self.run_id = run_id
        self.params = params
        self.states: dict[str, str] = {}
        self.clear_number = 0
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.stores: dict[str, MemoryStore] = {}

    def context(self, task_id: str) -> Context:
        run = RunStandIn(self.clear_number)
        ti = TaskStandIn(task_id, run_id=self.run_id, xcoms=self.xcoms, states=self.states, dag_run=run)
        return task_context(ti, self.stores.setdefault(task_id, MemoryStore()), **self.params)

    def open(self, task_id: str = "preflight") -> PurgeRun:
        return open_run(self.context(task_id))

    def to_review(self) -> Review:
        """Run every task up to the review."""
        for task_id, operator in TO_THE_REVIEW.items():
            operator(task_id=task_id).execute(self.context(task_id))
        return self.review()

    def stop_at_review(self) -> str:
        """Run every task up to the review, which must be stopped, and return what it said."""
        for task_id in tuple(TO_THE_REVIEW)[:-1]:
            TO_THE_REVIEW[task_id](task_id=task_id).execute(self.context(task_id))
        return self.stop("prepare_review")

    def review(self) -> Review:
        return Review.model_validate_json(self.open().folder.read(files.REVIEW))

    def approved(self) -> list[str]:
        """Return the primary ids on the list, without whoever was taken off."""
        folder = self.open().folder
        ledger = read_ledger_csv(folder.read(files.LEDGER_REVIEWED))
        return list(ids_in_state(rest_of(ledger, "", taken_off_so_far(folder)).ledger, RowState.TO_PURGE))

    def take_off(self, *primary_ids: str) -> None:
        """Take people off the list, as the review page would record it."""
        for primary_id in primary_ids:
            entry = TakenOff(
                primary_id=primary_id,
                by=Person(id="olga", name="Olga"),
                at=datetime.now(UTC),
                reason="asked to stay",
            )
            self.open().folder.append(files.TAKEN_OFF_ENTRY, entry.to_bytes())

    def approve(self, choice: Choice = Choice.APPROVE) -> None:
        """Answer as the sensor would record it."""
        context, run, review = self.context("approve_purge"), self.open(), self.review()
        rest, taken_off = seal(context, run, review)
        question = Question(
            institution=run.institution.code,
            institution_code=review.institution_code,
            environment=review.environment,
            run_id=run.run_id,
            try_number=1,
            digest=rest.digest,
            count=rest.count,
            reviewed_digest=review.digest,
            taken_off_sha256=taken_off,
            approval_hours=run.institution.approval_hours,
        )
        asked = ask(question, datetime.now(UTC), None)
        answer = Answer(
            try_number=1,
            choice=choice,
            person=Person(id="olga", name="Olga"),
            answered_at=datetime.now(UTC),
            clear_number=0,
            count=str(rest.count),
            code=approval_code(rest.digest),
            comment="",
        )
        terms = Terms(approvers=run.institution.approvers)
        decision = record_answer(asked, answer, judge_answer(asked, answer, terms))
        publish(context, run, files.DECISION, decision.model_dump_json(indent=1).encode())

    def start(self, task_id: str) -> None:
        """Run an acting task until it waits for its job."""
        with pytest.raises(TaskDeferred):
            ACTING[task_id](task_id=task_id).execute(self.context(task_id))

    def finish(self, task_id: str) -> None:
        """Resume an acting task after its job has ended."""
        event = {"news": JobNews.ENDED.value, "reason": ""}
        ACTING[task_id](task_id=task_id).job_news(self.context(task_id), event)

    def moved(self) -> None:
        """Go on until the approved people are in the marker group."""
        self.start("regroup_users")
        self.finish("regroup_users")

    def purged(self) -> None:
        """Go on until the purge job has ended."""
        self.moved()
        self.start("purge_users")
        self.finish("purge_users")

    def stop(self, task_id: str) -> str:
        """Run a task that must fail, and return what it said.

        Like Airflow, forget what an earlier try of the task has recorded.
        """
        self._forget(task_id)
        task = (TO_THE_REVIEW | ACTING | ACCOUNTING)[task_id](task_id=task_id)
        with pytest.raises(AirflowException) as stopped:
            task.execute(self.context(task_id))
        assert not isinstance(stopped.value, TaskDeferred), f"{task_id} waits for a job"
        self.states[task_id] = "failed"
        return str(stopped.value)

    def clear(self, task_id: str) -> None:
        """Clear an acting task whose job has ended, and run it again."""
        self.clear_number += 1
        self._forget(task_id)
        ACTING[task_id](task_id=task_id).execute(self.context(task_id))

    def account(self, *task_ids: str) -> None:
        """Run tasks that come after the purge (all of them when none is named); they must be green."""
        for task_id in task_ids or tuple(ACCOUNTING):
            self._forget(task_id)
            ACCOUNTING[task_id](task_id=task_id).execute(self.context(task_id))
            self.states[task_id] = "success"

    def document(self, name: str) -> Any:
        """Read a JSON file of the run folder."""
        return json.loads(self.open().folder.read(name))

    def _forget(self, task_id: str) -> None:
        for key in [key for key in self.xcoms if key[0] == task_id]:
            del self.xcoms[key]

    def said(self, task_id: str, key: str = "stop") -> Any:
        return self.xcoms.get((task_id, key))
