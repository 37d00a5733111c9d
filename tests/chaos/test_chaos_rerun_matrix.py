"""Every task fails before and after its effect and is cleared, alone and with everything after it."""

import pytest
from tests.support.rehearsal.calls import PURGE_JOB, REGROUP_JOB
from tests.support.rehearsal.judge import Judge, how_it_ended
from tests.support.rehearsal.picture import Picture, picture_of
from tests.support.rehearsal.room import Room
from tests.support.rehearsal.run import APPROVAL, Run
from tests.support.rehearsal.scenes import LateLoan
from tests.support.rehearsal.worker import END, START, Effect, Moment

from alma_purge.steps import upstream

FLOW = tuple(one for one in upstream.FLOW if one != "ready_to_purge")
BEFORE, AFTER = "before_its_effect", "after_its_effect"
ALONE, DOWNSTREAM = "alone", "with_downstream"
ACTING = ("regroup_users", "purge_users")


@pytest.fixture(scope="module")
def undisturbed(room: Room) -> Picture:
    """What a run leaves behind to which nothing happens but a late loan."""
    room.fresh()
    judge = Judge(room.world)
    run = Run(room, before_step=LateLoan(judge)).go()
    judge.judge(run).require_clean()
    assert run.state == "success"
    return picture_of(run)


class Failing:
    """Lets every try of a task die, until it is cleared.

    Args:
        task_id: The task.
        when: Before or after everything that it does.
    """

    def __init__(self, task_id: str, when: str) -> None:
        self.task_id = task_id
        self.label = START if when == BEFORE else END

    def __call__(self, run: Run, effect: Effect, moment: Moment) -> bool:
        dies_here = (effect.task_id, effect.label, moment) == (self.task_id, self.label, Moment.AFTER)
        return dies_here and run.dag_run.clear_number == 0


@pytest.mark.parametrize("how", [ALONE, DOWNSTREAM])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("task_id", FLOW)
def test_a_task_fails_and_is_cleared(
    room: Room, undisturbed: Picture, task_id: str, when: str, how: str
) -> None:
    room.fresh()
    judge = Judge(room.world)
    run = Run(room, before_step=LateLoan(judge), killer=Failing(task_id, when)).go()
    assert run.states[task_id] == "failed"
    assert run.state == "failed"
    tries = run.boxes[task_id].try_number
    run.clear(task_id, after=how == DOWNSTREAM).go()
    assert run.boxes[task_id].try_number > tries, "it was not run again"

    if how == ALONE:
        # What was not cleared stays as it is in Airflow; a person clears the rest, as the failed tasks ask for.
        later = FLOW[FLOW.index(task_id) + 1 :]
        run.clear(*(one for one in later if run.states[one] in {"failed", "upstream_failed"})).go()
    if any("cleared after the approval, which revokes it" in run.said(one) for one in ACTING):
        run.clear(APPROVAL, after=True).go()
    judge.judge(run).require_clean()
    end = picture_of(run)
    if (task_id, when) in {("regroup_users", AFTER), ("purge_users", BEFORE)}:
        # The accounting has put everybody back before the task was cleared, so nobody is left to be purged.
        assert end.jobs == (REGROUP_JOB,)
        assert {key for key, one in end.people.items() if one != judge.before[key]} <= judge.edited
        return
    assert end.differences(undisturbed) == []
    assert end.jobs == (REGROUP_JOB, PURGE_JOB)
    assert how_it_ended(run) == "complete"


def test_the_matrix_knows_every_task(room: Room) -> None:
    assert set(FLOW) == set(room.dag.task_ids)
