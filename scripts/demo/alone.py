"""`make sandbox`: the rehearsal tenant alone, for trying the package or the API against it by hand."""

import shlex
import shutil
import time

from demo.interrupts import Interrupts
from demo.layout import Layout
from demo.problems import DemoProblem
from demo.rehearsal import INSTITUTION, stopping_everything
from demo.screen import Screen
from demo.tenant import base_environment, connections, start_tenant, wait_for_tenant
from patron_purge.institution import load_institution


def run_alone(layout: Layout, screen: Screen, interrupts: Interrupts) -> None:
    """Start the tenant afresh, print how to reach it, and keep it until somebody ends it.

    Args:
        layout: The clone's folders.
        screen: Where to print.
        interrupts: Holds signals back while the program is started and noted.

    Raises:
        DemoProblem: The tenant does not start, or ends by itself.
    """
    with stopping_everything(layout, screen, interrupts):
        shutil.rmtree(layout.sandbox, ignore_errors=True)
        layout.create()
        with interrupts.held():
            program, ready = start_tenant(layout, base_environment())
        tenant = wait_for_tenant(program, ready)
        screen.event("The sandbox is up. Press Ctrl-C to end it.")
        screen.facts(
            [
                ("Alma API", tenant.base_url),
                ("API key", tenant.key),
                ("read-only key", tenant.read_key),
                ("report", tenant.report_path),
                ("SFTP", f"{tenant.sftp_user}@{tenant.sftp_host}:{tenant.sftp_port}"),
                ("SFTP password", tenant.sftp_password),
                ("SFTP host key", tenant.sftp_host_key),
                ("control", tenant.control_url),
            ]
        )
        institution = load_institution(layout.root / "include" / "institutions" / f"{INSTITUTION}.yaml")
        screen.line()
        screen.line("The same as Airflow connections:")
        for name, value in connections(tenant, institution.institution_code).items():
            screen.line(f"export {name}={shlex.quote(value)}")
        while not program.has_ended():
            time.sleep(0.2)
        raise DemoProblem(f"The sandbox has ended: {program.last_words()} (all of it: {program.log}).")
