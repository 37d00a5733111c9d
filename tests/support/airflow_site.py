"""A real Airflow for a test: every component a process of its own that can be killed and started again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml
from tests.support.airflow_person import PersonClient

from alma_purge.places import dag_id_of
from demo.airflow_server import OPERATOR, ROLES, settings
from demo.layout import Layout, this_clone
from demo.ports import HOST, any_free
from demo.processes import Program, members, start, stop_all
from demo.rest import AirflowProblem
from demo.tenant import base_environment

PASSWORD = "only-for-tests"
UP_SECONDS = 180
COMPONENTS: dict[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# Airflow gives a lost process up after minutes; a test has seconds.
QUICK = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "8",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "4",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
}
# Airflow's own place for what holds for every task: a test waits neither half a minute before a retry nor a
# quarter of an hour for a job that was never started.
POLICY = """\
from datetime import timedelta

from patron_purge import looked

assert looked.LOOK_AFTER
looked.LOOK_AFTER = timedelta(seconds=5)


def task_policy(task):
    from alma_purge.operators import alma_job
    from alma_purge.steps import start_claim

    assert alma_job.LOOK_UP_FOR and start_claim.MUST_SEND_WITHIN < start_claim.OVER_AFTER
    alma_job.LOOK_UP_FOR = timedelta(seconds=10)
    start_claim.MUST_SEND_WITHIN = timedelta(seconds=20)
    start_claim.OVER_AFTER = timedelta(seconds=40)
    task.retry_delay = timedelta(seconds=1)
"""


@dataclass(frozen=True)
class SiteLayout(Layout):
    """The folders of a test's Airflow, outside the clone.

    Attributes:
        folder: The folder that holds all of them.
    """

    folder: Path

    @property
    def home(self) -> Path:
        """Return the folder that holds everything the site writes."""
        return self.folder

    @property
    def config(self) -> Path:
        """Return the folder of institution files and job payloads."""
        return self.folder / "config"


def write_config(folder: Path, institutions: Mapping[str, Mapping[str, object]]) -> None:
    """Write the settings of some institutions, each like the demo one, and the job payloads.

    Args:
        folder: An empty folder.
        institutions: Changed settings by institution code.
    """
    include = this_clone().root / "include"
    demo = yaml.safe_load((include / "institutions" / "demo.yaml").read_text(encoding="utf-8"))
    shutil.copytree(include / "jobs", folder / "jobs")
    shutil.copytree(include / "institutions", folder / "institutions")
    (folder / "institutions" / "demo.yaml").unlink()
    for code, changes in institutions.items():
        own = {
            "code": code,
            "name": f"{code.capitalize()} College",
            "alma_connection": f"alma_{code}",
            "sftp_connection": f"sftp_{code}",
            "poll_seconds": 0.5,
        }
        text = yaml.safe_dump({**demo, **own, **changes})
        (folder / "institutions" / f"{code}.yaml").write_text(text, encoding="utf-8")


class AirflowSite:
    """One Airflow installation.

    Args:
        folder: An empty folder for everything it writes.
        environment: Settings and connections beside the usual ones.
        components: Name of each process to its `airflow` command line.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        components: Mapping[str, Sequence[str]] = COMPONENTS,
    ) -> None:
        self.layout = SiteLayout(this_clone().root, folder)
        self.layout.create()
        port = any_free()
        self.url = f"http://{HOST}:{port}"
        rooms = [str(self.layout.root / room) for room in ("include", "plugins", "scripts")]
        self.environment = {
            **base_environment(),
            **settings(self.layout, port),
            "PYTHONPATH": os.pathsep.join(rooms),
            "ALMA_PURGE_CONFIG": str(self.layout.config),
            **QUICK,
            **environment,
        }
        self.programs: dict[str, Program] = {}
        self._components = components
        self._starts = 0

    def up(self) -> None:
        """Make the database and start every component; `client` waits until they answer."""
        config = self.layout.airflow / "config"
        config.mkdir()
        (config / "airflow_local_settings.py").write_text(POLICY, encoding="utf-8")
        passwords = ", ".join(f'"{name}": "{PASSWORD}"' for name in ROLES)
        (self.layout.airflow / "passwords.json").write_text(f"{{{passwords}}}", encoding="utf-8")
        with (self.layout.airflow / "migrate.log").open("wb") as log:
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            subprocess.run(command, env=self.environment, check=True, stdout=log, stderr=log, timeout=120)
        for name in self._components:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a component, for the first time or again after it was killed."""
        command = [sys.executable, "-m", "airflow", *self._components[name]]
        folder = self.layout.airflow / "running" / name
        folder.mkdir(parents=True, exist_ok=True)
        # A name of its own for each start: what a killed component has left behind stays noted.
        self._starts += 1
        self.programs[name] = start(
            f"{name}-{self._starts}",
            command,
            folder=folder,
            environment=self.environment_of(name),
            notes=self.layout.processes,
        )

    def environment_of(self, name: str) -> dict[str, str]:
        """Return the environment of a component; the same for all of them here."""
        del name
        return self.environment

    def kill(self, name: str) -> None:
        """Kill a component and everything that it has started."""
        for process in members(self.programs[name].note):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.programs[name].process.wait(10)

    def log_in(self) -> PersonClient:
        """Return a client of its own, logged in as the approver."""
        client = PersonClient(self.url)
        client.log_in(OPERATOR, PASSWORD)
        return client

    def client(self, dag_ids: Sequence[str]) -> PersonClient:
        """Wait until everything works and the DAGs are known; return a client logged in as the approver."""
        client = PersonClient(self.url)
        deadline = time.monotonic() + UP_SECONDS
        while (missing := self._missing(client, dag_ids)) is not None:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"Airflow is not up: waiting for {missing}; logs in {self.layout.airflow}"
                )
            time.sleep(0.3)
        return client

    def _missing(self, client: PersonClient, dag_ids: Sequence[str]) -> str | None:
        for name, program in self.programs.items():
            assert not program.has_ended(), f"{name} has ended: {program.last_words(5)}"
        try:
            if unhealthy := client.unhealthy_parts():
                return ", ".join(unhealthy)
            client.log_in(OPERATOR, PASSWORD)
            return next((dag_id for dag_id in dag_ids if not client.knows(dag_id)), None)
        except AirflowProblem as problem:
            return str(problem)

    def down(self) -> None:
        """End everything that was started, also what has lost its parent."""
        stop_all(self.layout.processes, patience=1.0)


@contextmanager
def running_site(site: AirflowSite, institutions: Sequence[str]) -> Iterator[PersonClient]:
    """Run a site for the length of a block.

    Args:
        site: The site.
        institutions: Codes of the institutions; their DAGs are turned on.

    Yields:
        A client, logged in as the approver.
    """
    try:
        site.up()
        dag_ids = [dag_id_of(code) for code in institutions]
        client = site.client(dag_ids)
        for dag_id in dag_ids:
            client.unpause(dag_id)
        yield client
    finally:
        site.down()
