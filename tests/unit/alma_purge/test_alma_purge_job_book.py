from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.task_context import MemoryStore
from tests.support.tenant import calls, fine, job_starts, payload, set_of

from alma_api.client import AlmaClient
from alma_purge.documents import STORE_KEY, JobRecord, JobStage
from alma_purge.run_folder import FileRef, RunFolder
from alma_purge.steps.job_book import JobBook, intended, read_job_record, refused
from alma_purge.steps.job_start import JobMustWaitError, JobOrder, start_once
from alma_sandbox.server import RunningSandbox
from patron_purge.errors import RunFileError

FILE = "regroup-job.json"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STARTED = JobRecord(
    stage=JobStage.STARTED, job_id="M148", job_name="regroup-x", set_id="1", attempt=1, instance_id="77"
)


class ForgetfulStore(MemoryStore):
    """Says yes and keeps nothing."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        del key, value, retention


class BrokenStore(MemoryStore):
    """Can't be written from a certain write on."""

    def __init__(self, good_writes: int) -> None:
        super().__init__()
        self.good_writes = good_writes

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        if not self.good_writes:
            raise OSError("the database is gone")
        self.good_writes -= 1
        super().set(key, value, retention=retention)


class ForgetfulFolder(RunFolder):
    """Says yes and keeps nothing."""

    def write(self, name: str, content: bytes) -> FileRef:
        del content
        return FileRef(name, "")


@pytest.fixture
def order(client: AlmaClient, sandbox: RunningSandbox) -> JobOrder:
    person = next(iter(sandbox.tenant.users))
    set_id = set_of(client, [person.primary_id])
    return JobOrder(
        "M148", "regroup-x", set_id, payload("update_notify_users.json", set_id, "regroup-x"), fine
    )


def starts_asked(sandbox: RunningSandbox) -> int:
    return calls(sandbox, "POST", "/conf/jobs/")


def test_a_new_book_is_empty_and_what_is_written_stands_in_both_places(folder: RunFolder) -> None:
    store = MemoryStore()
    book = JobBook(store, folder, FILE, lambda _record: None)
    assert book.read() == JobRecord()
    book.write(STARTED)
    assert JobBook(MemoryStore(), folder, FILE, lambda _record: None).read() == STARTED
    assert JobRecord.model_validate_json(store.get(STORE_KEY)) == STARTED


def test_the_record_that_is_further_along_counts(folder: RunFolder) -> None:
    store = MemoryStore()
    intent = intended(JobRecord(), "M148", "regroup-x", "1", NOW)
    store.set(STORE_KEY, STARTED.model_dump_json())
    folder.write(FILE, intent.to_bytes())
    assert JobBook(store, folder, FILE, lambda _record: None).read() == STARTED
    store.set(STORE_KEY, intent.model_dump_json())
    folder.write(FILE, STARTED.to_bytes())
    assert JobBook(store, folder, FILE, lambda _record: None).read() == STARTED


def test_a_refused_start_is_further_along_than_no_start_at_all(folder: RunFolder) -> None:
    intent = intended(JobRecord(), "M148", "regroup-x", "1", NOW)
    again = intended(refused(intent), "M148", "regroup-x", "1", NOW)
    assert (intent.attempt, refused(intent).stage, again.attempt) == (1, JobStage.NONE, 2)
    store = MemoryStore()
    store.set(STORE_KEY, again.model_dump_json())
    folder.write(FILE, refused(intent).to_bytes())
    assert JobBook(store, folder, FILE, lambda _record: None).read() == again


@pytest.mark.parametrize("lost", ["store", "folder"])
def test_one_lost_record_does_not_make_a_job_start_again(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder, lost: str
) -> None:
    store = MemoryStore()
    record = start_once(client, JobBook(store, folder, FILE, lambda _record: None), order)
    if lost == "store":
        store.values.clear()
    else:
        (folder.path / FILE).unlink()
    book = JobBook(store, folder, FILE, lambda _record: None)
    assert book.read() == record
    with pytest.raises(JobMustWaitError, match="has sent the job meanwhile"):
        start_once(client, book, order)
    assert len(job_starts(sandbox)) == starts_asked(sandbox) == 1


@pytest.mark.parametrize("field", ["job_name", "instance_id"])
def test_contradicting_records_stop(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder, field: str
) -> None:
    store = MemoryStore()
    book = JobBook(store, folder, FILE, lambda _record: None)
    book.write(STARTED)
    folder.write(FILE, STARTED.model_copy(update={field: "another"}).to_bytes())
    with pytest.raises(RunFileError, match=r"different Alma jobs.*Nothing was sent.*Monitor Jobs"):
        start_once(client, book, order)
    assert starts_asked(sandbox) == 0


@pytest.mark.parametrize(
    "edited",
    ["", "not json", '{"stage": "perhaps"}', '{"stage": "none", "more": 1}', {"stage": "none"}, 0, False],
)
def test_an_edited_record_in_the_task_state_store_stops(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder, edited: Any
) -> None:
    store = MemoryStore()
    store.set(STORE_KEY, edited)
    with pytest.raises(RunFileError, match=r"task state store's record.*can't be read.*nothing was sent"):
        start_once(client, JobBook(store, folder, FILE, lambda _record: None), order)
    assert starts_asked(sandbox) == 0


@pytest.mark.parametrize("edited", [b"", b"\xff\xfe", b"[]", b'{"stage": "perhaps"}'])
def test_an_edited_record_in_the_run_folder_stops(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder, edited: bytes
) -> None:
    folder.write(FILE, edited)
    with pytest.raises(RunFileError, match=r"regroup-job.json in the run folder can't be read"):
        start_once(client, JobBook(MemoryStore(), folder, FILE, lambda _record: None), order)
    assert starts_asked(sandbox) == 0


def test_the_intent_stands_in_both_places_when_alma_gets_the_start(
    sandbox: RunningSandbox,
    client: AlmaClient,
    order: JobOrder,
    folder: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    seen: list[JobRecord] = []
    starting = sandbox.tenant.jobs.start

    def look_then_start(*args: Any) -> Any:
        seen.append(read_job_record(folder, FILE))
        seen.append(JobRecord.model_validate_json(store.get(STORE_KEY)))
        return starting(*args)

    monkeypatch.setattr(sandbox.tenant.jobs, "start", look_then_start)
    record = start_once(client, JobBook(store, folder, FILE, lambda _record: None), order)
    assert [one.stage for one in seen] == [JobStage.INTENDED] * 2
    assert {one.job_name for one in seen} == {order.job_name}
    assert seen[0] == seen[1]
    assert record.stage is JobStage.STARTED
    assert [record.instance_id] == job_starts(sandbox)


@pytest.mark.parametrize("which", ["store", "folder"])
def test_nothing_is_sent_when_one_place_does_not_keep_the_intent(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder, which: str
) -> None:
    store = ForgetfulStore() if which == "store" else MemoryStore()
    place = ForgetfulFolder(folder.path) if which == "folder" else folder
    with pytest.raises(RunFileError, match="could not be stored reliably"):
        start_once(client, JobBook(store, place, FILE, lambda _record: None), order)
    assert starts_asked(sandbox) == 0


def test_nothing_is_sent_when_the_intent_can_not_be_written(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder
) -> None:
    with pytest.raises(OSError, match="database is gone"):
        start_once(client, JobBook(BrokenStore(0), folder, FILE, lambda _record: None), order)
    assert starts_asked(sandbox) == 0


def test_a_crash_right_after_the_start_leaves_an_intent_that_forbids_a_second_start(
    sandbox: RunningSandbox, client: AlmaClient, order: JobOrder, folder: RunFolder
) -> None:
    store = BrokenStore(1)
    with pytest.raises(OSError, match="database is gone"):
        start_once(client, JobBook(store, folder, FILE, lambda _record: None), order)
    book = JobBook(store, folder, FILE, lambda _record: None)
    assert book.read().stage in {JobStage.INTENDED, JobStage.STARTED}
    with pytest.raises(JobMustWaitError, match="has sent the job meanwhile"):
        start_once(client, book, order)
    assert len(job_starts(sandbox)) == 1
