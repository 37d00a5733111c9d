"""The start of a job gets lost on its way, and whoever sent it is dead: nothing is sent twice."""

import random

from tests.support.judgement import assert_everybody_home
from tests.support.moments import REGROUP
from tests.support.sabotage import AtCall, Kill, Victim
from tests.support.stand import Stand, play_all


def test_a_start_that_never_arrived_is_not_sent_again_and_a_new_run_completes(
    stand: Stand, chance: random.Random
) -> None:
    lost = stand.begin(
        "north", [Kill(Victim.TASK, AtCall("regroup_users", "POST", REGROUP, lost=True))], chance
    )
    lost.watch.clears = 1
    play_all([lost])

    assert not lost.saboteur.kills
    assert lost.state == "failed"
    assert lost.world.job_starts() == {}
    assert_everybody_home(lost.before, lost.world.people())
    said = " ".join(sentence for _task, sentence in lost.watch.sentences)
    assert "It is not known whether the Alma job" in said
    assert "trigger a new run" in said

    again = stand.begin("north", [], chance, reset=False)
    play_all([again])
    again.assert_complete()
