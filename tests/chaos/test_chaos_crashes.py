"""A worker or the triggerer dies once, at every kind of effect that a run has, before and after it."""

from collections.abc import Iterator

import pytest
from tests.support.rehearsal.bookmark import Bookmark, go_on_from
from tests.support.rehearsal.judge import Judge, how_it_ended
from tests.support.rehearsal.picture import Picture, kind_of, picture_of
from tests.support.rehearsal.room import Room
from tests.support.rehearsal.run import TRIGGERER, Run
from tests.support.rehearsal.scenes import LateLoan, die_once
from tests.support.rehearsal.worker import Effect, Moment

ACTING = ("regroup_users", "purge_users")
BEFORE_THE_ACTING = ("preflight", "fetch_exclusions", "pull_report", "select_candidates", "check_live")
AT_THE_APPROVAL = ("prepare_review", "approve_purge")
AFTERWARDS = ("reconcile", "restore_kept", "certify", TRIGGERER)
# Between the intent to start a job and Alma's answer nobody can know whether it was started.
MAY_STOP = (
    "write regroup-job.json",
    "write purge-job.json",
    "store alma_job",
    "xcom job",
    "POST /conf/jobs/",
)


@pytest.fixture(scope="module")
def usual(room: Room) -> tuple[Picture, list[Effect]]:
    """The end of a run to which nothing happens but a late loan, and everything that it did."""
    room.fresh()
    judge = Judge(room.world)
    run = Run(room, before_step=LateLoan(judge)).go()
    judge.judge(run).require_clean()
    return picture_of(run), run.effects


def kinds(effects: list[Effect], task_id: str) -> Iterator[str]:
    """Yield each kind of effect of a task once, in order."""
    yield from dict.fromkeys(kind_of(one.label) for one in effects if one.task_id == task_id)


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("task_id", [*BEFORE_THE_ACTING, *AT_THE_APPROVAL, *ACTING, *AFTERWARDS])
def test_a_process_dies_once_anywhere(
    room: Room, approved: Bookmark, usual: tuple[Picture, list[Effect]], task_id: str, moment: Moment
) -> None:
    undisturbed, effects = usual
    found = list(kinds(effects, task_id))
    assert found
    for kind in found:
        room.fresh()
        judge = Judge(room.world)
        run = Run(room, before_step=LateLoan(judge))
        if task_id not in {*BEFORE_THE_ACTING, *AT_THE_APPROVAL}:
            go_on_from(approved, run)

        def here(effect: Effect, kind: str = kind) -> bool:
            return (effect.task_id, kind_of(effect.label)) == (task_id, kind)

        run.killer = die_once(here, moment)
        run.go()
        assert run.deaths == 1, kind
        ended = how_it_ended(run)
        verdict = judge.judge(run)
        assert not verdict.lines(), (kind, verdict.lines())
        if ended == "stopped" and task_id in ACTING and kind.startswith(MAY_STOP):
            continue
        assert ended == "complete", (kind, {key: box.error for key, box in run.failures().items()})
        assert picture_of(run).differences(undisturbed) == [], kind
