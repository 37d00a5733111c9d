"""The whole purge, task by task in Airflow, judged by the tenant's own state."""

from collections.abc import Iterator

import pytest
from tests.support.flow import approve, connect, run_flow

from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    with running_sandbox(users=600) as running:
        connect(monkeypatch, running)
        yield running


def test_an_approved_list_is_purged(sandbox: RunningSandbox) -> None:
    result = run_flow(answerer=approve)
    assert result.state == "success"
