"""The rehearsal from start to end: tenant, Airflow, one run, one answer, the outcome."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from demo.airflow_server import OPERATOR, Server, start_airflow, wait_for_airflow
from demo.approve import Answer, Approver, Operator, Person
from demo.ending import Ending, given_answer, report
from demo.follow import Follower, Run
from demo.interrupts import Interrupts
from demo.layout import Layout
from demo.ports import choose
from demo.problems import DemoProblem
from demo.processes import Program, noted, stop_all
from demo.rest import TaskState
from demo.screen import Screen
from demo.tenant import Tenant, base_environment, connections, people, start_tenant, wait_for_tenant
from patron_purge.institution import load_institution

INSTITUTION = "demo"
DAG_ID = f"alma_user_purge_{INSTITUTION}"
APPROVAL_TASK = "approve_purge"


class Rehearsal:
    """One rehearsal.

    Args:
        layout: The clone's folders.
        screen: Where to print.
        interrupts: Holds signals back while a program is started and noted.
        port: The port Airflow should have when it is free.
        answer: The answer to give through the REST API; None leaves it to the person in the browser.
    """

    def __init__(
        self, layout: Layout, screen: Screen, interrupts: Interrupts, port: int, answer: Answer | None
    ) -> None:
        self._layout = layout
        self._screen = screen
        self._interrupts = interrupts
        self._port = port
        self._answer = answer
        self._programs: list[Program] = []
        self._asked = False

    def play(self) -> bool:
        """Play it to the end and stop everything it started, whatever happens.

        Returns:
            Whether the outcome is the right one.

        Raises:
            DemoProblem: It could not be played to the end.
        """
        with stopping_everything(self._layout, self._screen, self._interrupts):
            self._layout.start_afresh()
            port = choose(self._port)
            if port != self._port:
                self._screen.event(f"Port {self._port} is busy; Airflow takes {port} instead.")
            tenant = self._start_tenant()
            before = people(tenant)
            self._screen.event(f"Sandbox is up: Alma API and SFTP server with {len(before):,} people.")
            run, server = self._start_run(tenant, port)
            state = Follower(run, self._screen, self._check_alive, self._approver(run, server)).until_end()
            ending = Ending(
                run, state, given_answer(run, APPROVAL_TASK, asked=self._asked), before, people(tenant)
            )
            right = report(ending, self._screen)
            self._stay_open(server)
            return right

    def _start_tenant(self) -> Tenant:
        self._screen.event("Starting the sandbox: a rehearsal copy of Alma on this machine.")
        with self._interrupts.held():
            program, ready = start_tenant(self._layout, base_environment())
            self._programs.append(program)
        return wait_for_tenant(program, ready)

    def _start_run(self, tenant: Tenant, port: int) -> tuple[Run, Server]:
        institution = load_institution(self._layout.root / "include" / "institutions" / f"{INSTITUTION}.yaml")
        self._screen.event("Starting Airflow (about twenty seconds).")
        environment = base_environment() | connections(tenant, institution.institution_code)
        with self._interrupts.held():
            server = start_airflow(self._layout, port, environment)
            self._programs.append(server.program)
        client = wait_for_airflow(server, DAG_ID, self._screen.event)
        run = Run(client, DAG_ID, f"rehearsal_{datetime.now(UTC):%Y%m%dT%H%M%S}")
        client.unpause(DAG_ID)
        client.trigger(DAG_ID, run.run_id)
        self._screen.event(f"Airflow is up at {server.url}. One purge of {institution.name} has begun:")
        self._screen.line()
        return run, server

    def _approver(self, run: Run, server: Server) -> Approver:
        deal: Approver
        if self._answer is None:
            deal = Person(run, self._screen, OPERATOR, server.passwords[OPERATOR])
        else:
            deal = Operator(run, self._screen, self._answer)

        def remember_and_deal(task: TaskState) -> None:
            self._asked = True
            deal(task)

        return remember_and_deal

    def _check_alive(self) -> None:
        for program in self._programs:
            if program.has_ended():
                name = program.note.name.capitalize()
                raise DemoProblem(f"{name} has ended: {program.last_words()} (all of it: {program.log}).")

    def _stay_open(self, server: Server) -> None:
        """Leave Airflow open for a look around, when there is somebody to look."""
        if self._answer is None and sys.stdin.isatty():
            self._screen.line(f"Airflow stays open for you at {server.url}. Press Enter to stop it.")
            sys.stdin.readline()


@contextmanager
def stopping_everything(layout: Layout, screen: Screen, interrupts: Interrupts) -> Iterator[None]:
    """End what an interrupted command may have left, do the work inside, and end everything it started.

    Args:
        layout: The clone's folders.
        screen: Where to print.
        interrupts: Told to ignore signals once the ending has begun.
    """
    left = stop_all(layout.processes)
    if left:
        screen.event(f"Ended {left} processes that an interrupted rehearsal had left running.")
    try:
        yield
    finally:
        interrupts.ignore()
        try:
            if noted(layout.processes):
                screen.event("Stopping everything that was started.")
        finally:
            stop_all(layout.processes)
