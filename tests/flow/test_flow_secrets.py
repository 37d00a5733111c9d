"""What a run says when a key, a password or an address is wrong: what to do, and never the secret itself."""

import json
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

pytestmark = [pytest.mark.whole_run, pytest.mark.usefixtures("airflow_database")]
ALMA, SFTP = "AIRFLOW_CONN_ALMA_DEMO", "AIRFLOW_CONN_SFTP_DEMO"
WRONG = "l7xx-wrong/key+with signs=="
Spoil = Callable[[dict[str, Any]], None]


def wrong_key(connection: dict[str, Any]) -> None:
    connection["password"] = WRONG


def wrong_password(connection: dict[str, Any]) -> None:
    connection["password"] = WRONG


# The other ways to fail are tried without a whole run, beside the hooks: they are tried again for half a minute.
CASES: dict[str, tuple[str, Spoil, str, str]] = {
    "wrong key": (ALMA, wrong_key, "preflight", "key"),
    "wrong password": (SFTP, wrong_password, "fetch_exclusions", "password"),
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
    case: str,
) -> None:
    name, spoil, task_id, part = CASES[case]
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
    places = {"output": out, "errors": err, "stop": said}
    leaks.assert_no_secret(
        {**places, **leaks.database_tables(), **leaks.stored_files(tmp_path / "store")}, secrets
    )
