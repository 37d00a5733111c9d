from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.flow import connect
from tests.support.tenant import talking

from alma_api.client import AlmaClient
from alma_api.rate_limit import RateLimit
from alma_purge.run_folder import RunFolder
from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """A small tenant that the demo institution's connections lead to."""
    with running_sandbox(users=200) as running:
        connect(monkeypatch, running)
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[AlmaClient]:
    with talking(sandbox) as made:
        yield made


@pytest.fixture(autouse=True)
def store_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own for each test."""
    folder = tmp_path / "store"
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{folder}")
    return folder


@pytest.fixture
def folder(store_folder: Path) -> RunFolder:
    del store_folder
    return RunFolder.of_run("demo", "manual__test")


@pytest.fixture
def full_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client call and repeat as fast as it can; the tenant here has no limit of calls per second."""
    monkeypatch.setattr(RateLimit, "wait", lambda _self: None)
    monkeypatch.setattr("alma_api.transport._LONGEST_PAUSE", 0.0)
