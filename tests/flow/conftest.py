"""A small tenant with every scenario, connected to the demo institution."""

from collections.abc import Iterator

import pytest
from tests.support.flow import connect
from tests.support.world import World

from alma_sandbox.testing import running_sandbox


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Iterator[World]:
    with running_sandbox(users=300) as sandbox:
        connect(monkeypatch, sandbox)
        yield World(sandbox)
