"""What people, other systems and time do to a run between two of its steps."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.config import edit_payload
from tests.support.rehearsal.answers import reject
from tests.support.rehearsal.bookmark import Bookmark, go_on_from
from tests.support.rehearsal.calls import PURGE_JOB, REGROUP_JOB
from tests.support.rehearsal.judge import Judge, jobs_of
from tests.support.rehearsal.picture import picture_of
from tests.support.rehearsal.room import DAG_ID, Room
from tests.support.rehearsal.run import APPROVAL, Run
from tests.support.rehearsal.scenes import first_purgeable
from tests.support.tenant import MARKER, arm, workbooks

from alma_purge import files
from alma_sandbox.control.operator import JobOrder, order_job
from alma_sandbox.stage import READ_KEY
from alma_sandbox.state.tenant import INSTITUTION

REGROUP, PURGE = "regroup_users", "purge_users"
STEPS = (
    "fetch_exclusions",
    "pull_report",
    "select_candidates",
    "check_live",
    "prepare_review",
    APPROVAL,
    REGROUP,
    PURGE,
    "reconcile",
    "restore_kept",
    "certify",
)


def begun(room: Room, approved: Bookmark, **how: Any) -> tuple[Run, Judge]:
    """Return a run whose list is approved, in a fresh tenant."""
    room.fresh()
    judge = Judge(room.world)
    return go_on_from(approved, Run(room, **how)), judge


def nothing_happened(run: Run, judge: Judge) -> bool:
    """Tell whether everybody is as before, but for those whom the test has changed."""
    people = run.room.world.people()
    return all(people[key] == one for key, one in judge.before.items() if key not in judge.edited)


def test_an_approval_that_has_aged_is_not_used_and_only_a_new_run_can_go_on(
    room: Room, approved: Bookmark
) -> None:
    run, judge = begun(room, approved)
    room.clock.advance(timedelta(hours=73))
    run.go()
    assert "The approval expired at" in run.said(REGROUP)
    assert "trigger a new run" in run.said(REGROUP)
    assert "Clear approve_purge" not in run.said(REGROUP), "nobody could answer any more"
    assert run.state == "failed"
    run.clear(APPROVAL, after=True).go()
    assert run.document(files.CERTIFICATE)["outcome"] == "timed_out"
    assert jobs_of(run) == []
    assert nothing_happened(run, judge)
    judge.judge(run).require_clean()
    second = Run(room, "manual__two").go()
    judge.grow_older()
    judge.judge(second).require_clean()
    assert (second.state, len(jobs_of(second))) == ("success", 2)


@pytest.mark.parametrize("before", [REGROUP, PURGE])
def test_somebody_put_on_an_exclusion_file_after_the_approval_stays(
    room: Room, approved: Bookmark, before: str
) -> None:
    run, judge = begun(room, approved)
    run.go(until=before)
    person = first_purgeable(run)
    judge.must_stay.add(person)
    workbooks(room.sandbox, "add", book="fines", ids=[person])
    run.go()
    judge.judge(run).require_clean()
    assert run.state == "success"
    assert room.world.people()[person] == judge.before[person]
    assert len(jobs_of(run)) == 2


@pytest.mark.parametrize("action", ["drop", "truncate", "headless", "stale"])
@pytest.mark.parametrize("before", [REGROUP, PURGE])
def test_an_exclusion_file_that_went_bad_after_the_approval_stops_what_comes_next(
    room: Room, approved: Bookmark, before: str, action: str
) -> None:
    run, judge = begun(room, approved)
    run.go(until=before)
    workbooks(room.sandbox, action, book="pids")
    run.go()
    assert run.state == "failed"
    assert list(run.failures()) == [before]
    judge.judge(run).require_clean()
    assert [one.job_id for one in jobs_of(run)] == ([] if before == REGROUP else [REGROUP_JOB])
    assert nothing_happened(run, judge)


class CampusLoad:
    """The student system's load comes before one step of the run.

    Args:
        judge: Is told whom the load has changed.
        task_id: The step.
        extend: Whether somebody on the list has become a student again; otherwise moved groups are put back.
    """

    def __init__(self, judge: Judge, task_id: str, *, extend: bool) -> None:
        self._judge = judge
        self._task_id = task_id
        self._extend = extend
        self.came = False

    def __call__(self, run: Run, task_id: str) -> None:
        if task_id != self._task_id or self.came:
            return
        self.came = True
        people = run.room.world.people()
        due = [
            one
            for one in people.values()
            if one.expectation == "purgeable" and one.exists and not one.deleted
        ]
        extended = [due[0].primary_id] if self._extend and due else []
        done = run.room.sandbox.control.campus_load(
            undo_groups=not self._extend, extend=extended, recreate=[]
        )
        for key in extended:
            self._judge.changed_by_hand(key, must_stay=True)
        if done["groups_undone"]:
            self._judge.edited |= {key for key, one in people.items() if one.user_group == MARKER}


@pytest.mark.parametrize("extend", [False, True], ids=["groups_put_back", "student_again"])
@pytest.mark.parametrize("step", STEPS)
def test_a_campus_load_between_two_tasks(room: Room, step: str, extend: bool) -> None:
    room.fresh()
    judge = Judge(room.world)
    load = CampusLoad(judge, step, extend=extend)
    run = Run(room, before_step=load).go()
    assert load.came
    judge.judge(run).require_clean()
    assert picture_of(run).jobs in {(REGROUP_JOB, PURGE_JOB), (REGROUP_JOB,)}
    if not extend and step not in {PURGE}:
        assert run.state == "success"


def other_group(room: Room) -> None:
    """Edit the payload in the configuration, so that the job would move people elsewhere."""

    def edit(values: dict[str, str]) -> None:
        values["UPDATE_User_Information_UserGroup_Value"] = "REVIEW"

    edit_payload(room.config, "update_notify_users.json", edit)


def other_waive(room: Room) -> None:
    """Edit the purge payload, so that the job would waive money."""

    def edit(values: dict[str, str]) -> None:
        (name,) = [one for one in values if "waive" in one.lower()]
        values[name] = "1000"

    edit_payload(room.config, "purge_users.json", edit)


def other_rule(room: Room) -> None:
    _set(room.config, rules={"waive_threshold": 500})


def other_marker(room: Room) -> None:
    _set(room.config, marker_group="REVIEW")


def other_institution(room: Room) -> None:
    room.sandbox.tenant.institution = "01OTHER_ABC"


def other_environment(room: Room) -> None:
    room.sandbox.tenant.environment = "PRODUCTION"


def read_only_key(room: Room) -> None:
    room.sandbox.stage.keys[room.sandbox.key] = dict(room.sandbox.stage.keys[READ_KEY])


def _set(config: Path, **changes: Any) -> None:
    path = config / "institutions" / "demo.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def undo(room: Room) -> None:
    """Put back what the edits have changed."""
    room.mend_config()
    room.sandbox.tenant.institution, room.sandbox.tenant.environment = INSTITUTION, "SANDBOX"
    room.sandbox.stage.keys[room.sandbox.key] = dict.fromkeys(("users", "conf", "analytics"), "RW")


FROZEN = (other_group, other_waive)
DECIDING = (other_rule, other_marker, other_institution, other_environment, read_only_key)


@pytest.mark.parametrize("edit", FROZEN, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("before", [APPROVAL, REGROUP, PURGE])
def test_a_payload_edited_while_waiting_is_not_sent(
    room: Room, before: str, edit: Callable[[Room], None]
) -> None:
    room.fresh()
    judge = Judge(room.world)
    run = Run(room).go(until=before)
    edit(room)
    run.go()
    judge.judge(run).require_clean()
    sent = {one.job_id: one.parameters for one in jobs_of(run)}
    assert sent.get(REGROUP_JOB, {}).get("UPDATE_User_Information_UserGroup_Value", MARKER) == MARKER
    assert "1000" not in sent.get(PURGE_JOB, {}).values()
    assert run.state == "success"


@pytest.mark.parametrize("edit", DECIDING, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("before", [REGROUP, PURGE])
def test_settings_or_connection_edited_while_waiting_stop_the_run_and_nobody_is_left_behind(
    room: Room, approved: Bookmark, before: str, edit: Callable[[Room], None]
) -> None:
    run, judge = begun(room, approved)
    run.go(until=before)
    edit(room)
    try:
        run.go()
        assert run.state == "failed"
        assert before in run.failures()
        assert PURGE_JOB not in {one.job_id for one in jobs_of(run)}
    finally:
        undo(room)
    judge.judge(run).require_clean()
    assert nothing_happened(run, judge)


def test_a_reject_after_the_regroup_puts_everybody_back(room: Room, approved: Bookmark) -> None:
    run, judge = begun(room, approved)
    run.go(until=PURGE)
    assert room.world.in_group(MARKER)
    run.answerer = reject
    run.clear(APPROVAL, after=True).go()
    judge.judge(run).require_clean()
    assert run.state == "success"
    assert (run.states[REGROUP], run.states[PURGE]) == ("skipped", "skipped")
    assert nothing_happened(run, judge)
    assert json.loads(run.folder.read(files.CERTIFICATE))["outcome"] == "rejected"


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_purge_that_failed_is_not_started_again_a_month_later(
    room: Room, approved: Bookmark, share: float
) -> None:
    run, judge = begun(room, approved)
    order_job(room.sandbox.control, JobOrder(job_id=PURGE_JOB, end_status="COMPLETED_FAILED", share=share))
    run.go()
    assert "never starts it again" in run.said(PURGE)
    assert room.world.in_group(MARKER) == set()
    people = room.world.people()
    room.clock.advance(timedelta(days=31))
    for after in (False, True):
        run.clear(PURGE, after=after).go()
        assert "never starts it again" in run.said(PURGE)
    run.answerer = reject
    run.clear(APPROVAL, after=True).go()
    assert "never starts it again" in run.said(PURGE), "nobody is asked about a purge that was sent"
    assert run.document(files.CERTIFICATE)["decision"]["state"] == "approved"
    judge.judge(run).require_clean()
    assert len(jobs_of(run)) == 2
    assert room.world.people() == people


def test_a_purge_of_which_nobody_knows_is_not_started_again_a_month_later(
    room: Room, approved: Bookmark
) -> None:
    run, judge = begun(room, approved)
    arm(room.sandbox, "reset_before", method="POST", path=f"/conf/jobs/{PURGE_JOB}")
    run.go()
    assert "It is not known whether" in run.said(PURGE)
    room.clock.advance(timedelta(days=31))
    run.clear(PURGE, after=True).go()
    assert "It is not known whether" in run.said(PURGE)
    judge.judge(run).require_clean()
    assert [one.job_id for one in jobs_of(run)] == [REGROUP_JOB]
    assert nothing_happened(run, judge)


def test_the_run_after_a_purge_that_failed_finds_nobody_in_its_way(room: Room, approved: Bookmark) -> None:
    first, judge = begun(room, approved)
    order_job(room.sandbox.control, JobOrder(job_id=PURGE_JOB, end_status="COMPLETED_FAILED"))
    first.go()
    judge.judge(first).require_clean()
    room.clock.advance(timedelta(days=31))
    again = Judge(room.world)
    again.grow_older()
    second = Run(room, "manual__two").go()
    again.judge(second).require_clean()
    assert second.state == "success"
    assert len(jobs_of(second)) == 2
    assert second.dag_run.dag_id == DAG_ID
