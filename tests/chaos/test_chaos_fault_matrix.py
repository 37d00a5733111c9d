"""Every call that may change Alma, spoiled in every way, at the first call, at a retry and after a clear."""

import pytest
from tests.support.rehearsal.bookmark import Bookmark, go_on_from
from tests.support.rehearsal.calls import (
    CALLS,
    CLEARLY_REFUSED,
    EFFECT_COMES,
    FAULTS,
    ChangingCall,
    changing_effects,
)
from tests.support.rehearsal.judge import Judge, how_it_ended
from tests.support.rehearsal.room import Room
from tests.support.rehearsal.run import Run
from tests.support.rehearsal.scenes import LateLoan, die_once
from tests.support.rehearsal.worker import Moment
from tests.support.tenant import arm

from alma_sandbox.state.faults import FaultKind

FIRST, RETRY, CLEARED = "first_call", "retry", "after_clear"
JOB_STARTS = {"regroup_job", "purge_job"}


class Spoiler:
    """Arms one fault for one call of one run, at the right time.

    Args:
        call: The call.
        kind: The fault.
        when: At which of the three times the call is spoiled.
        late_loan: What else happens in the run.
    """

    def __init__(self, call: ChangingCall, kind: FaultKind, when: str, late_loan: LateLoan) -> None:
        self.call = call
        self.kind = kind
        self.when = when
        self.late_loan = late_loan
        self.armed = False

    def __call__(self, run: Run, task_id: str) -> None:
        self.late_loan(run, task_id)
        if task_id != self.call.task_id or self.armed:
            return
        if self.when == CLEARED and run.deaths and not run.dag_run.clear_number:
            run.clear(self.call.cleared_by, after=True)
        elif self.is_time(run):
            self.armed = True
            seconds = 0.01 if self.kind is FaultKind.SLOW else 30.0
            arm(run.room.sandbox, self.kind, method=self.call.method, path=self.call.path, seconds=seconds)

    def is_time(self, run: Run) -> bool:
        return {
            FIRST: True,
            RETRY: run.deaths == 1,
            CLEARED: run.dag_run.clear_number == 1,
        }[self.when]


def expected_end(call: ChangingCall, kind: FaultKind) -> set[str]:
    """Return how a run may end: it must stop where nobody can know whether a job was started."""
    if call.name in JOB_STARTS:
        return {"complete"} if kind in EFFECT_COMES | CLEARLY_REFUSED else {"stopped"}
    if kind is FaultKind.JOB_THRESHOLD:
        return {"complete", "stopped"}  # for any other call it is a refusal that only a person can mend
    if call.name == "restore" and kind not in EFFECT_COMES:
        return {"complete", "stopped"}  # so is a record that can't be changed
    return {"complete"}


@pytest.mark.parametrize("when", [FIRST, RETRY, CLEARED])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_one_spoiled_call(
    room: Room, approved: Bookmark, call: ChangingCall, kind: FaultKind, when: str
) -> None:
    room.fresh()
    judge = Judge(room.world)
    spoiler = Spoiler(call, kind, when, LateLoan(judge))
    run = Run(room, before_step=spoiler)
    if call.task_id != "preflight":
        go_on_from(approved, run)
    if when != FIRST:
        run.killer = die_once(call.comes_next, Moment.BEFORE)
    run.go()

    (fault,) = room.sandbox.tenant.faults.armed
    assert fault.fired == 1, "the call was never spoiled"
    ended = how_it_ended(run), {key: box.error for key, box in run.failures().items()}
    judge.judge(run).require_clean()
    assert ended[0] in expected_end(call, kind), ended


def test_the_matrix_knows_every_call_that_a_run_makes(room: Room) -> None:
    room.fresh()
    judge = Judge(room.world)
    run = Run(room, before_step=LateLoan(judge)).go()
    judge.judge(run).require_clean()
    made = changing_effects(run)
    unknown = [one.label for one in made if not any(call.is_made_by(one) for call in CALLS)]
    assert unknown == []
    assert [call.name for call in CALLS if not any(call.is_made_by(one) for one in made)] == []
