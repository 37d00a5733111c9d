"""A whole purge on workers that share no folder, also when one of them is killed in the middle."""

import random

from tests.distributed.conftest import WORKERS
from tests.support.moments import CHANGE_USER, PURGE, REGROUP
from tests.support.sabotage import AtCall, Kill, Victim
from tests.support.stand import Stand, play_all

from alma_purge import files


def test_the_other_worker_completes_a_purge_whose_worker_was_killed(
    stand: Stand, chance: random.Random
) -> None:
    play = stand.begin("north", [Kill(Victim.WORKER, AtCall("regroup_users", "POST", REGROUP))], chance)
    play_all([play])
    play.assert_complete()
    (killed,) = [name for name in WORKERS if stand.site.programs[name].has_ended()]
    assert play.folder.path.protocol == "s3"
    assert play.folder.read_if_there(files.LEDGER) is not None
    stand.site.start(killed)


def test_three_institutions_at_once_lose_a_worker(stand: Stand, chance: random.Random) -> None:
    victims = {
        "north": AtCall("purge_users", "POST", PURGE),
        "east": AtCall("restore_kept", "PUT", CHANGE_USER),
    }
    plays = [
        stand.begin(code, [Kill(Victim.WORKER, victims[code])] if code in victims else [], chance)
        for code in stand.sandboxes
    ]
    for play in plays:
        play.saboteur.brings_back = True
    play_all(plays)
    for play in plays:
        play.assert_complete()


def test_the_workers_keep_nothing_about_people_in_their_own_folders(stand: Stand) -> None:
    for name in WORKERS:
        kept = [path.name for path in (stand.site.layout.home / name).rglob("*") if path.is_file()]
        assert not {files.SNAPSHOT, files.LEDGER, files.REPORT, files.WORKBOOK} & set(kept)
        assert not [path for path in kept if path.endswith((".csv", ".xlsx"))]
