from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.task_context import MemoryStore
from tests.support.tenant import (
    advance,
    arm,
    calls,
    disarm,
    fine,
    job_starts,
    payload,
    people,
    set_of,
    switch,
    talking,
)

from alma_api.client import AlmaClient
from alma_api.errors import AlmaAuthError, AlmaDailyLimitError, AlmaError, AlmaRateError, AlmaRequestError
from alma_purge.documents import JobRecord, JobStage
from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_book import JobBook
from alma_purge.steps.job_start import (
    JobMustWaitError,
    JobOrder,
    JobStoppedError,
    adopt,
    ended,
    is_active,
    look_up,
    of_this_name,
    start_once,
)
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.groups import JOB_STATUSES
from alma_sandbox.state.job_run import JobRun

NAME = "regroup-demo-manual-0123456789abcdef"
WITHOUT_EFFECT = ["reset_before", "timeout_before", "500", "502_html", "503_general_error"]
WITH_EFFECT = ["reset_after", "timeout_after", "502_after", "truncated", "xml_instead"]
GOOD = {"COMPLETED_SUCCESS", "COMPLETED_WARNING"}
RUNNING = {"QUEUED", "PENDING", "INITIALIZING", "RUNNING", "FINALIZING"}


@pytest.fixture
def book(folder: RunFolder) -> JobBook:
    return JobBook(MemoryStore(), folder, "regroup-job.json", lambda _record: None)


@pytest.fixture
def order(client: AlmaClient, sandbox: RunningSandbox) -> JobOrder:
    set_id = set_of(client, [people(sandbox)[0].primary_id])
    return JobOrder("M148", NAME, set_id, payload("update_notify_users.json", set_id, NAME), fine)


@pytest.fixture
def hasty(sandbox: RunningSandbox) -> Iterator[AlmaClient]:
    """A client that waits only a moment for an answer."""
    with talking(sandbox, answer_seconds=1.0) as made:
        yield made


def add_runs(
    sandbox: RunningSandbox, count: int, *, name: str = "someone else's", days_ago: float = 0
) -> list[str]:
    """Put ended runs of the job into the tenant, as if other people had started them."""
    tenant = sandbox.tenant
    with tenant.lock:
        submitted = tenant.clock.now() - timedelta(days=days_ago)
        made = []
        for _ in range(count):
            run = JobRun(tenant.next_id(), "M148", name, submitted, {}, 0, "end")
            run.finish(submitted, "COMPLETED_SUCCESS")
            tenant.jobs.runs.append(run)
            made.append(run.instance_id)
    return made


def intent(minutes_ago: float = 0) -> JobRecord:
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return JobRecord(
        stage=JobStage.INTENDED, job_id="M148", job_name=NAME, set_id="1", attempt=1, intended_at=moment
    )


@pytest.mark.parametrize("kind", WITHOUT_EFFECT + WITH_EFFECT)
def test_after_an_unclear_answer_the_job_is_looked_up_and_never_sent_again(
    sandbox: RunningSandbox,
    client: AlmaClient,
    *,
    hasty: AlmaClient,
    book: JobBook,
    order: JobOrder,
    kind: str,
) -> None:
    arm(sandbox, kind, method="POST", path="/conf/jobs/M148", seconds=3)
    record = start_once(hasty, book, order)
    assert (record.stage, record.instance_id, record.attempt) == (JobStage.INTENDED, "", 1)
    assert book.holds(record)
    with pytest.raises(JobMustWaitError, match="has sent the job meanwhile"):
        start_once(client, book, order)
    found = look_up(client, record)
    assert ([found.id] if found else []) == job_starts(sandbox)
    assert len(job_starts(sandbox)) == (1 if kind in WITH_EFFECT else 0)
    assert calls(sandbox, "POST", "/conf/jobs/M148") == 1
    if found:
        adopted = adopt(book, record, found)
        assert (adopted.stage, adopted.adopted, adopted.name_echoed) == (JobStage.STARTED, True, True)
        assert book.holds(adopted)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "429_second", "times": 0}, AlmaRateError),
        ({"kind": "429_day"}, AlmaDailyLimitError),
        ({"kind": "402222"}, JobMustWaitError),
        ({"kind": "refusal", "code": "402223"}, JobMustWaitError),
        ({"kind": "refusal", "code": "60347"}, JobMustWaitError),
        ({"kind": "refusal", "code": "402228"}, AlmaRequestError),
    ],
)
def test_after_a_clear_refusal_the_job_may_be_sent_again_and_then_runs_once(
    sandbox: RunningSandbox,
    client: AlmaClient,
    *,
    book: JobBook,
    order: JobOrder,
    fault: dict[str, object],
    error: type[AlmaError],
) -> None:
    arm(sandbox, str(fault.pop("kind")), method="POST", path="/conf/jobs/M148", **fault)
    with pytest.raises(error):
        start_once(client, book, order)
    assert job_starts(sandbox) == []
    refused = book.read()
    assert (refused.stage, refused.attempt, refused.job_name) == (JobStage.NONE, 1, "")
    assert book.holds(refused)
    disarm(sandbox)
    record = start_once(client, book, order)
    assert (record.stage, record.attempt) == (JobStage.STARTED, 2)
    assert job_starts(sandbox) == [record.instance_id]


def test_one_refusal_for_haste_is_repeated_at_once(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    arm(sandbox, "429_second", method="POST", path="/conf/jobs/M148")
    record = start_once(client, book, order)
    assert record.stage is JobStage.STARTED
    assert job_starts(sandbox) == [record.instance_id]
    assert calls(sandbox, "POST", "/conf/jobs/M148") == 2


def test_a_key_that_may_not_start_jobs_starts_none(
    sandbox: RunningSandbox, book: JobBook, order: JobOrder
) -> None:
    with talking(sandbox, sandbox.read_key) as reader, pytest.raises(AlmaAuthError):
        start_once(reader, book, order)
    assert book.read().stage is JobStage.NONE
    assert job_starts(sandbox) == []


def test_a_full_job_queue_makes_the_start_wait(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    switch(sandbox, max_running_jobs=0)
    with pytest.raises(JobMustWaitError, match="no room for the job M148 right now"):
        start_once(client, book, order)
    assert job_starts(sandbox) == []


def test_the_name_is_found_among_many_runs_of_several_days(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    add_runs(sandbox, 160)
    (wanted,) = add_runs(sandbox, 1, name=NAME)
    add_runs(sandbox, 160)
    found = look_up(client, intent())
    assert found is not None
    assert found.id == wanted


@pytest.mark.parametrize("days_ago", [0.0, 1.0])
def test_a_run_dated_the_day_before_by_alma_is_found(
    sandbox: RunningSandbox, client: AlmaClient, days_ago: float
) -> None:
    (wanted,) = add_runs(sandbox, 1, name=NAME, days_ago=days_ago)
    found = look_up(client, intent())
    assert found is not None
    assert found.id == wanted


def test_two_runs_of_one_name_stop(sandbox: RunningSandbox, client: AlmaClient) -> None:
    add_runs(sandbox, 2, name=NAME)
    with pytest.raises(JobStoppedError, match=f"2 instances of the job {NAME}.*Monitor Jobs.*nothing more"):
        look_up(client, intent())


def test_two_runs_of_one_name_keep_nobody_from_being_put_back_when_both_have_ended(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    add_runs(sandbox, 2, name=NAME)
    assert not is_active(client, intent(), echo_proven=True)
    assert of_this_name(client, intent())
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    start_once(client, book, order)
    assert is_active(client, intent(), echo_proven=True), "one of the three still runs"


def test_a_name_that_alma_does_not_echo_is_not_found_and_nothing_is_guessed(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    switch(sandbox, job_name_echoed=False)
    arm(sandbox, "reset_after", method="POST", path="/conf/jobs/M148")
    record = start_once(client, book, order)
    assert len(job_starts(sandbox)) == 1
    assert look_up(client, record) is None
    assert is_active(client, record, echo_proven=True), (
        "the job may be running, so nobody may be restored yet"
    )


def test_a_late_entry_of_the_list_is_found_later(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    switch(sandbox, instance_list_lag_seconds=120)
    arm(sandbox, "reset_after", method="POST", path="/conf/jobs/M148")
    record = start_once(client, book, order)
    assert look_up(client, record) is None
    advance(sandbox, 121)
    found = look_up(client, record)
    assert found is not None
    assert [found.id] == job_starts(sandbox)


@pytest.mark.parametrize("status", sorted(set(JOB_STATUSES) - RUNNING))
def test_the_end_of_a_job_is_recorded_with_status_and_counters(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder, status: str
) -> None:
    order_job(sandbox.control, Plan(job_id="M148", end_status=status))
    record = start_once(client, book, order)
    finished = ended(book, record, client.jobs.instance("M148", record.instance_id))
    assert finished.stage is (JobStage.ENDED_WELL if status in GOOD else JobStage.ENDED_BADLY)
    assert (finished.status, finished.name_echoed) == (status, True)
    assert finished.ended_at is not None
    assert book.holds(finished)
    if status in GOOD:
        assert sum(one.value for one in finished.counters) > 0
    assert not is_active(client, finished, echo_proven=True)


def test_a_job_with_a_name_of_alma_s_own_is_recorded_as_not_echoed(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    switch(sandbox, job_name_echoed=False)
    record = start_once(client, book, order)
    finished = ended(book, record, client.jobs.instance("M148", record.instance_id))
    assert (finished.stage, finished.name_echoed) == (JobStage.ENDED_WELL, False)


def test_a_started_job_is_active_until_alma_says_that_it_has_ended(
    sandbox: RunningSandbox, client: AlmaClient, book: JobBook, order: JobOrder
) -> None:
    assert not is_active(client, JobRecord(), echo_proven=True)
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="RUNNING"))
    record = start_once(client, book, order)
    assert is_active(client, record, echo_proven=True)
    order_job(sandbox.control, Plan(instance_id=record.instance_id, end_status="SYSTEM_ABORTED"))
    assert not is_active(client, record, echo_proven=True)


def test_an_intended_job_counts_as_active_while_it_may_still_appear(
    sandbox: RunningSandbox, client: AlmaClient
) -> None:
    assert is_active(client, intent(minutes_ago=59), echo_proven=True)
    assert not is_active(client, intent(minutes_ago=61), echo_proven=True)
    order_job(sandbox.control, Plan(job_id="M148", stuck_in="QUEUED"))
    set_id = set_of(client, [people(sandbox)[0].primary_id])
    client.jobs.run("M148", payload("update_notify_users.json", set_id, NAME))
    assert is_active(client, intent(minutes_ago=61), echo_proven=True), "it is listed and runs"
