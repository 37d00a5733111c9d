"""What the suites that kill processes tell pytest: the seed, a polite end, and what was killed."""

import os
import random
import secrets
import signal

import pytest
from tests.support.sabotage import ALL_KILLS

# The seed of every random moment; KILL_SEED repeats an earlier run's.
SEED = os.environ.get("KILL_SEED") or str(secrets.randbelow(10**6))


def pytest_sessionstart() -> None:
    """End as after Ctrl-C when somebody asks politely, so that no process is left behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"KILL_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was killed."""
    terminalreporter.section(f"{len(ALL_KILLS)} kills with signal 9, KILL_SEED={SEED}")
    for kill in ALL_KILLS:
        terminalreporter.line(kill)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(f"{SEED} {request.node.name}")
