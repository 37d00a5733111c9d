import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.tenant import advance, arm, calls, changing_calls, payload, people, set_of, switch

from alma_api.client import AlmaClient
from alma_api.transport import Timing
from alma_purge.documents import JobRecord, JobStage
from alma_purge.hooks.alma import AlmaHook
from alma_purge.triggers import alma_job
from alma_purge.triggers.alma_job import AlmaJobEndTrigger, AlmaJobLookUpTrigger, JobNews
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.groups import JOB_STATUSES

pytestmark = pytest.mark.usefixtures("airflow_database")

NAME = "regroup-demo-manual-0123456789abcdef"
INSTANCES = "/conf/jobs/M148/instances"
Waiter = AlmaJobEndTrigger | AlmaJobLookUpTrigger
Asks = list[JobNews | None]


@pytest.fixture(autouse=True)
def impatient_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hook's client fail at the first failed call, so that the trigger's own patience is seen."""
    connecting = AlmaHook.get_conn

    def get_conn(self: AlmaHook) -> AlmaClient:
        connecting(self)
        connection = self.get_connection(self.alma_conn_id)
        timing = Timing(sleep=lambda _seconds: None)
        return AlmaClient(connection.host or "", connection.password or "", attempts=1, timing=timing)

    monkeypatch.setattr(AlmaHook, "get_conn", get_conn)


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Asks:
    """What each answered question brought."""
    answers: Asks = []
    for kind in (AlmaJobEndTrigger, AlmaJobLookUpTrigger):

        def ask(self: Any, client: AlmaClient, asking: Callable[..., Any] = kind.ask) -> JobNews | None:
            answers.append(asking(self, client))
            return answers[-1]

        monkeypatch.setattr(kind, "ask", ask)
    return answers


def run(trigger: Waiter) -> dict[str, Any]:
    """Let a trigger run in an event loop of its own and return its one event."""

    async def first() -> Any:
        events = [event async for event in trigger.run()]
        assert len(events) == 1
        return events[0].payload

    news: dict[str, Any] = asyncio.run(asyncio.wait_for(first(), 60))
    return news


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def start(sandbox: RunningSandbox, client: AlmaClient, **plan: Any) -> str:
    """Start the regroup job with a plan for its end; return the instance."""
    order_job(sandbox.control, Plan(job_id="M148", **plan))
    set_id = set_of(client, [people(sandbox)[0].primary_id])
    instance = client.jobs.run("M148", payload("update_notify_users.json", set_id, NAME)).instance_id
    sandbox.tenant.journal.clear()
    return instance


def end_trigger(instance: str, *, hours: float = 1, connection: str = "alma_demo") -> AlmaJobEndTrigger:
    return AlmaJobEndTrigger(connection, 0.01, in_hours(hours), "M148", instance)


def look_up_trigger(*, hours: float = 1) -> AlmaJobLookUpTrigger:
    record = JobRecord(
        stage=JobStage.INTENDED, job_id="M148", job_name=NAME, attempt=1, intended_at=datetime.now(UTC)
    )
    return AlmaJobLookUpTrigger("alma_demo", 0.01, in_hours(hours), record.model_dump_json())


@pytest.mark.parametrize(
    "status", ["COMPLETED_SUCCESS", "COMPLETED_WARNING", "COMPLETED_FAILED", "USER_ABORTED"]
)
def test_the_end_of_a_job_is_news_however_it_ended(
    sandbox: RunningSandbox, client: AlmaClient, status: str
) -> None:
    instance = start(sandbox, client, end_status=status)
    assert run(end_trigger(instance)) == {"news": "ended", "reason": ""}
    assert changing_calls(sandbox) == []


def after_asks(trigger: Waiter, asks: Asks, count: int, act: Callable[[], Any]) -> str:
    """Let a trigger run; after so many answered questions without news, let something happen in Alma."""

    async def scene() -> str:
        waiting = asyncio.ensure_future(anext(aiter(trigger.run())))
        while len(asks) < count and not waiting.done():
            await asyncio.sleep(0.01)
        assert not waiting.done(), "it had news too early"
        act()
        return str((await waiting).payload["news"])

    return asyncio.run(asyncio.wait_for(scene(), 60))


def test_a_running_job_is_asked_about_until_it_ends(
    sandbox: RunningSandbox, client: AlmaClient, asks: Asks
) -> None:
    instance = start(sandbox, client, stuck_in="RUNNING")
    end = Plan(instance_id=instance, end_status="COMPLETED_SUCCESS")
    assert after_asks(end_trigger(instance), asks, 3, lambda: order_job(sandbox.control, end)) == "ended"
    assert set(asks[:-1]) == {None}


def test_a_status_nobody_knows_is_no_end(
    sandbox: RunningSandbox, client: AlmaClient, asks: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JOB_STATUSES, "MARINATING", "Marinating")
    instance = start(sandbox, client, end_status="MARINATING")
    assert client.jobs.instance("M148", instance).status_text == "MARINATING"
    assert run(end_trigger(instance, hours=-1))["news"] == "deadline"
    assert asks == [None]


def test_the_deadline_is_absolute_and_the_job_is_asked_once_more(
    sandbox: RunningSandbox, client: AlmaClient, asks: Asks
) -> None:
    instance = start(sandbox, client, stuck_in="QUEUED")
    assert run(end_trigger(instance, hours=-1)) == {"news": "deadline", "reason": ""}
    assert asks == [None]
    order_job(sandbox.control, Plan(instance_id=instance, end_status="COMPLETED_SUCCESS"))
    assert run(end_trigger(instance, hours=-1))["news"] == "ended"


@pytest.mark.parametrize("kind", ["500", "502_html", "429_second", "429_day", "reset_before", "truncated"])
def test_a_few_failing_questions_are_borne(sandbox: RunningSandbox, client: AlmaClient, kind: str) -> None:
    instance = start(sandbox, client)
    arm(sandbox, kind, method="GET", path=INSTANCES, times=alma_job.MAX_FAILURES_IN_A_ROW - 1)
    assert run(end_trigger(instance))["news"] == "ended"
    assert calls(sandbox, "GET", INSTANCES) == alma_job.MAX_FAILURES_IN_A_ROW


def test_only_failures_in_a_row_count(
    sandbox: RunningSandbox, client: AlmaClient, monkeypatch: pytest.MonkeyPatch, asks: Asks
) -> None:
    monkeypatch.setattr(alma_job, "MAX_FAILURES_IN_A_ROW", 2)
    instance = start(sandbox, client, stuck_in="RUNNING")
    for nth in (1, 3, 5):
        arm(sandbox, "500", method="GET", path=INSTANCES, nth=nth)
    end = Plan(instance_id=instance, end_status="COMPLETED_SUCCESS")
    assert after_asks(end_trigger(instance), asks, 4, lambda: order_job(sandbox.control, end)) == "ended"


def test_an_outage_of_two_hours_is_borne() -> None:
    waiter = end_trigger("1")
    waiter.poll_seconds = 30
    pauses = [waiter.pause_after(failures) for failures in range(alma_job.MAX_FAILURES_IN_A_ROW)]
    assert pauses[:3] == [30, 60, 120]
    assert max(pauses) == 600
    assert sum(pauses[1:]) > 2 * 3600


def test_a_lasting_outage_is_reported_with_its_reason(sandbox: RunningSandbox, client: AlmaClient) -> None:
    instance = start(sandbox, client)
    arm(sandbox, "500", method="GET", path=INSTANCES, times=0)
    said = run(end_trigger(instance))
    assert said["news"] == "failed"
    assert "Could not read a run of a job" in said["reason"]
    assert calls(sandbox, "GET", INSTANCES) == alma_job.MAX_FAILURES_IN_A_ROW


def test_a_refused_key_is_reported_at_once(
    sandbox: RunningSandbox, client: AlmaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = start(sandbox, client)
    wrong = {"conn_type": "alma", "host": sandbox.base_url, "password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_ALMA_DEMO", json.dumps(wrong))
    said = run(end_trigger(instance))
    assert said["news"] == "failed"
    assert "API key" in said["reason"]
    assert "wrong" not in said["reason"]
    assert calls(sandbox, "GET", INSTANCES) == 1


def test_an_instance_that_alma_does_not_know_is_reported_at_once(sandbox: RunningSandbox) -> None:
    said = run(end_trigger("12345"))
    assert said["news"] == "failed"
    assert "402218" in said["reason"]


def test_a_missing_connection_is_reported_with_its_name(sandbox: RunningSandbox) -> None:
    said = run(end_trigger("12345", connection="alma_elsewhere"))
    assert said["news"] == "failed"
    assert "connection alma_elsewhere is missing" in said["reason"]


def test_an_intended_job_is_found_by_its_name(sandbox: RunningSandbox, client: AlmaClient) -> None:
    start(sandbox, client)
    assert run(look_up_trigger()) == {"news": "found", "reason": ""}
    assert changing_calls(sandbox) == []


def test_a_late_entry_is_waited_for(sandbox: RunningSandbox, client: AlmaClient, asks: Asks) -> None:
    switch(sandbox, instance_list_lag_seconds=600)
    start(sandbox, client)
    assert after_asks(look_up_trigger(), asks, 2, lambda: advance(sandbox, 601)) == "found"


def test_a_job_that_never_appears_is_not_found(sandbox: RunningSandbox, asks: Asks) -> None:
    assert run(look_up_trigger(hours=-1)) == {"news": "not_found", "reason": ""}
    assert asks == [None]


def test_two_jobs_of_one_name_are_reported(sandbox: RunningSandbox, client: AlmaClient) -> None:
    start(sandbox, client)
    set_id = set_of(client, [people(sandbox)[1].primary_id], "another set")
    client.jobs.run("M148", payload("update_notify_users.json", set_id, NAME))
    said = run(look_up_trigger())
    assert said["news"] == "failed"
    assert f"2 instances of the job {NAME}" in said["reason"]


@pytest.mark.parametrize("pace", [None, 3.0])
def test_a_trigger_keeps_the_institution_s_pace(
    sandbox: RunningSandbox, client: AlmaClient, monkeypatch: pytest.MonkeyPatch, pace: float | None
) -> None:
    paces: list[float | None] = []
    connecting = AlmaHook.get_conn

    def get_conn(self: AlmaHook) -> AlmaClient:
        paces.append(self.calls_per_second)
        return connecting(self)

    monkeypatch.setattr(AlmaHook, "get_conn", get_conn)
    given = AlmaJobEndTrigger("alma_demo", 0.01, in_hours(1), "M148", start(sandbox, client))
    _path, fields = given.serialize()
    if pace is None:
        del fields["calls_per_second"]  # as a trigger of an older version was stored
    else:
        fields["calls_per_second"] = pace
    assert run(AlmaJobEndTrigger(**fields))["news"] == "ended"
    assert paces == [pace]


@pytest.mark.parametrize("trigger", [end_trigger("77"), look_up_trigger()])
def test_a_trigger_survives_a_restart_and_never_carries_the_key(
    sandbox: RunningSandbox, trigger: Waiter
) -> None:
    path, fields = trigger.serialize()
    assert path == f"{type(trigger).__module__}.{type(trigger).__qualname__}"
    again = type(trigger)(**json.loads(json.dumps(fields)))
    assert again.serialize() == (path, fields)
    assert sandbox.key not in json.dumps(fields)
    assert sandbox.base_url not in json.dumps(fields)
