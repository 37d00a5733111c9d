"""The commands behind `make demo`, `make sandbox` and `make stop`."""

import argparse
import os
import sys

from demo.alone import run_alone
from demo.approve import Answer
from demo.interrupts import Interrupts, Stopped
from demo.layout import Layout, this_clone
from demo.ports import read_port
from demo.problems import DemoProblem
from demo.processes import stop_all
from demo.rehearsal import Rehearsal
from demo.screen import Screen
from demo.single_run import end_running, only_one

ANSWERS = {"": None, "yes": Answer.APPROVE, "no": Answer.REJECT}
SIGNAL_STATUS = 128


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks.

    Args:
        arguments: The command line without the program; None takes the real one.

    Returns:
        0 when the outcome is the right one, 1 when not, 128 + n when signal n ended it.
    """
    command = _parser().parse_args(arguments)
    os.umask(0o077)
    layout = this_clone()
    interrupts = Interrupts()
    interrupts.listen()
    try:
        layout.create()
        if command.command == "stop":
            return _stop(layout)
        with only_one(layout.home):
            if command.command == "sandbox":
                run_alone(layout, Screen(), interrupts)
                return 0
            return 0 if _rehearsal(layout, interrupts, command.port, command.approve).play() else 1
    except DemoProblem as problem:
        _say_last(str(problem))
        return 1
    except Stopped as stopped:
        _say_last("Stopped; nothing was left running.")
        return SIGNAL_STATUS + stopped.number


def _rehearsal(layout: Layout, interrupts: Interrupts, port: str, approve: str) -> Rehearsal:
    if approve.lower() not in ANSWERS:
        raise DemoProblem(f"APPROVE={approve} is no answer: use APPROVE=yes, APPROVE=no, or leave it out.")
    return Rehearsal(layout, Screen(), interrupts, read_port(port), ANSWERS[approve.lower()])


def _stop(layout: Layout) -> int:
    asked = end_running(layout.home)
    left = stop_all(layout.processes)
    if left:
        print(f"Ended {left} processes that an interrupted rehearsal had left running.")
    elif asked:
        print("Ended the running rehearsal; nothing was left running.")
    else:
        print("Nothing was running.")
    return 0


def _say_last(line: str) -> None:
    """Print a last line where errors go; nobody may be there to read it."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="rehearse one purge and follow it")
    run.add_argument("--port", default="8080", help="the port Airflow should have when it is free")
    run.add_argument("--approve", default="", help="yes or no: answer through the REST API")
    commands.add_parser("sandbox", help="start the rehearsal tenant alone")
    commands.add_parser("stop", help="end whatever was left running")
    return parser


if __name__ == "__main__":
    sys.exit(main())
