"""A running Airflow with the tenants of its institutions, and the plays that are given on it."""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from tests.support.airflow_person import PersonClient, Watch
from tests.support.airflow_site import AirflowSite
from tests.support.judgement import assert_complete, assert_stopped, run_folder_of
from tests.support.sabotage import Kill, Saboteur
from tests.support.world import Person, World

from alma_purge.places import dag_id_of
from alma_purge.run_folder import RunFolder
from alma_sandbox.server import RunningSandbox
from demo.follow import Run

_NUMBERS = count(1)


@dataclass
class Play:
    """One run of one institution, with the kills that disturb it.

    Attributes:
        code: The institution.
        world: Its tenant.
        before: The tenant's people before the run.
        watch: Follows the run.
        saboteur: Makes the kills.
        folder: The run folder.
        state: Airflow's word for how it ended.
    """

    code: str
    world: World
    before: dict[str, Person]
    watch: Watch
    saboteur: Saboteur
    folder: RunFolder
    state: str = ""

    def to_the_end(self) -> None:
        """Follow the run to its end, making the kills on the way."""
        self.state = self.watch.until(self.saboteur)

    def assert_complete(self) -> None:
        """Make sure that all kills were made and the run was completed nevertheless."""
        assert not self.saboteur.kills, (
            f"not made: {self.saboteur.kills}; the run said {self.watch.sentences}"
        )
        assert self.state == "success", self.watch.sentences
        assert_complete(self.world, self.before, self.folder)

    def assert_right(self) -> None:
        """Make sure that the run was completed, or stopped with a sentence and without harm."""
        if self.state == "success":
            assert_complete(self.world, self.before, self.folder)
        else:
            assert_stopped(self.world, self.before, self.folder, self.watch)


@dataclass
class Stand:
    """A running Airflow and its tenants.

    Attributes:
        site: The Airflow.
        client: A client, logged in as the approver.
        sandboxes: The tenant of each institution.
    """

    site: AirflowSite
    client: PersonClient
    sandboxes: Mapping[str, RunningSandbox]
    store: str = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.site.environment["ALMA_PURGE_STORE"]

    def begin(self, code: str, kills: Sequence[Kill], chance: random.Random, *, reset: bool = True) -> Play:
        """Trigger a run.

        Args:
            code: The institution.
            kills: What is to be killed in the run, in this order.
            chance: Decides the moments.
            reset: Whether the tenant starts over first.
        """
        sandbox = self.sandboxes[code]
        if reset:
            sandbox.control.reset(None, None)
        world = World(sandbox)
        before = world.people()
        run = Run(self.site.log_in(), dag_id_of(code), f"killed_{next(_NUMBERS)}")
        run.client.trigger(run.dag_id, run.run_id)
        watch = Watch(run, ran=world.has_run)
        saboteur = Saboteur(self.site, sandbox, list(kills), chance)
        return Play(code, world, before, watch, saboteur, run_folder_of(self.store, watch))


def play_all(plays: Sequence[Play]) -> None:
    """Follow several runs at once to their ends."""
    with ThreadPoolExecutor(len(plays)) as pool:
        for ended in [pool.submit(play.to_the_end) for play in plays]:
            ended.result()
