"""The Airflow and the tenant that a browser test looks at."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.airflow_person import PersonClient
from tests.support.world import World

from alma_purge.places import dag_id_of
from alma_sandbox.server import RunningSandbox

DAG_ID = dag_id_of("demo")
REVIEW = "/alma-purge/api/review"
PATIENCE_SECONDS = 240
# Airflow loses an answer that comes in the moment in which a task parks.
SETTLE_SECONDS = 2.5


@dataclass
class BrowserSite:
    """A running Airflow with one institution.

    Attributes:
        url: Address of Airflow.
        client: A REST client, logged in as the approver.
        world: What the tenant holds.
        sandbox: The tenant.
        folder: Where Airflow keeps its files.
        environment: The environment of every component.
    """

    url: str
    client: PersonClient
    world: World
    sandbox: RunningSandbox
    folder: Path
    environment: Mapping[str, str]

    def reset(self) -> None:
        """Give the tenant its people back."""
        self.world.order("/seed?users=300&seed=1")

    def review(self, run_id: str) -> dict[str, Any]:
        """Return what the review page says, as data."""
        return self.client.review(REVIEW, DAG_ID, run_id)

    def wait_for(
        self, run_id: str, task_id: str, state: str, try_number: int = 1, dag_id: str = DAG_ID
    ) -> None:
        """Wait until a task is in a state at a try, and a moment longer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            tasks = {one.task_id: one for one in self.client.tasks(dag_id, run_id)}
            task = tasks.get(task_id)
            if task is not None and task.state == state and task.try_number >= try_number:
                time.sleep(SETTLE_SECONDS)
                return
            red = [one.task_id for one in tasks.values() if one.state == "failed"]
            assert not red or state == "failed", f"failed: {red}"
            assert time.monotonic() < deadline, f"{task_id}: {task}"
            time.sleep(0.5)

    def wait_until_ended(self, run_id: str, dag_id: str = DAG_ID) -> str:
        """Wait for the end of a run and return Airflow's word for it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := self.client.run_state(dag_id, run_id)) not in {"success", "failed"}:
            assert time.monotonic() < deadline, f"{run_id} does not end"
            time.sleep(0.5)
        return state

    def reject(self, run_id: str) -> None:
        """Reject a run by REST, to clean up."""
        self.client.answer(DAG_ID, run_id, "approve_purge", "Reject", {})
