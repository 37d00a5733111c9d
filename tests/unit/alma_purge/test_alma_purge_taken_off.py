"""Nobody who was taken off is ever sent to Alma, and everybody is accounted for."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.chain import Chain
from tests.support.config import own_config
from tests.support.tenant import (
    arm,
    changing_calls,
    digest_of,
    job_starts,
    members_of,
    people,
    switch,
)

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.file_kinds import kind_of
from alma_purge.housekeeping_file import FILES_DELETED, logged
from alma_purge.operators.regroup_users import RegroupUsersOperator
from alma_purge.steps.past_runs import past_runs
from alma_purge.steps.verification import read_certificate, verify
from alma_purge.steps.verified_files import Verdict
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from patron_purge.decision import Person
from patron_purge.looked import Looked
from patron_purge.retention import FileKind
from patron_purge.taken_off import read_record, record_of

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

LAST_CHECKS = {
    "regroup_users": ("alma_purge.operators.regroup_users", "check_before_regroup"),
    "purge_users": ("alma_purge.steps.purge_people", "check_before_purge"),
}
GUARDS = {"max_percent_of_report": 100, "max_count_without_history": 500}


@pytest.fixture
def chain(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A reviewed run with a tenant of its own."""
    del sandbox
    own_config(monkeypatch, tmp_path / "config", guards=GUARDS)
    made = Chain()
    made.to_review()
    return made


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whoever_is_taken_off_is_never_in_the_set(
    sandbox: RunningSandbox, chain: Chain, data: st.DataObject
) -> None:
    for old in Path(chain.open().folder.path.path).glob(f"{files.TAKEN_OFF_ENTRY}*"):
        old.unlink()
    chain.xcoms.pop(("approve_purge", f"file:{files.TAKEN_OFF}"), None)
    chain.open().folder.remove(files.TAKEN_OFF)
    listed = chain.approved()
    off = data.draw(st.sets(st.sampled_from(listed), max_size=len(listed) - 1))
    chain.take_off(*off)
    chain.approve()
    operator, context, run = (
        RegroupUsersOperator(task_id="regroup_users"),
        chain.context("regroup_users"),
        chain.open(),
    )
    with run.client() as client:
        order = operator.prepare(run, context, client)
    assert order is not None
    assert set(members_of(sandbox, order.set_id)) == set(listed) - off
    assert job_starts(sandbox) == []


def test_a_run_keeps_whoever_was_taken_off_and_accounts_for_everybody(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    first, second = [one for one in people(sandbox, "clean") if one.primary_id in chain.approved()][:2]
    before = {one.primary_id: digest_of(sandbox, one) for one in (first, second)}
    whole = chain.review()
    chain.take_off(first.primary_id, second.primary_id)
    sent = set(chain.approved())
    chain.approve()
    chain.purged()
    chain.account()
    left = {one.primary_id: one for one in people(sandbox)}
    assert {key: digest_of(sandbox, left[key]) for key in before} == before
    assert not sent & {key for key, one in left.items() if not one.blockers}
    touched = [call for call in changing_calls(sandbox) if any(key in call for key in before)]
    assert touched == []
    certificate = chain.document(files.CERTIFICATE)
    parts = {part["code"]: part["count"] for part in certificate["equation"]["parts"]}
    assert parts["taken_off"] == 2
    assert sum(parts.values()) == certificate["equation"]["total"]
    assert certificate["approved"] == certificate["sent"] == whole.count - 2 == len(sent)
    assert sum(row["count"] for row in certificate["by_group"]) == len(sent)
    reasons = {one["code"]: one["count"] for one in certificate["by_reason"]}
    assert reasons["taken_off"] == 2
    assert certificate["decision"]["count"] == len(sent)
    assert certificate["digest"] == certificate["decision"]["digest"] != whole.digest
    assert "taken off by the reviewer" in chain.open().folder.read(files.CERTIFICATE_PAGE).decode()


def test_a_rejected_list_tells_who_was_taken_off(chain: Chain) -> None:
    from patron_purge.answers import Choice

    chain.take_off(chain.approved()[0])
    chain.approve(Choice.REJECT)
    chain.account()
    parts = {part["code"] for part in chain.document(files.CERTIFICATE)["equation"]["parts"]}
    assert {"taken_off", "not_approved"} <= parts


def refused(chain: Chain, task_id: str = "regroup_users") -> str:
    with pytest.raises(AirflowFailException) as stopped:
        RegroupUsersOperator(task_id=task_id).execute(chain.context(task_id))
    return str(stopped.value)


def test_nothing_is_sent_when_somebody_was_taken_off_after_the_approval(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.approve()
    chain.take_off(chain.approved()[0])
    assert "not those who were off it at the approval" in refused(chain)
    chain.approve()
    chain.take_off("a person who is not on the list at all")
    assert "not those who were off it at the approval" in refused(chain)
    assert changing_calls(sandbox) == []


@pytest.mark.parametrize("task_id", LAST_CHECKS)
def test_nothing_is_started_when_somebody_is_taken_off_during_the_last_check(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch, task_id: str
) -> None:
    chain.approve()
    if task_id == "purge_users":
        chain.moved()
    started = len(job_starts(sandbox))
    module, name = LAST_CHECKS[task_id]
    check = getattr(importlib.import_module(module), name)

    def slow_check(*given: Any) -> Any:
        chain.take_off(chain.approved()[0])
        return check(*given)

    monkeypatch.setattr(f"{module}.{name}", slow_check)
    assert "taken off the list after it was approved" in chain.stop(task_id)
    assert len(job_starts(sandbox)) == started


def test_nothing_is_sent_when_a_record_of_somebody_taken_off_is_lost(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.take_off(*chain.approved()[:2])
    chain.approve()
    entry, *_ = Path(chain.open().folder.path.path).glob(f"{files.TAKEN_OFF_ENTRY}*")
    kept = entry.read_bytes()
    entry.unlink()
    assert "not those who were off it at the approval" in refused(chain)
    entry.write_bytes(kept)
    chain.open().folder.write(files.TAKEN_OFF, b"")
    assert "not the file that its task wrote" in refused(chain)
    del chain.xcoms["approve_purge", f"file:{files.TAKEN_OFF}"]
    assert "differs from what approve_purge wrote down" in refused(chain)
    assert changing_calls(sandbox) == []


def test_whoever_is_taken_off_after_the_regroup_stops_the_purge_and_everybody_goes_home(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    before = {one.primary_id: one.user_group for one in people(sandbox)}
    chain.approve()
    chain.moved()
    chain.take_off(chain.approved()[0])  # the page refuses this; somebody may still write to the folder
    assert "not those who were off it at the approval" in chain.stop("purge_users")
    chain.stop("reconcile")
    chain.stop("restore_kept")
    assert {one.primary_id: one.user_group for one in people(sandbox)} == before
    assert len(job_starts(sandbox)) == 1


@pytest.fixture
def unclear(sandbox: RunningSandbox, chain: Chain) -> Chain:
    """A run in an Alma that shows no names, whose purge job may or may not have been started."""
    switch(sandbox, job_name_echoed=False)
    chain.approve()
    chain.moved()
    return chain


def age(chain: Chain, minutes: float) -> JobRecord:
    """Let the intent be some minutes old."""
    record = JobRecord.model_validate_json(chain.open().folder.read(files.PURGE_RECORD))
    assert record.stage is JobStage.INTENDED
    older = record.model_copy(update={"intended_at": datetime.now(UTC) - timedelta(minutes=minutes)})
    chain.open().folder.write(files.PURGE_RECORD, older.to_bytes())
    return older


def look(chain: Chain, record: JobRecord, **changes: object) -> None:
    said = Looked(
        job_name=record.job_name,
        attempt=record.attempt,
        by=Person(id="olga", name="Olga"),
        at=datetime.now(UTC),
        comment="nothing under history either",
    ).model_copy(update=changes)
    chain.open().folder.append(files.LOOKED_ENTRY, said.to_bytes())


def test_only_a_person_can_say_that_an_unlisted_job_did_not_run(
    sandbox: RunningSandbox, unclear: Chain
) -> None:
    arm(sandbox, "reset_before", method="POST", path="/conf/jobs/M20261")
    groups = {row["primary_id"]: row["user_group"] for row in moved_from(unclear)}
    assert "It is not known whether" in unclear.stop("purge_users")
    record = age(unclear, minutes=600)
    for task_id in ("reconcile", "restore_kept"):
        assert "an approver can say so on the review page" in unclear.stop(task_id)
    for wrong in ({"job_name": "another"}, {"attempt": 2}, {"at": datetime.now(UTC) - timedelta(hours=10)}):
        look(unclear, record, **wrong)
    assert "an approver can say so on the review page" in unclear.stop("restore_kept")
    look(unclear, record)
    for task_id in ("reconcile", "restore_kept"):
        assert "This task has done its own work" in unclear.stop(task_id)
    home = {one.primary_id: one.user_group for one in people(sandbox)}
    assert {key: home[key] for key in groups} == groups
    assert len(job_starts(sandbox)) == 1, "the regroup job alone"
    unclear.stop("certify")
    (statement,) = unclear.document(files.CERTIFICATE)["remarks"]
    assert record.job_name in statement
    assert "nothing under history either" in statement
    assert "nothing under history either" in unclear.open().folder.read(files.CERTIFICATE_PAGE).decode()


def moved_from(chain: Chain) -> list[dict[str, str]]:
    from patron_purge.snapshot import read_snapshot_csv

    snapshot = read_snapshot_csv(chain.open().folder.read(files.SNAPSHOT))
    listed = set(chain.approved())
    return [
        {"primary_id": row.primary_id, "user_group": row.original_group}
        for row in snapshot
        if row.primary_id in listed
    ]


def test_a_job_that_appears_after_all_is_told_loudly_and_waited_for(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.approve()
    chain.moved()
    order_job(sandbox.control, Plan(job_id="M20261", stuck_in="RUNNING"))
    arm(sandbox, "reset_after", method="POST", path="/conf/jobs/M20261")
    chain.start("purge_users")
    record = age(chain, minutes=30)
    look(chain, record)
    before = changing_calls(sandbox)
    chain.states["purge_users"] = "failed"
    for task_id in ("reconcile", "restore_kept"):
        said = chain.stop(task_id)
        assert "ATTENTION: Olga looked in Alma" in said
        assert record.job_name in said
    assert changing_calls(sandbox) == before
    (running,) = job_starts(sandbox)[1:]
    order_job(sandbox.control, Plan(instance_id=running, end_status="COMPLETED_SUCCESS"))
    chain.stop("restore_kept")
    assert not [one for one in people(sandbox) if one.user_group == "OKTOPURGE"]
    assert json.loads(chain.open().folder.read(files.RESTORE))["complete"]


def test_the_certificate_can_be_worked_out_again_with_and_without_the_lists(chain: Chain) -> None:
    chain.take_off(*chain.approved()[:2])
    chain.approve()
    chain.purged()
    chain.account()
    folder = chain.open().folder
    certificate = read_certificate(folder)
    assert {one.verdict for one in verify(folder, certificate)} == {Verdict.FINE}
    lists = [name for name in folder.names() if kind_of(name) is FileKind.LEDGER]
    with logged("demo", chain.run_id, FILES_DELETED, {"ledger": len(lists)}):
        for name in lists:
            folder.remove(name)
    found = list(verify(folder, certificate))
    assert [one.text for one in found if one.verdict is Verdict.DIFFERS] == []
    assert any(one.verdict is Verdict.GONE for one in found)


def test_a_certificate_without_one_of_those_taken_off_is_noticed(chain: Chain) -> None:
    chain.take_off(*chain.approved()[:2])
    chain.approve()
    chain.purged()
    chain.account()
    folder = chain.open().folder
    certificate = read_certificate(folder)
    folder.write(files.TAKEN_OFF, record_of(read_record(folder.read(files.TAKEN_OFF))[:1]))
    texts = [one.text for one in verify(folder, certificate) if one.verdict is Verdict.DIFFERS]
    assert any(files.TAKEN_OFF in text for text in texts)
    assert any("digest" in text for text in texts)


def test_nobody_waits_for_people_who_were_never_moved(chain: Chain) -> None:
    off = chain.approved()[:2]
    chain.take_off(*off)
    chain.approve()
    chain.moved()
    (run,), _ = past_runs("demo", lambda _run_id: False)
    assert set(run.homes) == run.unsettled == set(chain.approved())
    assert not set(off) & set(run.homes)
