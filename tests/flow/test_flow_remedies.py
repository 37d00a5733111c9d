"""What a stopped task says to do, done: the run goes on to its end, or a new one does."""

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta

import pytest
from tests.support.rehearsal.airflow import DEFERRED, FAILED, SUCCESS
from tests.support.rehearsal.answers import Question, Reply
from tests.support.rehearsal.bookmark import Bookmark, bookmark_of, go_on_from
from tests.support.rehearsal.judge import Judge, jobs_of
from tests.support.rehearsal.room import Room, open_room
from tests.support.rehearsal.run import Run
from tests.support.tenant import (
    MARKER,
    arm,
    change,
    disarm,
    payload,
    people,
    set_of,
    switch,
    talking,
    workbooks,
)
from tests.support.world import PURGEABLE, gone, of

from alma_purge import files
from alma_purge.remedies import ASK_AGAIN, CLEAR_THIS, NEW_RUN
from alma_sandbox.control.operator import JobOrder as Plan
from alma_sandbox.control.operator import order_job
from patron_purge.decision import Person
from patron_purge.looked import Looked

pytestmark = [pytest.mark.whole_run, pytest.mark.usefixtures("airflow_database")]

APPROVAL, REGROUP, PURGE = "approve_purge", "regroup_users", "purge_users"
JOBS = {REGROUP: "M148", PURGE: "M20261"}
PAYLOADS = {REGROUP: "update_notify_users.json", PURGE: "purge_users.json"}
BEFORE_THE_JOB = {REGROUP: ASK_AGAIN, PURGE: NEW_RUN}
AFTER_THE_START = {REGROUP: ASK_AGAIN, PURGE: CLEAR_THIS}
Trouble = Callable[[Room, str], Callable[[], None]]


@pytest.fixture(scope="module")
def opened(airflow_database: None) -> Iterator[Room]:
    del airflow_database
    with open_room(if_job_is_running="stop", job_hours=2, protect_list_sftp="protected*.csv") as room:
        yield room


def begin(room: Room) -> None:
    room.fresh()
    protect(room)
    # A file that is long enough to be compared with a later one.
    workbooks(room.sandbox, "add", book="fines", ids=[f"elsewhere-{number}" for number in range(40)])


def protect(room: Room) -> None:
    folder = room.sandbox.sftp_folder
    (folder / "protected.csv").write_text("kind,value,owner,reason,end_date\n", encoding="utf-8")


@pytest.fixture(scope="module")
def approved(opened: Room) -> Bookmark:
    begin(opened)
    return bookmark_of(Run(opened).go(until=REGROUP))


@pytest.fixture
def run(opened: Room, approved: Bookmark) -> Run:
    """A run whose list is approved, in a fresh tenant."""
    begin(opened)
    return go_on_from(approved, Run(opened))


@pytest.fixture
def judge(run: Run) -> Judge:
    return Judge(run.room.world)


def nobody_is_asked(_question: Question) -> Reply:
    raise AssertionError("nobody may be asked")


def follow(run: Run, remedy: str) -> Run:
    """Do what the first red task says, and nothing else; return the run that goes on."""
    task_id = next(iter(run.failures()))
    assert run.said(task_id).endswith(f" {remedy}."), run.said(task_id)
    if remedy == NEW_RUN:
        if "restore_kept" in run.failures():
            assert run.said("restore_kept").endswith(f" {CLEAR_THIS}.")
            run.clear("restore_kept", after=True).go()
        assert run.states["restore_kept"] == FAILED, "it only says that an earlier task has failed"
        return Run(run.room, "manual__two").go()
    return run.clear(APPROVAL if remedy == ASK_AGAIN else task_id, after=True).go()


def require_purged(run: Run, judge: Judge) -> None:
    """Make sure that a run has purged whom it may, and left nobody in the marker group."""
    assert run.state == SUCCESS, {key: box.error for key, box in run.failures().items()}
    left = gone(judge.before, run.room.world.people())
    assert left
    assert left <= {one.primary_id for one in of(judge.before, PURGEABLE)}
    assert judge.stranded() == set()
    assert [one.job_id for one in jobs_of(run)] == list(JOBS.values())


def files_shrink(room: Room, _task_id: str) -> Callable[[], None]:
    workbooks(room.sandbox, "shrink", book="fines", keep=4)
    return lambda: workbooks(room.sandbox, "rewrite")


def a_file_is_missing(room: Room, _task_id: str) -> Callable[[], None]:
    workbooks(room.sandbox, "drop", book="pids")
    return lambda: workbooks(room.sandbox, "rewrite")


def a_file_is_damaged(room: Room, _task_id: str) -> Callable[[], None]:
    workbooks(room.sandbox, "truncate", book="pids")
    return lambda: workbooks(room.sandbox, "rewrite")


def the_protect_list_is_missing(room: Room, _task_id: str) -> Callable[[], None]:
    (room.sandbox.sftp_folder / "protected.csv").unlink()
    return lambda: protect(room)


def alma_refuses(room: Room, _task_id: str) -> Callable[[], None]:
    arm(room.sandbox, "refusal", method="GET", path="/conf/general", times=0)
    return lambda: disarm(room.sandbox)


def alma_is_down(room: Room, _task_id: str) -> Callable[[], None]:
    arm(room.sandbox, "503_general_error", method="GET", path="/conf/general", times=0)
    return lambda: disarm(room.sandbox)


def a_stranger_in_the_group(room: Room, _task_id: str) -> Callable[[], None]:
    stranger = next(one for one in people(room.sandbox, "expiry_future"))
    home = stranger.user_group
    change(room.sandbox, stranger.primary_id, user_group=MARKER)
    room.clock.advance(timedelta(minutes=1))
    return lambda: change(room.sandbox, stranger.primary_id, user_group=home)


def the_set_can_not_be_filled(room: Room, _task_id: str) -> Callable[[], None]:
    arm(room.sandbox, "reset_before", method="POST", path="/conf/sets/", times=0)
    return lambda: disarm(room.sandbox)


def the_set_can_not_be_made(room: Room, _task_id: str) -> Callable[[], None]:
    arm(room.sandbox, "reset_before", method="POST", path="/conf/sets", times=0)
    return lambda: disarm(room.sandbox)


def somebody_else_runs_the_job(room: Room, task_id: str) -> Callable[[], None]:
    other = people(room.sandbox, "expiry_future")[0]
    home = other.user_group
    with talking(room.sandbox) as client:
        set_id = set_of(client, [other.primary_id], "of others")
        client.jobs.run(JOBS[task_id], payload(PAYLOADS[task_id], set_id, "somebody else's"))

    def mend() -> None:
        room.clock.advance(timedelta(minutes=5))
        if other.user_group == MARKER:
            change(room.sandbox, other.primary_id, user_group=home)
            room.clock.advance(timedelta(minutes=1))

    return mend


def watch_to_the_end(room: Room, task_id: str) -> None:
    """Look at Alma's Monitor Jobs page until no job is at work."""
    with talking(room.sandbox) as client:
        since = room.clock.now(UTC).date() - timedelta(days=2)
        while not all(one.status.is_terminal for one in client.jobs.instances(JOBS[task_id], since)):
            room.clock.advance(timedelta(minutes=1))


BOTH: dict[str, tuple[Trouble, str]] = {
    "files shrink": (files_shrink, "rows when the list was made"),
    "a file is missing": (a_file_is_missing, "No exclusion file matches"),
    "a file is damaged": (a_file_is_damaged, "incomplete or damaged"),
    "the protect list is missing": (the_protect_list_is_missing, "No protect list matches"),
    "Alma refuses": (alma_refuses, "Mend the cause."),
    "Alma is down": (alma_is_down, "If this task stays red"),
    "a stranger in the group": (a_stranger_in_the_group, f"group {MARKER}"),
}
REGROUP_ONLY: dict[str, tuple[Trouble, str]] = {
    "the set can't be filled": (the_set_can_not_be_filled, "Look at the set in Alma."),
    "the set can't be made": (the_set_can_not_be_made, "Another try looks for the set"),
}


@pytest.mark.parametrize(
    ("task_id", "case"),
    [*((task_id, case) for task_id in JOBS for case in BOTH), *((REGROUP, case) for case in REGROUP_ONLY)],
)
def test_before_the_job_was_started_the_way_on_leads_to_a_purge(
    run: Run, judge: Judge, task_id: str, case: str
) -> None:
    trouble, part = (BOTH | REGROUP_ONLY)[case]
    run.go(until=task_id)
    mend = trouble(run.room, task_id)
    run.go()
    assert part in run.said(task_id)
    mend()
    require_purged(follow(run, BEFORE_THE_JOB[task_id]), judge)


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_clearing_an_acting_task_alone_is_refused_with_the_way_on(
    run: Run, judge: Judge, task_id: str
) -> None:
    run.go(until=task_id)
    run.clear(task_id, after=True).go()
    assert "which revokes it" in run.said(task_id)
    require_purged(follow(run, BEFORE_THE_JOB[task_id]), judge)


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_a_job_that_took_too_long_is_found_again(run: Run, judge: Judge, task_id: str) -> None:
    run.go(until=task_id)
    switch(run.room.sandbox, job_seconds=3 * 3600)
    run.go()
    assert "wait for its end there" in run.said(task_id)
    run.room.clock.advance(timedelta(hours=3))
    watch_to_the_end(run.room, task_id)
    switch(run.room.sandbox, job_seconds=20)
    require_purged(follow(run, AFTER_THE_START[task_id]), judge)


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_a_job_that_is_there_after_all_is_found_again(run: Run, judge: Judge, task_id: str) -> None:
    run.go(until=task_id)
    arm(run.room.sandbox, "reset_after", method="POST", path=f"/conf/jobs/{JOBS[task_id]}")
    instances = f"/conf/jobs/{JOBS[task_id]}/instances"

    def nothing_is_listed(run: Run, begun: str) -> None:
        if run.boxes[begun].state == DEFERRED:
            arm(run.room.sandbox, "refusal", method="GET", path=instances, times=0)

    run.before_step = nothing_is_listed
    run.go()
    assert "is not started again" in run.said(task_id)
    run.before_step = lambda _run, _task_id: None
    disarm(run.room.sandbox)
    require_purged(follow(run, AFTER_THE_START[task_id]), judge)


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
@pytest.mark.parametrize("somebody_looks", [True, False])
def test_a_job_that_was_never_started_ends_with_everybody_put_back(
    run: Run, judge: Judge, task_id: str, somebody_looks: bool
) -> None:
    run.go(until=task_id)
    arm(run.room.sandbox, "reset_before", method="POST", path=f"/conf/jobs/{JOBS[task_id]}")
    run.go()
    said = run.said(task_id)
    for part in ("not sent again", "review page", "an hour after the start, clear reconcile", "a new run"):
        assert part in said
    if somebody_looks:
        look(run)
    else:
        run.room.clock.advance(timedelta(hours=1))
    run.clear("reconcile", after=True).go()
    assert judge.stranded() == set()
    require_purged(Run(run.room, "manual__two").go(), judge)


def look(run: Run) -> None:
    """Say on the review page that the job is not there."""
    record = run.document(
        files.PURGE_RECORD if run.folder.read_if_there(files.PURGE_RECORD) else files.REGROUP_RECORD
    )
    seen = Looked(
        job_name=record["job_name"],
        attempt=record["attempt"],
        by=Person(id="olga", name="Olga"),
        at=run.room.clock.now(UTC),
    )
    run.folder.append(files.LOOKED_ENTRY, seen.model_dump_json().encode())


def test_where_alma_shows_no_names_only_a_person_can_say_that_the_job_is_not_there(
    run: Run, judge: Judge
) -> None:
    switch(run.room.sandbox, job_name_echoed=False)
    run.go(until=PURGE)
    arm(run.room.sandbox, "reset_before", method="POST", path=f"/conf/jobs/{JOBS[PURGE]}")
    run.go()
    assert "An approver must say on the review page" in run.said(PURGE)
    run.room.clock.advance(timedelta(hours=2))
    run.clear("reconcile", after=True).go()
    assert judge.stranded(), "until then restore_kept puts nobody back"
    look(run)
    run.clear("reconcile", after=True).go()
    assert judge.stranded() == set()
    require_purged(Run(run.room, "manual__two").go(), judge)


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_another_job_of_the_same_kind_is_waited_for(run: Run, judge: Judge, task_id: str) -> None:
    run.go(until=task_id)
    mend = somebody_else_runs_the_job(run.room, task_id)
    run.go()
    assert "whose it is, and wait for its end" in run.said(task_id)
    mend()
    require_purged(follow(run, BEFORE_THE_JOB[task_id]), judge)


def test_nobody_is_asked_about_a_list_whose_people_were_put_back(run: Run, judge: Judge) -> None:
    run.go(until=PURGE)
    workbooks(run.room.sandbox, "drop", book="pids")
    run.go()
    workbooks(run.room.sandbox, "rewrite")
    run.answerer = nobody_is_asked
    run.clear(APPROVAL, after=True).go()
    assert "This run is over" in run.said(APPROVAL)
    assert "rigger a new run" in run.said(APPROVAL)
    judge.judge(run).require_clean()
    require_purged(Run(run.room, "manual__two").go(), judge)


def test_nobody_is_asked_after_a_regroup_that_ended_badly(run: Run, judge: Judge) -> None:
    order_job(run.room.sandbox.control, Plan(job_id=JOBS[REGROUP], end_status="COMPLETED_FAILED", share=0.5))
    run.go()
    run.answerer = nobody_is_asked
    run.clear(APPROVAL, after=True).go()
    assert "has ended badly" in run.said(APPROVAL)
    judge.judge(run).require_clean()
    require_purged(Run(run.room, "manual__two").go(), judge)


def test_as_long_as_nobody_was_put_back_the_approval_is_asked_again(run: Run, judge: Judge) -> None:
    workbooks(run.room.sandbox, "drop", book="pids")
    run.go()
    workbooks(run.room.sandbox, "rewrite")
    assert run.folder.read_if_there(files.RESTORE), "written, although nobody was moved"
    run.clear(APPROVAL, after=True).go(until=PURGE)
    assert judge.stranded()
    asked = len(run.room.questions)
    run.clear(APPROVAL, after=True).go()
    assert len(run.room.questions) == asked + 1
    require_purged(run, judge)


def test_whoever_the_purge_itself_has_put_back_does_not_end_the_run(run: Run, judge: Judge) -> None:
    run.go(until=PURGE)
    person = sorted(judge.stranded())[0]
    workbooks(run.room.sandbox, "add", book="fines", ids=[person])
    arm(run.room.sandbox, "402222", method="POST", path=f"/conf/jobs/{JOBS[PURGE]}", times=0)
    run.step_once(PURGE)
    assert run.boxes[PURGE].state == DEFERRED, "it waits for room in Alma"
    assert person not in judge.stranded()
    disarm(run.room.sandbox)
    asked = len(run.room.questions)
    run.clear(APPROVAL, after=True).go()
    assert len(run.room.questions) == asked + 1
    require_purged(run, judge)
    assert run.room.world.people()[person] == judge.before[person]


def test_nobody_is_asked_about_a_purge_that_was_started_without_an_approval_on_file(run: Run) -> None:
    run.go()
    assert run.state == SUCCESS
    run.folder.remove(files.DECISION)
    run.answerer = nobody_is_asked
    run.clear(APPROVAL, after=True).go()
    assert "no approval is on file any more" in run.said(APPROVAL)
