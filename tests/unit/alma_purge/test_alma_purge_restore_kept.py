"""Everybody whom a run has moved gets the group back, however the run went on after the regroup."""

import copy
import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException
from tests.support.chain import Chain
from tests.support.tenant import (
    MARKER,
    advance,
    arm,
    calls,
    change,
    disarm,
    job_starts,
    people,
    regroup,
    switch,
    talking,
    workbooks,
)

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps import restore_people as module
from alma_purge.steps.restore import Attempt, Home, NotRestoredWhy, Restored, restore_person
from alma_purge.steps.restore_log import RestoreLog
from alma_purge.steps.restore_people import restore_people
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from patron_purge.answers import Choice
from patron_purge.ledger import read_ledger_csv

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

EXPANDED = ("loans", "requests", "fees")


@pytest.fixture
def chain(sandbox: RunningSandbox) -> Chain:
    """A run whose list is approved."""
    del sandbox
    made = Chain()
    made.to_review()
    made.approve()
    return made


def whole_records(sandbox: RunningSandbox) -> dict[str, Any]:
    """Return every record of the tenant with all its fields, as Alma would give it out."""
    with sandbox.tenant.lock:
        tenant = sandbox.tenant
        return {one.primary_id: copy.deepcopy(tenant.record(one, EXPANDED)) for one in tenant.users}


def stuck(sandbox: RunningSandbox) -> set[str]:
    return {one.primary_id for one in people(sandbox) if one.user_group == MARKER}


def rejected_later(_sandbox: RunningSandbox, chain: Chain) -> None:
    chain.moved()
    chain.approve(Choice.REJECT)
    chain.stop("purge_users")


def a_stranger_in_the_group(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.moved()
    stranger = next(one for one in people(sandbox, "expiry_future") if one.user_group != MARKER)
    home = stranger.user_group
    change(sandbox, stranger.primary_id, user_group=MARKER)
    assert "people who were not approved" in chain.stop("purge_users")
    change(sandbox, stranger.primary_id, user_group=home)


def an_exclusion_file_is_gone(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.moved()
    workbooks(sandbox, "drop", book="loans")
    assert "exclusion" in chain.stop("purge_users").casefold()


def the_purge_fails(sandbox: RunningSandbox, chain: Chain) -> None:
    order_job(sandbox.control, Plan(job_id="M20261", end_status="COMPLETED_FAILED"))
    chain.moved()
    chain.start("purge_users")
    with pytest.raises(AirflowException):
        chain.finish("purge_users")
    chain.states["purge_users"] = "failed"


def half_of_the_regroup(sandbox: RunningSandbox, chain: Chain) -> None:
    order_job(sandbox.control, Plan(job_id="M148", end_status="COMPLETED_FAILED", share=0.5))
    chain.start("regroup_users")
    with pytest.raises(AirflowException):
        chain.finish("regroup_users")
    chain.states["regroup_users"] = "failed"


def half_of_the_purge(sandbox: RunningSandbox, chain: Chain) -> None:
    order_job(sandbox.control, Plan(job_id="M20261", end_status="SYSTEM_ABORTED", share=0.5))
    chain.moved()
    chain.start("purge_users")
    with pytest.raises(AirflowException):
        chain.finish("purge_users")
    chain.states["purge_users"] = "failed"


@pytest.mark.parametrize(
    "happens",
    [
        rejected_later,
        a_stranger_in_the_group,
        an_exclusion_file_is_gone,
        the_purge_fails,
        half_of_the_regroup,
        half_of_the_purge,
    ],
)
@pytest.mark.parametrize("external_fields", ["kept", "kept_if_manual"])
def test_whatever_stops_a_run_after_the_regroup_everybody_left_has_the_same_record_as_before(
    sandbox: RunningSandbox,
    chain: Chain,
    happens: Callable[[RunningSandbox, Chain], None],
    external_fields: str,
) -> None:
    switch(sandbox, external_fields=external_fields)
    before = whole_records(sandbox)
    happens(sandbox, chain)
    in_group = stuck(sandbox)
    assert in_group
    assert in_group <= set(chain.approved())
    for task_id in ("reconcile", "restore_kept"):
        assert "failed; look there for what to do" in chain.stop(task_id)
    after = whole_records(sandbox)
    assert after == {key: before[key] for key in after}, "a field of somebody's record has changed"
    assert chain.document(files.RESTORE)["restored"] == len(in_group)
    assert calls(sandbox, "PUT", "/users/") == len(in_group)


def test_whoever_is_taken_off_late_gets_the_group_back_with_the_new_loan(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    before = whole_records(sandbox)
    chain.moved()
    borrower = chain.approved()[0]
    change(sandbox, borrower, add_loan=True)
    chain.start("purge_users")
    chain.finish("purge_users")
    chain.account("reconcile", "restore_kept")
    after = whole_records(sandbox)
    assert after[borrower].pop("loans")["value"] == 1
    before[borrower].pop("loans")
    assert after == {key: before[key] for key in after}
    assert stuck(sandbox) == set()


def test_whoever_can_not_be_put_back_is_listed_with_the_reason_and_the_run_is_red(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.moved()
    stale, refused, *others = chain.approved()
    change(sandbox, stale, add_stale_phone_type=True)
    arm(sandbox, "refusal", method="PUT", path=f"/users/{refused}", times=0, code="401860")
    chain.approve(Choice.REJECT)
    chain.account("reconcile")
    said = chain.stop("restore_kept")
    assert said.startswith("2 people could not be moved out of the group OKTOPURGE (1: ")
    assert "1: a code in the record, or the group, is not valid in Alma any more" in said
    assert "1: Alma refused the change" in said
    assert "not-restored.csv in the run folder" in said
    assert not any(key in said for key in (stale, refused))
    listed = csv.DictReader(io.StringIO(chain.open().folder.read(files.NOT_RESTORED).decode()))
    assert {one["primary_id"]: one["reason"] for one in listed} == {
        stale: "outdated_code",
        refused: "refused",
    }
    assert stuck(sandbox) == {stale, refused}
    assert chain.xcoms["restore_kept", "stop"], "another try by itself would change nothing"
    ledger = read_ledger_csv(chain.open().folder.read(files.LEDGER_RESTORED)).set_index("primary_id")
    assert set(ledger.loc[[stale, refused], "group_restored"]) == {"failed"}
    assert set(ledger.loc[others, "group_restored"]) == {"restored"}
    chain.stop("certify")
    assert chain.document(files.CERTIFICATE)["outcome"] == "failed"

    disarm(sandbox)
    with sandbox.tenant.lock:
        person = sandbox.tenant.users.find(stale)
        assert person is not None
        person.details["contact_info"]["phone"] = []
    chain.account("restore_kept")
    assert stuck(sandbox) == set()
    assert chain.open().folder.read_if_there(files.NOT_RESTORED) is None


def test_one_record_that_alma_never_gives_out_keeps_nobody_else_and_is_tried_again(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    chain.moved()
    chain.approve(Choice.REJECT)
    chain.account("reconcile")
    poison = chain.approved()[0]
    arm(sandbox, "500", method="GET", path=f"/users/{poison}(\\?|$)", times=0)
    said = chain.stop("restore_kept")
    assert "(1: Alma did not give the record out)" in said
    assert stuck(sandbox) == {poison}
    assert chain.xcoms["restore_kept", "trouble"]
    disarm(sandbox)
    chain.account("restore_kept")
    assert chain.document(files.RESTORE)["restored"] == len(chain.approved())


def test_when_alma_is_down_nobody_is_called_lost(sandbox: RunningSandbox, chain: Chain) -> None:
    chain.moved()
    chain.approve(Choice.REJECT)
    chain.account("reconcile")
    arm(sandbox, "500", method="GET", path=r"/users/[^/?]+(\?|$)", times=0)
    chain.stop("restore_kept")
    assert chain.open().folder.read_if_there(files.RESTORE) is None
    disarm(sandbox)
    chain.account("restore_kept")
    assert chain.document(files.RESTORE)["restored"] == len(chain.approved())


class Crashing(RestoreLog):
    """A log of a process that is killed: nothing is written any more."""

    dead = False

    def save(self) -> None:
        if not self.dead:
            super().save()


def test_after_a_kill_the_restored_are_counted_as_restored(
    sandbox: RunningSandbox, client: AlmaClient, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [Home(one.primary_id, one.user_group) for one in people(sandbox, "clean")][:6]
    regroup(client, [home.primary_id for home in homes])
    monkeypatch.setattr(module, "BATCH", 4)
    crashing, real = Crashing(folder), restore_person
    done = 0

    def killed_at_the_sixth(*given: Any) -> Attempt:
        nonlocal done
        done += 1
        if done == 6:
            crashing.dead = True
            raise SystemExit
        return real(*given)

    monkeypatch.setattr(module, "restore_person", killed_at_the_sixth)
    with pytest.raises(SystemExit):
        restore_people(client, homes, MARKER, crashing)
    monkeypatch.setattr(module, "restore_person", real)
    assert len(stuck(sandbox)) == 1
    attempts = restore_people(client, homes, MARKER, RestoreLog(folder))
    assert set(attempts.values()) == {Attempt(Restored.RESTORED)}
    assert calls(sandbox, "PUT", "/users/") == 6, "nobody was changed twice"


def test_whoever_has_no_original_group_on_file_is_named_and_left_alone(
    sandbox: RunningSandbox, client: AlmaClient, folder: RunFolder
) -> None:
    person = people(sandbox, "clean")[0]
    regroup(client, [person.primary_id])
    home = Home(person.primary_id, None)
    attempts = restore_people(client, [home], MARKER, RestoreLog(folder))
    assert attempts[person.primary_id] == Attempt(Restored.FAILED, NotRestoredWhy.GROUP_NOT_KNOWN)
    assert calls(sandbox, "PUT", "/users/") == 0


def test_a_purged_record_that_stays_as_deleted_is_not_changed(sandbox: RunningSandbox, chain: Chain) -> None:
    switch(sandbox, delete_user_policy="keep_fully_reportable")
    chain.purged()
    before = whole_records(sandbox)
    deleted = {key for key, one in before.items() if one["status"]["value"] == "DELETED"}
    assert deleted
    (chain.open().folder.path / files.PURGE_RECORD).unlink()  # reconcile can't say who is gone
    record = json.loads(chain.xcoms["purge_users", "job"])
    chain.xcoms.pop(("purge_users", "job"))
    assert record["stage"] == "ended_well"
    chain.account("restore_kept")
    after = whole_records(sandbox)
    assert {key: after[key] for key in deleted} == {key: before[key] for key in deleted}
    assert chain.document(files.RESTORE)["gone"] == len(deleted)


def test_nothing_is_moved_while_the_job_may_still_be_working(sandbox: RunningSandbox, chain: Chain) -> None:
    switch(sandbox, job_seconds=100)
    chain.start("regroup_users")
    chain.approve(Choice.REJECT)
    assert "may still be running in Alma" in chain.stop("restore_kept")
    assert calls(sandbox, "PUT", "/users/") == 0
    advance(sandbox, 1000)
    with talking(sandbox) as client:
        assert client.jobs.instance("M148", job_starts(sandbox)[0]).status.is_good
    assert stuck(sandbox) == set(chain.approved())
    chain.account("reconcile", "restore_kept")
    assert stuck(sandbox) == set()
