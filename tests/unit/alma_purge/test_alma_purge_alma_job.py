import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from tests.support.config import own_config
from tests.support.task_context import MemoryStore, TaskStandIn, task_context
from tests.support.tenant import (
    advance,
    arm,
    calls,
    disarm,
    fine,
    ids_of,
    job_starts,
    payload,
    people,
    set_of,
    switch,
    talking,
)

from alma_api.client import AlmaClient
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.alma_job import AlmaJobOperator
from alma_purge.operators.base import WAITING_KEY, PurgeRun
from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.job_start import JobOrder
from alma_purge.triggers.alma_job import AlmaJobEndTrigger, AlmaJobLookUpTrigger, JobNews
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox

pytestmark = pytest.mark.usefixtures("airflow_database")

NAME = "regroup-demo-manual-0123456789abcdef"
FILE = "job.json"
START = "/conf/jobs/M148"


class MoveTwo(AlmaJobOperator):
    """Moves two people to the marker group, or nobody."""

    record_file = FILE

    def __init__(self, *, ids: tuple[str, ...], **more: Any) -> None:
        super().__init__(**more)
        self.ids = ids
        self.prepared = 0

    def job_id(self, run: PurgeRun, context: Context) -> str:
        del run, context
        return "M148"

    def prepare(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        del run, context
        self.prepared += 1
        if not self.ids:
            return None
        found = client.sets.find_by_name("two people")
        set_id = found.id if found else set_of(client, self.ids, "two people")
        return JobOrder("M148", NAME, set_id, payload("update_notify_users.json", set_id, NAME), fine)

    def require_leave(self, run: PurgeRun, context: Context) -> None:
        del run, context

    def finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        del run, context
        return f"finished {record.stage} {record.status}".strip()


def others(sandbox: RunningSandbox) -> None:
    """Start the job as another installation would."""
    with talking(sandbox) as client:
        set_id = set_of(client, ids_of(people(sandbox))[5:7], "of others")
        client.jobs.run("M148", payload("update_notify_users.json", set_id, "somebody else's"))


Act = Callable[[MoveTwo, Context], Any]


class Task:
    """One task over its tries: the task state store and the run folder stay, the rest is new each time."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.ids = ids
        self.store = MemoryStore()
        self.ti = TaskStandIn("regroup_users")

    def try_once(self, method: Act = MoveTwo.execute) -> MoveTwo:
        self.ti.xcoms.clear()
        operator = MoveTwo(task_id="regroup_users", ids=self.ids)
        method(operator, task_context(self.ti, self.store))
        return operator

    def deferred(self, method: Act = MoveTwo.execute) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as waiting:
            self.try_once(method)
        return waiting.value

    def stopped(self, method: Act = MoveTwo.execute) -> str:
        with pytest.raises(AirflowFailException) as stop:
            self.try_once(method)
        assert self.ti.said() == str(stop.value)
        return str(stop.value)


def news(kind: JobNews, reason: str = "") -> Act:
    return lambda task, context: task.job_news(context, {"news": kind.value, "reason": reason})


@pytest.fixture
def task(sandbox: RunningSandbox) -> Task:
    return Task(tuple(ids_of(people(sandbox, count=2))))


def record(folder: RunFolder) -> JobRecord:
    return read_job_record(folder, FILE)


def hours_until(deadline: str) -> float:
    return (datetime.fromisoformat(deadline) - datetime.now(UTC)) / timedelta(hours=1)


def test_a_job_is_started_waited_for_and_finished(
    sandbox: RunningSandbox, task: Task, folder: RunFolder
) -> None:
    waiting = task.deferred()
    assert isinstance(waiting.trigger, AlmaJobEndTrigger)
    assert waiting.method_name == "job_news"
    assert [waiting.trigger.instance_id] == job_starts(sandbox)
    assert 23.9 < hours_until(waiting.trigger.deadline) <= 24
    assert waiting.trigger.calls_per_second == 50
    task.try_once(news(JobNews.ENDED))
    assert task.ti.said("summary") == "finished ended_well COMPLETED_SUCCESS"
    assert record(folder).stage is JobStage.ENDED_WELL


def test_a_task_that_is_cleared_after_success_sends_nothing(sandbox: RunningSandbox, task: Task) -> None:
    task.deferred()
    task.try_once(news(JobNews.ENDED))
    sandbox.tenant.journal.clear()
    assert task.try_once().prepared == 0
    assert task.ti.said("summary") == "finished ended_well COMPLETED_SUCCESS"
    assert sandbox.tenant.journal.entries == []


def test_a_task_that_is_cleared_while_waiting_waits_for_the_same_job(
    sandbox: RunningSandbox, task: Task
) -> None:
    first, again = task.deferred(), task.deferred()
    assert first.trigger.serialize() == again.trigger.serialize(), "a restart extends no deadline"
    assert len(job_starts(sandbox)) == calls(sandbox, "POST", START) == 1


def test_a_job_that_another_execution_of_the_task_starts_during_the_check_is_waited_for(
    sandbox: RunningSandbox, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow runs a task twice when a scheduler dies and the process that it began lives on."""
    other = Task(task.ids)
    other.store = task.store
    preparing = MoveTwo.prepare

    def prepare(operator: MoveTwo, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        order = preparing(operator, run, context, client)
        monkeypatch.setattr(MoveTwo, "prepare", preparing)
        assert isinstance(other.deferred().trigger, AlmaJobEndTrigger)
        return order

    monkeypatch.setattr(MoveTwo, "prepare", prepare)
    waiting = task.deferred()
    assert isinstance(waiting.trigger, DateTimeTrigger)
    again = task.deferred(lambda operator, context: operator.waited(context, datetime.now(UTC)))
    assert isinstance(again.trigger, AlmaJobEndTrigger)
    assert [again.trigger.instance_id] == job_starts(sandbox)
    task.try_once(news(JobNews.ENDED))
    assert task.ti.said("summary") == "finished ended_well COMPLETED_SUCCESS"


@pytest.mark.parametrize("why", ["Trigger timeout", "Trigger failure"])
def test_a_wait_that_airflow_broke_off_is_told_and_the_next_try_waits_for_the_same_job(
    sandbox: RunningSandbox, task: Task, why: str
) -> None:
    waiting = task.deferred()
    assert waiting.timeout is not None
    assert waiting.timeout > timedelta(hours=24), "the trigger's own deadline comes first"

    def broken(operator: MoveTwo, context: Context) -> None:
        operator.resume_execution("__fail__", {"error": why}, context)

    with pytest.raises(AirflowException, match="goes on in Alma") as stop:
        task.try_once(broken)
    assert not isinstance(stop.value, AirflowFailException), "it is tried again"
    assert task.deferred().trigger.serialize() == waiting.trigger.serialize()
    assert calls(sandbox, "POST", START) == 1


def test_with_nobody_left_nothing_is_started(sandbox: RunningSandbox, folder: RunFolder) -> None:
    task = Task(())
    assert task.try_once().prepared == 1
    assert task.ti.said("summary") == "finished none"
    assert record(folder) == JobRecord()
    assert job_starts(sandbox) == []


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_after_an_unclear_answer_the_name_is_looked_up_for_a_quarter_of_an_hour(
    sandbox: RunningSandbox, task: Task, folder: RunFolder, kind: str
) -> None:
    arm(sandbox, kind, method="POST", path=START)
    waiting = task.deferred()
    assert isinstance(waiting.trigger, AlmaJobLookUpTrigger)
    assert 0.2 < hours_until(waiting.trigger.deadline) <= 0.25
    assert waiting.trigger.calls_per_second == 50
    assert JobRecord.model_validate_json(waiting.trigger.record) == record(folder)
    assert isinstance(task.deferred().trigger, AlmaJobLookUpTrigger)
    assert calls(sandbox, "POST", START) == 1


def test_a_job_that_is_found_is_adopted_and_waited_for(
    sandbox: RunningSandbox, task: Task, folder: RunFolder
) -> None:
    arm(sandbox, "reset_after", method="POST", path=START)
    task.deferred()
    waiting = task.deferred(news(JobNews.FOUND))
    assert isinstance(waiting.trigger, AlmaJobEndTrigger)
    assert [waiting.trigger.instance_id] == job_starts(sandbox) == [record(folder).instance_id]
    assert record(folder).adopted
    task.try_once(news(JobNews.ENDED))
    assert record(folder).stage is JobStage.ENDED_WELL
    assert calls(sandbox, "POST", START) == 1


def test_a_job_that_is_not_found_is_a_case_for_a_person(
    sandbox: RunningSandbox, task: Task, folder: RunFolder
) -> None:
    arm(sandbox, "reset_before", method="POST", path=START)
    task.deferred()
    said = task.stopped(news(JobNews.NOT_FOUND))
    for part in (
        NAME,
        "not known whether",
        "not sent again",
        "Monitor Jobs",
        "Was this job started?",
        "clear reconcile",
        "clear approve_purge",
        "a new run",
    ):
        assert part in said
    assert isinstance(task.deferred().trigger, AlmaJobLookUpTrigger), "a clear looks again"
    assert calls(sandbox, "POST", START) == 1
    assert record(folder).stage is JobStage.INTENDED


@pytest.mark.parametrize("status", ["COMPLETED_FAILED", "SYSTEM_ABORTED", "COMPLETED_NO_BULKS"])
def test_a_job_that_ended_badly_is_never_started_again(
    sandbox: RunningSandbox, task: Task, folder: RunFolder, status: str
) -> None:
    order_job(sandbox.control, Plan(job_id="M148", end_status=status))
    task.deferred()
    for said in (task.stopped(news(JobNews.ENDED)), task.stopped(), task.stopped()):
        assert re.search(rf"{NAME} ended with {status}(; [^.]+)?\. This run never starts it again", said), (
            said
        )
    assert record(folder).stage is JobStage.ENDED_BADLY
    assert calls(sandbox, "POST", START) == 1


@pytest.mark.parametrize(
    ("kind", "reason", "parts"),
    [
        (JobNews.DEADLINE, "", ("has not ended in 24 hours", "can't be cancelled", "clear approve_purge")),
        (
            JobNews.FAILED,
            "The key is refused.",
            ("The key is refused.", "clear approve_purge", "not started again"),
        ),
    ],
)
def test_bad_news_stops_with_a_sentence_and_a_clear_waits_on(
    sandbox: RunningSandbox, task: Task, kind: JobNews, reason: str, parts: tuple[str, ...]
) -> None:
    task.deferred()
    said = task.stopped(news(kind, reason))
    assert all(part in said for part in (NAME, *parts)), said
    assert isinstance(task.deferred().trigger, AlmaJobEndTrigger)
    assert calls(sandbox, "POST", START) == 1


def test_news_of_an_end_that_alma_does_not_confirm_is_no_end(sandbox: RunningSandbox, task: Task) -> None:
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    task.deferred()
    assert isinstance(task.deferred(news(JobNews.ENDED)).trigger, AlmaJobEndTrigger)


def test_a_full_queue_means_a_pause_without_a_worker_and_a_new_check(
    sandbox: RunningSandbox, task: Task, folder: RunFolder
) -> None:
    switch(sandbox, max_running_jobs=0)
    waiting = task.deferred()
    assert isinstance(waiting.trigger, DateTimeTrigger)
    assert waiting.method_name == "waited"
    assert record(folder).stage is JobStage.NONE
    switch(sandbox, max_running_jobs=3)
    prepared: list[MoveTwo] = []

    def go_on(operator: MoveTwo, context: Context) -> None:
        prepared.append(operator)
        operator.waited(context, datetime.now(UTC))

    assert isinstance(task.deferred(go_on).trigger, AlmaJobEndTrigger)
    assert prepared[0].prepared == 1
    assert len(job_starts(sandbox)) == 1


def test_a_daily_limit_is_waited_for_with_a_visible_reason(
    sandbox: RunningSandbox, task: Task, folder: RunFolder
) -> None:
    arm(sandbox, "429_day", method="POST", path=START)
    waiting = task.deferred()
    assert isinstance(waiting.trigger, DateTimeTrigger)
    assert "calls for today are used up" in task.ti.said(WAITING_KEY)
    assert record(folder).stage is JobStage.NONE
    assert job_starts(sandbox) == []
    disarm(sandbox)
    again = task.deferred(lambda operator, context: operator.waited(context, datetime.now(UTC)))
    assert isinstance(again.trigger, AlmaJobEndTrigger)
    assert len(job_starts(sandbox)) == 1


def test_a_refusal_of_the_start_is_final(sandbox: RunningSandbox, task: Task, folder: RunFolder) -> None:
    arm(sandbox, "refusal", method="POST", path=START, code="402231", message="Not by API.")
    assert "402231" in task.stopped()
    assert record(folder).stage is JobStage.NONE
    assert job_starts(sandbox) == []


def test_quiet_hours_are_waited_for_before_anybody_is_looked_at(
    sandbox: RunningSandbox, task: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "quiet", quiet_hours=["00:00-12:00", "12:00-00:00"])
    prepared: list[MoveTwo] = []

    def start(operator: MoveTwo, context: Context) -> None:
        prepared.append(operator)
        operator.execute(context)

    waiting = task.deferred(start)
    assert isinstance(waiting.trigger, DateTimeTrigger)
    assert waiting.trigger.moment > datetime.now(UTC)
    assert prepared[0].prepared == 0
    assert "These are quiet hours of Example College" in task.ti.said(WAITING_KEY)
    assert task.ti.said(WAITING_KEY).endswith((" CST.", " CDT.")), "in the library's own time"
    assert job_starts(sandbox) == []
    own_config(monkeypatch, tmp_path / "loud")
    assert isinstance(task.deferred().trigger, AlmaJobEndTrigger)


def test_a_job_of_the_same_kind_that_others_started_is_waited_for(
    sandbox: RunningSandbox, task: Task
) -> None:
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    others(sandbox)
    waiting = task.deferred()
    assert isinstance(waiting.trigger, DateTimeTrigger)
    assert "already runs a job of the same kind (M148, instance" in task.ti.said(WAITING_KEY)
    assert len(job_starts(sandbox)) == 1, "the other one"


def test_an_institution_may_want_to_stop_beside_a_job_of_the_same_kind(
    sandbox: RunningSandbox, task: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "stop", if_job_is_running="stop")
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    others(sandbox)
    assert "Find out on the Monitor Jobs page in Alma whose it is" in task.stopped()
    assert len(job_starts(sandbox)) == 1


def test_a_job_that_others_have_started_and_that_has_ended_is_no_reason_to_wait(
    sandbox: RunningSandbox, task: Task
) -> None:
    others(sandbox)
    advance(sandbox, 3600)
    assert isinstance(task.deferred().trigger, AlmaJobEndTrigger)


def test_killing_the_task_cancels_nothing(sandbox: RunningSandbox, task: Task) -> None:
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    waiting = task.deferred()
    sandbox.tenant.journal.clear()
    MoveTwo(task_id="regroup_users", ids=()).on_kill()
    asyncio.run(waiting.trigger.on_kill())
    assert sandbox.tenant.journal.entries == []
