"""What happens to the run while a task checks everybody once more, and what is sent after it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.rehearsal.airflow import FAILED, SUCCESS
from tests.support.rehearsal.answers import Question, Reply, approve, approve_without
from tests.support.rehearsal.judge import Judge, jobs_of
from tests.support.rehearsal.room import Room, open_room
from tests.support.rehearsal.run import Run
from tests.support.rehearsal.scenes import first_purgeable, lend
from tests.support.rehearsal.worker import Effect, Moment
from tests.support.tenant import MARKER, change, workbooks
from tests.support.world import gone

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage

pytestmark = [pytest.mark.whole_run, pytest.mark.usefixtures("airflow_database")]

APPROVAL, REGROUP, PURGE = "approve_purge", "regroup_users", "purge_users"
JOBS = {REGROUP: "M148", PURGE: "M20261"}
Event = Callable[[Run], None]


@pytest.fixture(scope="module")
def room(airflow_database: None) -> Iterator[Room]:
    del airflow_database
    with open_room() as opened:
        yield opened


@pytest.fixture
def judge(room: Room) -> Judge:
    room.fresh()
    return Judge(room.world)


def while_it_checks(task_id: str, event: Event) -> Callable[[Run, Effect, Moment], bool]:
    """Let something happen once, when a task reads the first person."""
    done: list[str] = []

    def at(run: Run, effect: Effect, moment: Moment) -> bool:
        del moment
        if effect.task_id == task_id and effect.label.startswith("GET /users/") and not done:
            done.append(task_id)
            worker = run.room.worker
            event(run)
            run.room.worker = worker
        return False

    return at


def jobs(run: Run) -> list[str]:
    return [one.job_id for one in jobs_of(run)]


def expire(run: Run) -> None:
    until = datetime.fromisoformat(run.document(files.DECISION)["valid_until"])
    run.room.clock.advance_to(until)
    workbooks(run.room.sandbox, "rewrite")


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_an_approval_that_expires_during_the_last_check_sends_nothing(
    room: Room, judge: Judge, task_id: str
) -> None:
    run = Run(room, killer=while_it_checks(task_id, expire)).go()
    assert JOBS[task_id] not in jobs(run)
    assert "approval expired" in run.said(task_id)
    assert judge.stranded() == set()
    judge.judge(run).require_clean()


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_an_approval_that_is_taken_back_during_the_last_check_sends_nothing(
    room: Room, judge: Judge, task_id: str
) -> None:
    def take_back(run: Run) -> None:
        run.clear(APPROVAL)

    run = Run(room, killer=while_it_checks(task_id, take_back)).go(until=task_id).step_once(task_id)
    assert JOBS[task_id] not in jobs(run)
    assert "approve_purge was cleared or stopped meanwhile" in run.said(task_id)
    run.clear(APPROVAL, after=True).go()
    judge.judge(run).require_clean()
    assert judge.stranded() == set()


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_an_approval_that_is_asked_for_again_during_the_last_check_sends_nothing(
    room: Room, judge: Judge, task_id: str
) -> None:
    def ask_again(run: Run) -> None:
        run.clear(APPROVAL)
        run.go(until=task_id)
        assert run.states[APPROVAL] == SUCCESS, "it was even approved again"

    run = Run(room, killer=while_it_checks(task_id, ask_again)).go(until=task_id).step_once(task_id)
    assert JOBS[task_id] not in jobs(run)
    assert "The approval was changed" in run.said(task_id)
    run.clear(APPROVAL, after=True).go()
    judge.judge(run).require_clean()
    assert judge.stranded() == set()


@pytest.mark.parametrize("end_begins", [False, True])
@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_a_task_that_is_marked_failed_by_hand_sends_nothing_more(
    room: Room, judge: Judge, task_id: str, *, end_begins: bool
) -> None:
    """Airflow ends the process some seconds later; the tasks after it begin at once."""

    def stop(run: Run) -> None:
        run.mark_failed(task_id)
        if end_begins:
            run.go(until="restore_kept")

    run = Run(room, killer=while_it_checks(task_id, stop)).go()
    assert JOBS[task_id] not in jobs(run)
    assert run.states[task_id] == FAILED
    assert judge.stranded() == set()
    judge.judge(run).require_clean()
    assert run.document(files.CERTIFICATE)["purged"] == 0


@pytest.mark.parametrize("task_id", [REGROUP, PURGE])
def test_a_task_that_is_marked_failed_in_the_moment_of_sending_is_not_believed_to_have_sent_nothing(
    room: Room, judge: Judge, task_id: str
) -> None:
    done: list[str] = []

    def at(run: Run, effect: Effect, moment: Moment) -> bool:
        sending = effect.label.startswith(f"POST /conf/jobs/{JOBS[task_id]}")
        if effect.task_id == task_id and sending and moment is Moment.BEFORE and not done:
            done.append(task_id)
            worker = room.worker
            run.mark_failed(task_id)
            run.go(until="restore_kept")
            room.worker = worker
        return False

    run = Run(room, killer=at).go()
    assert JOBS[task_id] in jobs(run)
    room.clock.advance(timedelta(hours=2))
    run.clear("reconcile", after=True).go()
    judge.judge(run).require_clean()
    assert judge.stranded() == set()


def test_tasks_that_are_cleared_without_the_end_of_the_run_move_nobody(room: Room, judge: Judge) -> None:
    def break_once(run: Run, effect: Effect, moment: Moment) -> bool:
        del moment
        starts = effect.label.startswith("create regroup-job-start")
        return effect.task_id == REGROUP and starts and run.dag_run.clear_number == 0

    run = Run(room, killer=break_once).go()
    assert run.states[REGROUP] == FAILED
    assert run.states["restore_kept"] == FAILED
    run.clear(APPROVAL, REGROUP, PURGE).go()
    assert jobs(run) == []
    assert "reconcile and restore_kept had their turn in this run already" in run.said(REGROUP)
    assert room.world.in_group(MARKER) == set()
    run.clear(APPROVAL, after=True).go()
    assert jobs(run) == [JOBS[REGROUP], JOBS[PURGE]]
    judge.judge(run).require_clean()
    assert judge.stranded() == set()


@pytest.mark.parametrize("everybody_else_too", [False, True])
def test_whoever_was_dropped_late_and_is_then_taken_off_by_the_reviewer_is_counted_once(
    room: Room, judge: Judge, *, everybody_else_too: bool
) -> None:
    chosen: list[str] = []

    def lend_one(run: Run, task_id: str) -> None:
        if task_id == REGROUP and not chosen:
            borrower = first_purgeable(run)
            lend(run, judge, borrower)
            others = sorted(run.approvals[-1].people - {borrower})
            chosen.extend([borrower, *(others[:-1] if everybody_else_too else [])])

    def answer(question: Question) -> Reply | None:
        if not chosen:
            return approve(question)
        return approve_without(run.folder, question, chosen, room.clock.now(UTC))

    def break_once(run: Run, effect: Effect, moment: Moment) -> bool:
        starts = effect.label.startswith("create regroup-job-start")
        return (
            effect.task_id == REGROUP and starts and moment is Moment.BEFORE and not run.dag_run.clear_number
        )

    run = Run(room, before_step=lend_one, answerer=answer, killer=break_once).go()
    assert run.states[REGROUP] == FAILED
    run.clear(APPROVAL, after=True).go()
    assert run.state == SUCCESS, {key: box.error for key, box in run.failures().items()}
    (regroup, purge) = (run.document(name) for name in (files.REGROUP, files.PURGE))
    assert regroup["sent"] == purge["sent"] == regroup["approved"]
    assert regroup["dropped"] == purge["dropped"] == 0
    judge.judge(run).require_clean()


def test_the_list_may_be_cleared_while_the_purge_job_runs(room: Room, judge: Judge) -> None:
    run = Run(room).go(until=PURGE).step_once(PURGE)
    assert run.document(files.PURGE_RECORD)["stage"] == JobStage.STARTED
    run.clear("prepare_review").go()
    assert run.states[PURGE] == SUCCESS, run.said(PURGE)
    assert run.document(files.PURGE)["sent"] > 0
    judge.judge(run).require_clean()
    assert judge.stranded() == set()


def test_an_older_run_leaves_the_people_of_a_later_one_alone(room: Room, judge: Judge) -> None:
    first = Run(room, "manual__first").go()
    back = [key for key, one in first.document(files.RESTORE_LOG).items() if one["outcome"] == "restored"]
    person = back[0]
    new_group = next(
        one.user_group
        for one in room.world.people().values()
        if one.user_group not in {MARKER, "I-Share", room.world.people()[person].user_group}
    )
    change(room.sandbox, person, user_group=new_group)
    judge = Judge(room.world)
    workbooks(room.sandbox, "rewrite")
    second = Run(room, "manual__second").go(until=PURGE)
    moved = room.world.in_group(MARKER)
    assert person in moved
    first.clear("restore_kept", after=True).go()
    assert first.states["restore_kept"] == SUCCESS, "everybody of it was put back long ago"
    assert room.world.in_group(MARKER) == moved
    second.go()
    assert room.world.people()[person].user_group == new_group
    judge.judge(second).require_clean()


def test_an_older_run_that_has_not_settled_everybody_names_the_later_one(room: Room, judge: Judge) -> None:
    first = Run(room, "manual__first").go()
    log = first.document(files.RESTORE_LOG)
    person = next(key for key, one in log.items() if one["outcome"] == "restored")
    judge = Judge(room.world)
    workbooks(room.sandbox, "rewrite")
    second = Run(room, "manual__second").go(until=PURGE)
    moved = room.world.in_group(MARKER)
    first.folder.remove(files.RESTORE_LOG)
    first.clear("restore_kept", after=True).go()
    assert "The run manual__second has moved people" in first.said("restore_kept")
    assert room.world.in_group(MARKER) == moved
    assert person in moved
    second.go()
    judge.judge(second).require_clean()


def test_a_purge_that_a_person_was_asked_to_run_is_no_job_to_wait_for(room: Room, judge: Judge) -> None:
    run = Run(room).go(until=PURGE)
    asked = JobRecord(
        stage=JobStage.INTENDED,
        job_name="Purge User Records",
        attempt=1,
        intended_at=room.clock.now(UTC),
        by_hand=True,
    )
    run.folder.write(files.PURGE_RECORD, asked.model_dump_json().encode())
    run.go()
    assert "The setting engine in demo.yaml was changed" in run.said(PURGE)
    assert JOBS[PURGE] not in jobs(run)
    assert not gone(judge.before, room.world.people())
