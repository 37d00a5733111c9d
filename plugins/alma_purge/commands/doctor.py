"""`doctor`: check an institution against its Alma and SFTP server, changing nothing."""

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alma_purge.doctor.examine import examine, settings_alone
from alma_purge.doctor.findings import Status, report_text
from alma_purge.doctor.visit import Visit
from alma_purge.places import dag_id_of, institution_files, institution_of_dag
from alma_purge.terminal import Exit, complain, say
from patron_purge.errors import ConfigurationError

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser and return it."""
    made = subparsers.add_parser(
        "doctor",
        description="Runs every check of preflight and more, goes on after one that fails, and prints a report "
        "without keys, passwords or patrons' data. Connections come from the environment, a secrets backend or "
        "Airflow's database.",
    )
    made.add_argument("--institution", required=True, help="the institution's code, such as xyz")
    return made


def run(args: argparse.Namespace) -> int:
    """Run the checks and print the report."""
    code = str(args.institution).strip().lower()
    if code not in {path.stem for path in institution_files()}:
        complain(f"There is no include/institutions/{code}.yaml. Type: make new-institution CODE={code}")
        return Exit.TROUBLE
    # What the SSH library says about its connections would stand in the middle of the report.
    logging.getLogger("paramiko").setLevel(logging.WARNING)
    now = datetime.now(UTC)
    secrets: list[str] = []
    name = code
    try:
        institution = institution_of_dag(dag_id_of(code))
    except ConfigurationError:
        findings = settings_alone(code)
    else:
        now = now.astimezone(institution.zone)
        name = f"{institution.name} ({code})"
        visit = Visit(institution, now)
        with _airflow_database():
            findings = list(examine(visit))
            secrets = visit.secrets()
    say(report_text(f"Doctor's report for {name}, {now:%Y-%m-%d %H:%M %Z}", findings, secrets))
    return Exit.FOUND if any(one.status is Status.FAILED for one in findings) else Exit.FINE


@contextmanager
def _airflow_database() -> Iterator[None]:
    """Let Airflow look for connections in its database too, as its own command line does."""
    before = os.environ.get(_CONTEXT)
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CONTEXT]
        else:
            os.environ[_CONTEXT] = before
