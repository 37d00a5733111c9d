"""Airflow on this machine for the length of a rehearsal: SQLite, 127.0.0.1, three people, fresh secrets."""

import base64
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.layout import Layout
from demo.ports import HOST, is_free
from demo.problems import DemoProblem
from demo.processes import Program, start
from demo.rest import AirflowClient, AirflowProblem

OPERATOR = "olga"
ROLES = {"admin": "admin", OPERATOR: "op", "vera": "viewer"}
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 12
START_SECONDS = 180
NOTE_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """The started Airflow.

    Attributes:
        program: Its processes.
        url: Its address, for example `http://127.0.0.1:8080`.
        passwords: Password by user name.
    """

    program: Program
    url: str
    passwords: dict[str, str]


def settings(layout: Layout, port: int) -> dict[str, str]:
    """Return Airflow's settings for a rehearsal, as environment variables.

    Args:
        layout: The clone's folders.
        port: The port of the web pages and both APIs.
    """
    url = f"http://{HOST}:{port}"
    return {
        "AIRFLOW_HOME": str(layout.airflow),
        # Not as_uri(): it would write a blank in the path as %20, which object stores take literally.
        "ALMA_PURGE_STORE": f"file://{layout.store}",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(layout.root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(layout.root / "plugins"),
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in ROLES.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.airflow / "passwords.json"),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        # One run is triggered by hand; the monthly one that was missed last must not start beside it.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        "NO_COLOR": "1",
    }


def start_airflow(layout: Layout, port: int, environment: dict[str, str]) -> Server:
    """Start Airflow; it answers about fifteen seconds later.

    Args:
        layout: The clone's folders.
        port: A free port.
        environment: Environment for the program, with the connections.
    """
    passwords = {name: _password() for name in ROLES}
    path = layout.airflow / "passwords.json"
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(passwords, file)
    program = start(
        "airflow",
        [sys.executable, "-m", "demo.loopback_standalone"],
        folder=layout.airflow,
        environment={**environment, **settings(layout, port)},
        notes=layout.processes,
    )
    return Server(program, f"http://{HOST}:{port}", passwords)


def _password() -> str:
    """Return a password that can be typed from one screen into another: no look-alikes, 59 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))


def wait_for_airflow(server: Server, dag_id: str, note: Callable[[str], None]) -> AirflowClient:
    """Wait until every part of Airflow is healthy and knows the DAG.

    Args:
        server: The started Airflow.
        dag_id: The DAG to wait for.
        note: Receives a line every ten seconds.

    Returns:
        A client that is logged in as the demo operator.

    Raises:
        DemoProblem: Airflow ended, the DAG can't be loaded, or it took longer than three minutes.
    """
    client = AirflowClient(server.url)
    started = time.monotonic()
    next_note = NOTE_SECONDS
    while (seconds := time.monotonic() - started) < START_SECONDS:
        if server.program.has_ended():
            raise DemoProblem(_why_it_ended(server))
        waiting_for = _missing(client, server, dag_id)
        if waiting_for is None:
            return client
        if seconds >= next_note:
            next_note += NOTE_SECONDS
            note(f"still starting: waiting for {waiting_for}")
        time.sleep(0.5)
    raise DemoProblem(f"Airflow was not up after {START_SECONDS} seconds; its log: {server.program.log}.")


def _missing(client: AirflowClient, server: Server, dag_id: str) -> str | None:
    """Return what is not there yet, None when everything is."""
    try:
        unhealthy = client.unhealthy_parts()
        if unhealthy:
            return f"Airflow's {', '.join(unhealthy)}"
        client.log_in(OPERATOR, server.passwords[OPERATOR])
        if client.knows(dag_id):
            return None
        broken = client.import_errors()
    except AirflowProblem:
        return "Airflow to answer"
    if broken:
        raise DemoProblem(f"Airflow can't load the DAG: {broken[0]}")
    return f"the DAG {dag_id}"


def _why_it_ended(server: Server) -> str:
    port = int(server.url.rsplit(":", 1)[1])
    if not is_free(port):
        return f"Airflow did not start: port {port} was taken meanwhile. Run the same command again."
    return f"Airflow has ended: {server.program.last_words()} (all of it: {server.program.log})."
