"""One real Airflow with three institutions, each with a tenant of its own, for all kills."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.support.airflow_site import AirflowSite, running_site, write_config
from tests.support.connections import connections_to
from tests.support.kill_session import (
    chance,
    pytest_report_header,
    pytest_sessionstart,
    pytest_terminal_summary,
)
from tests.support.stand import Stand

from alma_sandbox.testing import running_sandbox

__all__ = ["chance", "pytest_report_header", "pytest_sessionstart", "pytest_terminal_summary", "stand"]

INSTITUTIONS = ("north", "south", "east")
USERS = 200
JOB_PHASE_SECONDS = 1.5


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
