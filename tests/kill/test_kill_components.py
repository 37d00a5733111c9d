"""Kill -9 of whole components: triggerer, scheduler with and without its workers, api-server, dag-processor."""

import random

from tests.support.moments import PURGE, REGROUP
from tests.support.sabotage import AtCall, InState, Kill, Victim
from tests.support.stand import Stand, play_all

WAITING = "awaiting_input"
ENOUGH = 6


def test_components_are_killed_while_three_institutions_purge(stand: Stand, chance: random.Random) -> None:
    """Each kill disturbs the other two runs as well, wherever they happen to be.

    One that is hit between the stored intent and the start of a job stops for a person, as it should.
    """
    triggerer = stand.begin(
        "north",
        [
            Kill(Victim.TRIGGERER, InState("approve_purge", WAITING)),
            Kill(Victim.TRIGGERER, InState("regroup_users", "deferred")),
            Kill(Victim.TRIGGERER, InState("purge_users", "deferred")),
            Kill(Victim.DAG_PROCESSOR, InState("reconcile")),
        ],
        chance,
    )
    scheduler = stand.begin(
        "south",
        [
            Kill(Victim.SCHEDULER, InState("check_live")),
            Kill(Victim.SCHEDULER, InState("approve_purge", WAITING)),
            Kill(Victim.SCHEDULER, AtCall("regroup_users", "POST", REGROUP)),
            Kill(Victim.SCHEDULER, InState("restore_kept")),
        ],
        chance,
    )
    api_server = stand.begin(
        "east",
        [
            Kill(Victim.API_SERVER, AtCall("regroup_users", "POST", REGROUP)),
            Kill(Victim.SCHEDULER, InState("purge_users", "deferred")),
        ],
        chance,
    )
    plays = [triggerer, scheduler, api_server]
    for play in plays:
        play.saboteur.may_miss = True
    play_all(plays)
    assert sum(len(play.saboteur.made) for play in plays) >= ENOUGH
    for play in plays:
        play.assert_right()


def test_a_new_scheduler_starts_a_task_whose_first_process_still_works(
    stand: Stand, chance: random.Random
) -> None:
    """Only the scheduler dies: the process it has forked goes on while the task is given out a second time."""
    play = stand.begin(
        "east",
        [
            Kill(Victim.SCHEDULER_ALONE, AtCall("regroup_users", "POST", REGROUP)),
            Kill(Victim.SCHEDULER_ALONE, AtCall("purge_users", "POST", PURGE)),
            Kill(Victim.SCHEDULER_ALONE, InState("restore_kept")),
        ],
        chance,
    )
    play_all([play])
    play.assert_complete()
