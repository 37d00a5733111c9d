"""What a run says when a key, a password or an address is wrong: what to do, and never the secret itself."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import leaks
from tests.support.config import own_config
from tests.support.connections import connections_to
from tests.support.flow import run_flow
from tests.support.tenant import changing_calls

from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox
from demo.ports import any_free

pytestmark = pytest.mark.usefixtures("airflow_database")
ALMA, SFTP = "AIRFLOW_CONN_ALMA_DEMO", "AIRFLOW_CONN_SFTP_DEMO"
WRONG = "l7xx-wrong/key+with signs=="
Spoil = Callable[[dict[str, Any]], None]


def wrong_key(connection: dict[str, Any]) -> None:
    connection["password"] = WRONG


def wrong_read_key(connection: dict[str, Any]) -> None:
    connection["extra"] = {"read_api_key": WRONG}


def refused(connection: dict[str, Any]) -> None:
    connection["host"] = f"http://127.0.0.1:{any_free()}"


def key_in_the_address(connection: dict[str, Any]) -> None:
    connection["host"] = f"http://apikey:{connection['password']}@127.0.0.1:{any_free()}"


def wrong_password(connection: dict[str, Any]) -> None:
    connection["password"] = WRONG


def wrong_host_key(connection: dict[str, Any]) -> None:
    connection["extra"] = {
        "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    }


def no_host_key(connection: dict[str, Any]) -> None:
    connection["extra"] = {}


CASES: dict[str, tuple[str, Spoil, str, str]] = {
    "wrong key": (ALMA, wrong_key, "preflight", "key"),
    "wrong key for reading": (ALMA, wrong_read_key, "preflight", "key"),
    "nobody answers": (ALMA, refused, "preflight", "Alma"),
    "key in the address": (ALMA, key_in_the_address, "preflight", "host"),
    "wrong password": (SFTP, wrong_password, "fetch_exclusions", "password"),
    "other host key": (SFTP, wrong_host_key, "fetch_exclusions", "host key"),
    "no host key": (SFTP, no_host_key, "fetch_exclusions", "host key"),
}


@pytest.fixture(scope="module")
def tenant() -> Iterator[RunningSandbox]:
    with running_sandbox(users=60) as running:
        yield running


def stops_of(run_id: str) -> dict[str, str]:
    """Return what each task of a run said when it stopped."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.scalars(select(XComModel).where(XComModel.run_id == run_id, XComModel.key == "stop"))
        return {row.task_id: str(XComModel.deserialize_value(row)) for row in rows}


@pytest.mark.parametrize("case", CASES)
def test_no_error_holds_a_secret(
    tenant: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    name, spoil, task_id, part = CASES[case]
    caplog.set_level(logging.DEBUG)
    connections = {key: json.loads(text) for key, text in connections_to(tenant, "demo").items()}
    spoil(connections[name])
    for key, connection in connections.items():
        monkeypatch.setenv(key, json.dumps(connection))
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path / 'store'}")
    own_config(monkeypatch, tmp_path / "config")
    result = run_flow()
    out, err = capfd.readouterr()

    assert result.tasks[task_id] == "failed"
    said = stops_of(result.run_id)[task_id]
    assert part in said
    assert changing_calls(tenant) == []
    secrets = leaks.airflow_secrets() | {
        "wrong key or password": WRONG,
        "API key": tenant.key,
        "password of the SFTP server": tenant.sftp_password,
    }
    places = {"output": out, "errors": err, "log records": caplog.text, "stop": said}
    leaks.assert_no_secret(
        {**places, **leaks.database_tables(), **leaks.stored_files(tmp_path / "store")}, secrets
    )
