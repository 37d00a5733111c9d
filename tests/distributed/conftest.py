"""Airflow with Celery workers that share no folder: PostgreSQL, Redis and an object store between them."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.airflow_site import COMPONENTS, QUICK, AirflowSite, running_site, write_config
from tests.support.connections import connections_to
from tests.support.kill_session import (
    chance,
    pytest_report_header,
    pytest_sessionstart,
    pytest_terminal_summary,
)
from tests.support.services import BUCKET, object_store, postgres, redis
from tests.support.stand import Stand

import install_services
from alma_sandbox.testing import running_sandbox

__all__ = ["chance", "pytest_report_header", "pytest_sessionstart", "pytest_terminal_summary", "stand"]

INSTITUTIONS = ("north", "south", "east")
WORKERS = ("worker-1", "worker-2")
USERS = 200
JOB_PHASE_SECONDS = 1.5


class DistributedSite(AirflowSite):
    """An Airflow whose workers have nothing in common but the services and the log store.

    Each worker has a home, a working folder and a folder for temporary files of its own.
    """

    def environment_of(self, name: str) -> dict[str, str]:
        """Return the environment of a component."""
        if name not in WORKERS:
            return self.environment
        own = self.layout.home / name
        (own / "tmp").mkdir(parents=True, exist_ok=True)
        if not (own / "config").exists():
            shutil.copytree(self.layout.airflow / "config", own / "config")
        return {**self.environment, "AIRFLOW_HOME": str(own), "TMPDIR": str(own / "tmp"), "HOME": str(own)}


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    if install_services.missing():
        pytest.skip(f"{' and '.join(install_services.missing())} not installed: run `make test-distributed`")
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    folder = tmp_path_factory.mktemp("distributed")
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("NO_PROXY", "127.0.0.1")
        environment = _services(folder, stack)
        sandboxes = {
            code: stack.enter_context(running_sandbox(users=USERS, job_seconds=JOB_PHASE_SECONDS))
            for code in INSTITUTIONS
        }
        for code, sandbox in sandboxes.items():
            environment |= connections_to(sandbox, code)
        site = DistributedSite(folder / "site", environment, _components())
        write_config(site.layout.config, {code: {"schedule": None} for code in INSTITUTIONS})
        client = stack.enter_context(running_site(site, INSTITUTIONS))
        yield Stand(site, client, sandboxes)


def _components() -> dict[str, tuple[str, ...]]:
    workers = {
        name: ("celery", "worker", "-H", f"{name}@%h", "-c", "2", "--skip-serve-logs", "--without-mingle")
        for name in WORKERS
    }
    return {name: tuple(command) for name, command in COMPONENTS.items()} | workers


def _services(folder: Path, stack: ExitStack) -> dict[str, str]:
    """Start the services; return the settings that tell Airflow and this process of them."""
    database = stack.enter_context(postgres())
    broker = stack.enter_context(redis(folder))
    store = stack.enter_context(object_store(folder))
    own = stack.enter_context(pytest.MonkeyPatch.context())
    for name, value in store.items():
        own.setenv(name, value)
    return {
        **QUICK,
        **store,
        "ALMA_PURGE_STORE": f"s3://{BUCKET}/runs",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql://{database}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
    }
