"""A rehearsal room: the tenant, the clock, the configuration and the store that runs of the DAG work with."""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from airflow.sdk import DAG
from tests.support.config import own_config
from tests.support.flow import connect
from tests.support.rehearsal.clock import Clock
from tests.support.rehearsal.worker import Worker
from tests.support.world import World

import alma_purge.hooks.alma as alma_hook
from alma_api.client import AlmaClient
from alma_api.transport import Timing
from alma_purge.run_folder import FileRef, RunFolder
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.faults import FaultKind
from alma_sandbox.testing import running_sandbox

START = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
PEOPLE = 100
DAG_ID = "alma_user_purge_demo"
PREFIX = "/almaws/v1"
_CONFIG = {
    "guards": {"max_percent_of_report": 100, "max_count_without_history": 500},
    "poll_seconds": 30,
}
# A timeout costs this much real time; only a call that times out anyway gets so little.
_SHORT = (5.0, 0.2)
_TIMEOUTS = {FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER}
_JOB_SECONDS = 20


class Room:
    """Everything around a run of the DAG.

    Attributes:
        sandbox: The tenant.
        world: What the tenant holds, as a test judges it.
        clock: The clock of both sides.
        dag: The DAG as its file wires it.
        config: The configuration folder.
        store: The root of the run folders.
        worker: The process that is at work.
    """

    def __init__(self, sandbox: RunningSandbox, clock: Clock, dag: DAG, folder: Path) -> None:
        self.sandbox = sandbox
        self.world = World(sandbox)
        self.clock = clock
        self.dag = dag
        self.config = folder / "config"
        self.store = folder / "store"
        self.questions: list[dict[str, Any]] = []
        self.worker = Worker("nobody", lambda _effect, _moment: False)
        self._pristine = folder / "pristine"
        shutil.copytree(self.config, self._pristine)

    def fresh(self, *, seed: int = 1, **switches: Any) -> None:
        """Start over: another tenant, an empty store, the original settings, the clock at its start.

        Args:
            seed: Decides who the people are.
            switches: How the tenant behaves where Alma is unknown; see `Switches`.
        """
        self.sandbox.control.reset(PEOPLE, seed)
        self.clock.reset()
        with self.sandbox.tenant.lock:
            for name, value in switches.items():
                setattr(self.sandbox.tenant.switches, name, value)
        shutil.rmtree(self.store, ignore_errors=True)
        self.mend_config()

    def mend_config(self) -> None:
        """Put the settings and payloads back as they were."""
        shutil.rmtree(self.config)
        shutil.copytree(self._pristine, self.config)

    def short_timeout(self, method: str, target: str) -> bool:
        """Tell whether a fault is armed that lets a call time out, so that nobody has to wait for it."""
        return any(
            fault.kind in _TIMEOUTS
            and fault.method in {"*", method}
            and (fault.times == 0 or fault.seen < fault.nth + fault.times - 1)
            and re.search(fault.path, target)
            for fault in self.sandbox.tenant.faults.armed
        )


@contextmanager
def open_room(folder: Path | None = None, **settings: Any) -> Iterator[Room]:
    """Open a room; nothing in it waits for real time.

    Args:
        folder: An empty folder; a temporary one when left out.
        settings: Top-level settings of the institution that are to differ; None takes one out.
    """
    with (
        tempfile.TemporaryDirectory(prefix="alma-purge-room-") as temporary,
        pytest.MonkeyPatch.context() as patch,
    ):
        place = folder or Path(temporary)
        own_config(patch, place / "config", **{**_CONFIG, **settings})
        patch.setenv("ALMA_PURGE_STORE", f"file://{place / 'store'}")
        dag = _load_dag()
        switches: dict[str, object] = {"index_lag_seconds": 3}
        with running_sandbox(
            users=PEOPLE, start_at=START, job_seconds=_JOB_SECONDS, switches=switches
        ) as sandbox:
            connect(patch, sandbox)
            clock = Clock(sandbox, START)
            room = Room(sandbox, clock, dag, place)
            _watch(patch, room)
            with clock.rules(patch), _quiet():
                yield room


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: thousands of calls would cost more time in the log than in the code under test."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _load_dag() -> DAG:
    """Read the DAG of the demo institution from its file."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags[DAG_ID]
    assert isinstance(dag, DAG)
    return dag


def _watch(patch: pytest.MonkeyPatch, room: Room) -> None:
    """Let every effect of the code under test go through the worker of the moment, and make nothing wait."""
    _watch_calls(patch, room)
    _watch_files(patch, room)
    patch.setattr(alma_hook, "AlmaClient", _client_maker(room))
    patch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail",
        lambda **asked: room.questions.append(asked),
    )


def _client_maker(room: Room) -> Any:
    """Return what makes the operators' clients: as fast as possible, pausing on the moved clock only."""

    def make(*address: Any, calls_per_second: float) -> AlmaClient:
        del calls_per_second
        timing = Timing(sleep=room.clock.sleep)
        return AlmaClient(*address, calls_per_second=1_000_000, timing=timing)

    return make


def _watch_calls(patch: pytest.MonkeyPatch, room: Room) -> None:
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        url = urlsplit(str(request.url))
        if not url.path.startswith(PREFIX):
            return send(session, request, **options)
        target = url.path + (f"?{url.query}" if url.query else "")
        method = str(request.method)
        if room.short_timeout(method, target):
            options["timeout"] = _SHORT
        with room.worker.effect(f"{method} {target.removeprefix(PREFIX)}"):
            return send(session, request, **options)

    patch.setattr(requests.Session, "send", watched)


def _watch_files(patch: pytest.MonkeyPatch, room: Room) -> None:
    write, create, remove = RunFolder.write, RunFolder.create, RunFolder.remove

    def watched_write(self: RunFolder, name: str, content: bytes) -> FileRef:
        with room.worker.effect(f"write {name}"):
            return write(self, name, content)

    def watched_create(self: RunFolder, name: str, content: bytes) -> bool:
        with room.worker.effect(f"create {name}"):
            return create(self, name, content)

    def watched_remove(self: RunFolder, name: str) -> None:
        with room.worker.effect(f"remove {name}"):
            remove(self, name)

    patch.setattr(RunFolder, "write", watched_write)
    patch.setattr(RunFolder, "create", watched_create)
    patch.setattr(RunFolder, "remove", watched_remove)
