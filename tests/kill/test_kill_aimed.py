"""Kill -9 at the moments that hurt most, under a real Airflow with processes of its own."""

import random

from tests.support.moments import CHANGE_USER, FILL, PURGE, READ_SET, REGROUP
from tests.support.sabotage import AtCall, Kill, Victim
from tests.support.stand import Stand, play_all


def test_kills_between_the_start_of_a_job_and_its_answer(stand: Stand, chance: random.Random) -> None:
    """Three institutions at once: Alma has started the job, and whoever asked is dead before it says so."""
    plays = [
        stand.begin(
            "north",
            [
                Kill(Victim.TASK, AtCall("regroup_users", "POST", REGROUP)),
                Kill(Victim.TASK, AtCall("purge_users", "POST", PURGE)),
            ],
            chance,
        ),
        stand.begin(
            "south",
            [
                Kill(Victim.SUPERVISOR, AtCall("regroup_users", "POST", REGROUP)),
                Kill(Victim.SUPERVISOR, AtCall("purge_users", "POST", PURGE)),
            ],
            chance,
        ),
        stand.begin(
            "east",
            [
                Kill(Victim.TASK, AtCall("regroup_users", "POST", FILL, lost=True)),
                Kill(Victim.TASK, AtCall("regroup_users", "GET", READ_SET)),
                Kill(Victim.TASK, AtCall("purge_users", "GET", READ_SET)),
                Kill(Victim.TASK, AtCall("restore_kept", "PUT", CHANGE_USER)),
            ],
            chance,
        ),
    ]
    play_all(plays)
    for play in plays:
        play.assert_complete()
