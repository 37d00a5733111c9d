"""One real Airflow with three institutions, each with a tenant of its own, for all kills."""

import logging
import os
import random
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.support.airflow_site import AirflowSite, running_site, write_config
from tests.support.connections import connections_to
from tests.support.sabotage import ALL_KILLS
from tests.support.stand import Stand

from alma_sandbox.testing import running_sandbox

INSTITUTIONS = ("north", "south", "east")
USERS = 200
JOB_PHASE_SECONDS = 1.5
# The seed of every random moment; KILL_SEED repeats an earlier run's.
SEED = os.environ.get("KILL_SEED") or str(secrets.randbelow(10**6))


def pytest_sessionstart() -> None:
    """End as after Ctrl-C when somebody asks politely, so that no process is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"KILL_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was killed."""
    terminalreporter.section(f"{len(ALL_KILLS)} kills with signal 9, KILL_SEED={SEED}")
    for kill in ALL_KILLS:
        terminalreporter.line(kill)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        sandboxes = {
            code: stack.enter_context(running_sandbox(users=USERS, job_seconds=JOB_PHASE_SECONDS))
            for code in INSTITUTIONS
        }
        environment: dict[str, str] = {}
        for code, sandbox in sandboxes.items():
            environment |= connections_to(sandbox, code)
        site = AirflowSite(folder, environment)
        write_config(site.layout.config, {code: {"schedule": None} for code in INSTITUTIONS})
        client = stack.enter_context(running_site(site, INSTITUTIONS))
        yield Stand(site, client, sandboxes)
