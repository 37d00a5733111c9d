"""The two tasks that start jobs, with trouble between the approval and the purge."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from tests.support.chain import ACTING, TO_THE_REVIEW, Chain
from tests.support.config import own_config
from tests.support.tenant import (
    MARKER,
    arm,
    calls,
    change,
    job_starts,
    members_of,
    people,
    switch,
    workbooks,
)

from alma_purge import files
from alma_purge.documents import ActResult
from alma_purge.operators import prepare_review
from alma_purge.operators.base import WAITING_KEY
from alma_purge.steps.drops import read_drops
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from alma_sandbox.server import RunningSandbox
from patron_purge.states import Reason

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

PURGE = "/conf/jobs/M20261"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between two looks at the marker group take no time; nothing here waits for the clock."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.fixture
def chain(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chain:
    """A run whose list is approved."""
    del sandbox
    guards = {"max_percent_of_report": 100, "max_count_without_history": 500}
    own_config(monkeypatch, tmp_path / "config", guards=guards)
    made = Chain()
    made.to_review()
    made.approve()
    return made


@pytest.fixture
def moved(chain: Chain) -> Chain:
    """A run whose people are in the marker group."""
    chain.start("regroup_users")
    chain.finish("regroup_users")
    return chain


def groups(sandbox: RunningSandbox) -> dict[str, str]:
    return {one.primary_id: one.user_group for one in people(sandbox)}


def sent_to(sandbox: RunningSandbox, job_id: str) -> list[str]:
    """Return who was in the set when a job was started."""
    (run,) = [run for run in sandbox.tenant.jobs.runs if run.job_id == job_id]
    assert run.captured is not None
    everybody = {**{p.serial: p for p in sandbox.tenant.users}, **sandbox.tenant.users.gone}
    return sorted(everybody[serial].primary_id for serial in run.captured)


def result(chain: Chain, name: str) -> ActResult:
    return ActResult.model_validate_json(chain.open().folder.read(name))


def stop_of(chain: Chain, task_id: str) -> str:
    with pytest.raises(AirflowFailException) as stopped:
        ACTING[task_id](task_id=task_id).execute(chain.context(task_id))
    return str(stopped.value)


def test_whoever_is_taken_off_before_the_regroup_is_never_moved(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    borrower, listed, *others = chain.approved()
    home = groups(sandbox)
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    chain.start("regroup_users")
    chain.finish("regroup_users")
    assert sent_to(sandbox, "M148") == sorted(others)
    assert {key: groups(sandbox)[key] for key in (borrower, listed)} == {
        key: home[key] for key in (borrower, listed)
    }
    assert result(chain, files.REGROUP).dropped == 2


def test_when_everybody_is_taken_off_no_job_is_started(sandbox: RunningSandbox, chain: Chain) -> None:
    workbooks(sandbox, "add", ids=chain.approved())
    for task_id in ACTING:
        ACTING[task_id](task_id=task_id).execute(chain.context(task_id))
    assert job_starts(sandbox) == []
    assert sandbox.tenant.sets.all() == []
    assert (result(chain, files.REGROUP).sent, result(chain, files.PURGE).sent) == (0, 0)


def test_whoever_is_taken_off_after_the_regroup_gets_the_group_back_and_stays(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    borrower, listed, *others = chain.approved()
    home = groups(sandbox)
    chain.start("regroup_users")
    chain.finish("regroup_users")
    change(sandbox, borrower, add_loan=True)
    workbooks(sandbox, "add", ids=[listed])
    chain.start("purge_users")
    assert sent_to(sandbox, "M20261") == sorted(others)
    chain.finish("purge_users")
    left = groups(sandbox)
    assert (left[borrower], left[listed]) == (home[borrower], home[listed])
    drops = read_drops(chain.open(), files.DROPS_PURGE)
    assert {key: one.reason for key, one in drops.items()} == {
        borrower: Reason.ACTIVE_LOANS,
        listed: Reason.IN_EXCLUSION_FILE,
    }
    assert result(chain, files.PURGE).sent == len(others)


def test_whoever_the_student_system_has_moved_back_is_not_purged(
    sandbox: RunningSandbox, moved: Chain
) -> None:
    sandbox.control.campus_load(undo_groups=True, extend=[], recreate=[])
    still = sorted(key for key, group in groups(sandbox).items() if group == MARKER)
    moved.start("purge_users")
    assert sent_to(sandbox, "M20261") == still
    assert 0 < len(still) < len(moved.approved())


def test_a_regroup_that_did_half_of_its_work_purges_that_half_only(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    order_job(sandbox.control, Plan(job_id="M148", end_status="COMPLETED_WARNING", share=0.5))
    chain.start("regroup_users")
    chain.finish("regroup_users")
    half = sorted(key for key, group in groups(sandbox).items() if group == MARKER)
    assert 0 < len(half) < len(chain.approved())
    chain.start("purge_users")
    assert sent_to(sandbox, "M20261") == half


def test_a_regroup_that_failed_ends_the_run(sandbox: RunningSandbox, chain: Chain) -> None:
    order_job(sandbox.control, Plan(job_id="M148", end_status="COMPLETED_FAILED", share=0.5))
    chain.start("regroup_users")
    with pytest.raises(
        AirflowFailException, match=r"ended with COMPLETED_FAILED; .*\d\. This run never starts it again"
    ):
        chain.finish("regroup_users")
    assert "regroup_users has not recorded regroup.json" in stop_of(chain, "purge_users")
    assert calls(sandbox, "POST", PURGE) == 0


def test_a_stranger_in_the_marker_group_stops_the_purge(sandbox: RunningSandbox, moved: Chain) -> None:
    stranger = next(one.primary_id for one in people(sandbox, "active_loan"))
    change(sandbox, stranger, user_group=MARKER)
    said = stop_of(moved, "purge_users")
    assert "holds 1 people who were not approved" in said
    assert stranger not in said
    assert calls(sandbox, "POST", PURGE) == 0


def test_a_stranger_put_into_the_set_is_taken_out(sandbox: RunningSandbox, moved: Chain) -> None:
    (held,) = sandbox.tenant.sets.all()
    held.members.update({one.serial: None for one in people(sandbox, "active_loan")})
    moved.start("purge_users")
    assert sent_to(sandbox, "M20261") == moved.approved()


def test_somebody_taken_out_of_the_set_by_hand_is_put_in_again(sandbox: RunningSandbox, moved: Chain) -> None:
    (held,) = sandbox.tenant.sets.all()
    held.members.popitem()
    moved.start("purge_users")
    assert sent_to(sandbox, "M20261") == moved.approved()


def test_whoever_can_not_be_moved_out_of_the_marker_group_stops_the_purge(
    sandbox: RunningSandbox, moved: Chain
) -> None:
    borrower = moved.approved()[0]
    change(sandbox, borrower, add_loan=True)
    arm(sandbox, "refusal", method="PUT", times=0)
    said = moved.stop("purge_users")
    assert "could not be moved out of the purge group" in said
    assert calls(sandbox, "POST", PURGE) == 0
    sandbox.tenant.faults.clear()
    moved.start("purge_users")
    assert borrower not in sent_to(sandbox, "M20261")
    assert groups(sandbox)[borrower] != MARKER


def test_leftovers_in_the_marker_group_stop_the_regroup(sandbox: RunningSandbox, chain: Chain) -> None:
    change(sandbox, people(sandbox, "active_loan")[0].primary_id, user_group=MARKER)
    assert "1 people are still in the group OKTOPURGE" in stop_of(chain, "regroup_users")
    assert job_starts(sandbox) == []


@pytest.mark.parametrize("task_id", ACTING)
def test_a_second_execution_sends_nothing_again(sandbox: RunningSandbox, chain: Chain, task_id: str) -> None:
    for one in ACTING:
        chain.start(one)
        if one == task_id:
            chain.start(one)
        chain.finish(one)
        ACTING[one](task_id=one).execute(chain.context(one))
    assert len(job_starts(sandbox)) == 2
    assert members_of(sandbox, sandbox.tenant.sets.all()[0].set_id) is not None


def test_too_few_calls_for_today_are_waited_for_before_anybody_is_moved(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    people_on_list = len(chain.approved())
    switch(sandbox, daily_limit=sandbox.stage.calls_today + 13 * people_on_list + 900)
    for task_id, change_in_alma in (("regroup_users", 0), ("purge_users", 1)):
        with pytest.raises(TaskDeferred) as waiting:
            ACTING[task_id](task_id=task_id).execute(chain.context(task_id))
        assert isinstance(waiting.value.trigger, DateTimeTrigger)
        assert "calls for today" in chain.said(task_id, WAITING_KEY)
        assert len(job_starts(sandbox)) == change_in_alma
        switch(sandbox, daily_limit=300_000)
        chain.start(task_id)
        chain.finish(task_id)
        switch(sandbox, daily_limit=sandbox.stage.calls_today + 9 * people_on_list + 900)


def test_a_limit_in_the_trigger_form_replaces_the_number_of_calls(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    other = Chain("manual__few_calls", guard_overrides={"api_calls": 100})
    other.to_review()
    other.approve()
    switch(sandbox, daily_limit=sandbox.stage.calls_today + 1_000)
    other.start("regroup_users")
    assert chain.said("regroup_users", WAITING_KEY) is None


def test_a_list_waits_for_a_new_days_calls_but_not_for_ever(
    sandbox: RunningSandbox, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Chain("manual__waits")
    for task_id in tuple(TO_THE_REVIEW)[:-1]:
        TO_THE_REVIEW[task_id](task_id=task_id).execute(other.context(task_id))
    switch(sandbox, daily_limit=sandbox.stage.calls_today + 500)
    with pytest.raises(TaskDeferred) as waiting:
        TO_THE_REVIEW["prepare_review"](task_id="prepare_review").execute(other.context("prepare_review"))
    assert isinstance(waiting.value.trigger, DateTimeTrigger)
    assert "The list waits for a new day's calls" in other.said("prepare_review", WAITING_KEY)
    monkeypatch.setattr(prepare_review, "NEW_DAY_WITHIN", timedelta(0))
    assert "api_calls" in other.stop("prepare_review")
    assert chain.review().count, "the other run is not touched"


def test_the_set_of_a_list_that_was_made_again_is_not_left_behind(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    switch(sandbox, max_running_jobs=0)
    with pytest.raises(TaskDeferred):
        ACTING["regroup_users"](task_id="regroup_users").execute(chain.context("regroup_users"))
    (old,) = [one.name for one in sandbox.tenant.sets.all()]
    switch(sandbox, max_running_jobs=3)
    workbooks(sandbox, "add", ids=chain.approved()[:1])
    chain.to_review()
    chain.approve()
    chain.start("regroup_users")
    (new,) = [one.name for one in sandbox.tenant.sets.all()]
    assert new != old
    chain.finish("regroup_users")
    chain.account()
    assert sandbox.tenant.sets.all() == []


def test_the_set_of_a_regroup_that_never_started_is_deleted_in_the_end(
    sandbox: RunningSandbox, chain: Chain
) -> None:
    switch(sandbox, max_running_jobs=0)
    with pytest.raises(TaskDeferred):
        ACTING["regroup_users"](task_id="regroup_users").execute(chain.context("regroup_users"))
    assert len(sandbox.tenant.sets.all()) == 1
    chain.account()
    assert sandbox.tenant.sets.all() == []
