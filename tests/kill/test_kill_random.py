"""Kill -9 at random moments of a run; KILL_SEED repeats them."""

import random

from tests.support.sabotage import InState, Kill, Victim
from tests.support.stand import Stand, play_all

from demo.follow import ORDER

WAITING = {"approve_purge": "awaiting_input", "regroup_users": "deferred", "purge_users": "deferred"}
BY_HAND_ONLY = {"ready_to_purge"}  # passes at once when Alma's job purges
ENOUGH_OF_EACH_TASK = 6
ENOUGH_AT_RANDOM = 4
KILLS_PER_RUN = 3
VICTIMS = [victim for victim in Victim if victim is not Victim.WORKER]  # here the scheduler runs the tasks


def test_the_process_of_each_task_is_killed_once(stand: Stand, chance: random.Random) -> None:
    kills = [Kill(Victim.TASK, InState(task_id)) for task_id in ORDER if task_id not in BY_HAND_ONLY]
    play = stand.begin("north", kills, chance)
    play.saboteur.may_miss = True
    play_all([play])
    assert len(play.saboteur.made) >= ENOUGH_OF_EACH_TASK, play.saboteur.made
    play.assert_complete()


def test_random_processes_of_three_institutions_are_killed_at_random_moments(
    stand: Stand, chance: random.Random
) -> None:
    plays = [stand.begin(code, random_kills(chance), chance) for code in stand.sandboxes]
    for play in plays:
        play.saboteur.may_miss = True
    play_all(plays)
    made = [kill for play in plays for kill in play.saboteur.made]
    assert len(made) >= ENOUGH_AT_RANDOM, made
    for play in plays:
        play.assert_right()


def random_kills(chance: random.Random) -> list[Kill]:
    """Choose tasks of the flow in their order, and for each a moment and a victim."""
    chosen = sorted(chance.sample(range(len(ORDER)), KILLS_PER_RUN))
    return [Kill(chance.choice(VICTIMS), _moment(ORDER[place], chance)) for place in chosen]


def _moment(task_id: str, chance: random.Random) -> InState:
    return InState(task_id, chance.choice(["running", WAITING.get(task_id, "running")]))
