"""The rehearsal tenant: start it, and look at it from outside through its control interface."""

import json
import os
import sys
import time
from pathlib import Path

import requests
from pydantic import BaseModel, ConfigDict, ValidationError

from demo.layout import Layout
from demo.problems import DemoProblem
from demo.processes import Program, start

USERS = 2000
SEED = 1
CALLS_PER_SECOND = 60  # twice what Alma allows, so that nobody waits for a rehearsal
JOB_SECONDS = 1
START_SECONDS = 60
CALL_SECONDS = 30


class Tenant(BaseModel):
    """Where the started tenant answers, as it wrote it into its ready file.

    Attributes:
        base_url: Alma API without the trailing path, for example `http://127.0.0.1:40001`.
        key: API key that may read and write.
        sftp_host_key: Public host key, `ssh-ed25519 AAAA…`.
        control_url: Base address of the control interface.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    key: str
    read_key: str
    report_path: str
    sftp_host: str
    sftp_port: int
    sftp_user: str
    sftp_password: str
    sftp_host_key: str
    control_url: str


class Person(BaseModel):
    """One person of the tenant, as the control interface shows it.

    Attributes:
        primary_id: The primary id.
        user_group: Code of the user group, None when the person is gone.
        exists: Whether the person is there.
        deleted: Whether the person was purged.
        scenario: Why this person is in the tenant, for example `clean` or `staff_role`.
        expectation: What a right purge does: `protected` (not touched), `purgeable` (gone) or `job_refuses`
            (Alma's purge job refuses; the group goes back).
        record_digest: Digest of the record with its loans, requests and fees.
    """

    model_config = ConfigDict(frozen=True)

    primary_id: str
    user_group: str | None
    exists: bool
    deleted: bool
    scenario: str
    expectation: str
    record_digest: str | None


class TenantState(BaseModel):
    """The part of the tenant's state that a rehearsal looks at.

    Attributes:
        users: Everybody, the gone ones too.
    """

    users: list[Person]


People = dict[str, Person]


def start_tenant(layout: Layout, environment: dict[str, str]) -> tuple[Program, Path]:
    """Start the tenant on free ports; it is up when the returned ready file is there.

    Args:
        layout: The clone's folders.
        environment: Environment for the program.
    """
    ready = layout.sandbox / "ready.json"
    ready.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "alma_sandbox",
        "--port",
        "0",
        "--sftp-port",
        "0",
        "--users",
        str(USERS),
        "--seed",
        str(SEED),
        "--dir",
        str(layout.sandbox / "tenant"),
        "--job-seconds",
        str(JOB_SECONDS),
        "--per-second",
        str(CALLS_PER_SECOND),
        "--ready-file",
        str(ready),
    ]
    program = start(
        "sandbox", command, folder=layout.sandbox, environment=environment, notes=layout.processes
    )
    return program, ready


def wait_for_tenant(program: Program, ready: Path) -> Tenant:
    """Wait until the tenant answers.

    Args:
        program: The started tenant.
        ready: The file it writes when it is up.

    Returns:
        Where it answers.

    Raises:
        DemoProblem: It ended, or took longer than a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ready.exists():
            try:
                return Tenant.model_validate_json(ready.read_text(encoding="utf-8"))
            except ValidationError as error:
                raise DemoProblem(f"The sandbox's ready file can't be understood: {ready}.") from error
        if program.has_ended():
            raise DemoProblem(
                f"The sandbox did not start: {program.last_words()} (all of it: {program.log})."
            )
        time.sleep(0.1)
    raise DemoProblem(f"The sandbox was not up after {START_SECONDS} seconds; its log: {program.log}.")


def people(tenant: Tenant) -> People:
    """Return everybody in the tenant by primary id, the gone ones too.

    Args:
        tenant: The running tenant.

    Raises:
        DemoProblem: The tenant does not answer, or not as it should.
    """
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(
                f"{tenant.control_url.rstrip('/')}/state", params={"view": "compact"}, timeout=CALL_SECONDS
            )
            answer.raise_for_status()
            found = TenantState.model_validate_json(answer.content).users
        except (requests.RequestException, ValidationError) as error:
            raise DemoProblem(
                f"The sandbox's state can't be read ({type(error).__name__}); see its log in .demo/sandbox."
            ) from error
    return {person.primary_id: person for person in found}


def connections(tenant: Tenant, institution_code: str) -> dict[str, str]:
    """Return the environment variables that tell Airflow how to reach the tenant.

    Args:
        tenant: The running tenant.
        institution_code: Alma's code of the demo institution.
    """
    alma = {
        "conn_type": "alma",
        "host": tenant.base_url,
        "password": tenant.key,
        "extra": {"institution_code": institution_code, "environment": "sandbox"},
    }
    sftp = {
        "conn_type": "sftp",
        "host": tenant.sftp_host,
        "port": tenant.sftp_port,
        "login": tenant.sftp_user,
        "password": tenant.sftp_password,
        "extra": {"host_key": tenant.sftp_host_key},
    }
    return {"AIRFLOW_CONN_ALMA_DEMO": json.dumps(alma), "AIRFLOW_CONN_SFTP_DEMO": json.dumps(sftp)}


def base_environment() -> dict[str, str]:
    """Return this program's environment without settings of another Airflow or proxies for this machine."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ALMA_PURGE"))
    }
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    kept["NO_PROXY"] = kept["no_proxy"] = "127.0.0.1,localhost"
    kept["PYTHONUNBUFFERED"] = "1"
    return kept
