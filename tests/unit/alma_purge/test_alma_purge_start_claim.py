import threading
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.task_context import MemoryStore
from tests.support.tenant import fine, ids_of, job_starts, payload, people, set_of

from alma_api.client import AlmaClient
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import MustWaitError
from alma_purge.run_folder import RunFolder
from alma_purge.steps import start_claim
from alma_purge.steps.job_book import JobBook, read_job_record
from alma_purge.steps.job_start import JobMustWaitError, JobOrder, start_once
from alma_purge.steps.start_claim import claim_start
from alma_sandbox.server import RunningSandbox
from patron_purge.errors import RunFileError

FILE = "purge-job.json"
NAME = "regroup-demo-manual-0123456789abcdef"


class SlowStore(MemoryStore):
    """A store whose readers wait until all of them have read, as two executions that pass each other do."""

    def __init__(self, readers: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(readers)
        self.waits = True

    def get(self, key: str, default: object = None) -> object:
        value = super().get(key, default)
        if self.waits:
            self.barrier.wait(timeout=20)
            self.waits = False
        return value


@pytest.fixture
def order(client: AlmaClient, sandbox: RunningSandbox) -> JobOrder:
    set_id = set_of(client, ids_of(people(sandbox))[:1])
    return JobOrder("M148", NAME, set_id, payload("update_notify_users.json", set_id, NAME), fine)


def book(folder: RunFolder, store: MemoryStore) -> JobBook:
    return JobBook(store, folder, FILE, lambda _record: None)


def test_only_one_of_many_executions_gets_the_claim(folder: RunFolder) -> None:
    barrier = threading.Barrier(8)
    got: list[str] = []

    def one() -> None:
        barrier.wait(timeout=20)
        try:
            claim_start(folder, FILE, 1)
            got.append("claim")
        except MustWaitError:
            got.append("must wait")

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["claim", *["must wait"] * 7]


def test_two_executions_that_pass_each_other_start_one_job(
    folder: RunFolder, client: AlmaClient, sandbox: RunningSandbox, order: JobOrder
) -> None:
    store = SlowStore(2)
    said: list[str] = []

    def one() -> None:
        try:
            said.append(start_once(client, book(folder, store), order).stage)
        except (MustWaitError, RunFileError) as error:
            said.append(type(error).__name__)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(job_starts(sandbox)) == 1
    assert JobStage.STARTED in said
    assert len(said) == 2


def test_a_new_attempt_needs_a_new_claim(folder: RunFolder) -> None:
    claim_start(folder, FILE, 1)
    assert claim_start(folder, FILE, 2).is_good()
    assert claim_start(folder, "regroup-job.json", 1).is_good()


def test_a_claim_that_led_to_nothing_is_over_after_a_quarter_of_an_hour(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = claim_start(folder, FILE, 1)
    with pytest.raises(MustWaitError, match="Another execution of this task") as waiting:
        claim_start(folder, FILE, 1)
    assert waiting.value.until == first.made_at + timedelta(minutes=15)
    monkeypatch.setattr(start_claim, "OVER_AFTER", timedelta(0))
    assert claim_start(folder, FILE, 1).is_good()


def test_whoever_is_late_with_the_claim_sends_nothing(
    folder: RunFolder,
    client: AlmaClient,
    sandbox: RunningSandbox,
    order: JobOrder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_claim, "MUST_SEND_WITHIN", timedelta(0))
    with pytest.raises(JobMustWaitError, match="took too long and was not sent"):
        start_once(client, book(folder, MemoryStore()), order)
    assert job_starts(sandbox) == []
    assert read_job_record(folder, FILE) == JobRecord()


def test_whoever_is_late_after_storing_the_intent_looks_the_job_up(
    folder: RunFolder, client: AlmaClient, sandbox: RunningSandbox, order: JobOrder
) -> None:
    class Late(MemoryStore):
        def set(self, key: str, value: object, *, retention: object = None) -> None:
            super().set(key, value, retention=retention)
            start_claim.MUST_SEND_WITHIN = timedelta(0)

    usual = start_claim.MUST_SEND_WITHIN
    try:
        record = start_once(client, book(folder, Late()), order)
    finally:
        start_claim.MUST_SEND_WITHIN = usual
    assert record.stage is JobStage.INTENDED
    assert record.intended_at is not None
    assert record.intended_at <= datetime.now(UTC)
    assert job_starts(sandbox) == []
