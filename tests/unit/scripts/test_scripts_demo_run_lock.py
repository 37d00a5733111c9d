import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.interrupts import Interrupts, Stopped
from demo.problems import DemoProblem
from demo.single_run import LOCK, end_running, only_one

SCRIPTS = Path(__file__).parents[3] / "scripts"
HOLDER = """
import sys, time, pathlib
sys.path.insert(0, sys.argv[1])
from demo.interrupts import Interrupts, Stopped
from demo.single_run import only_one
Interrupts().listen()
try:
    with only_one(pathlib.Path(sys.argv[2])):
        print("up", flush=True)
        time.sleep(600)
except Stopped:
    print("ended politely", flush=True)
"""


def holder(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(SCRIPTS), str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_a_second_rehearsal_is_refused_in_one_line(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(DemoProblem, match="already running in this clone") as error, only_one(tmp_path):
            pass
        assert "\n" not in str(error.value)
    finally:
        process.kill()
        process.communicate()
    with only_one(tmp_path):
        pass


def test_a_running_rehearsal_is_ended_from_elsewhere(tmp_path: Path) -> None:
    process = holder(tmp_path)
    assert end_running(tmp_path)
    output, _ = process.communicate(timeout=30)
    assert output == "ended politely\n"
    assert not end_running(tmp_path)


def test_a_lock_with_a_stale_note_ends_nobody(tmp_path: Path) -> None:
    process = holder(tmp_path)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        started = psutil.Process(bystander.pid).create_time()
        (tmp_path / LOCK).write_text(json.dumps({"pid": bystander.pid, "started": started - 3600}))
        with pytest.raises(DemoProblem, match="run `make stop` again"):
            end_running(tmp_path)
        process.kill()
        process.communicate()
        assert bystander.poll() is None
        assert not end_running(tmp_path)
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("note", ["", "{", '{"pid": 0}', '{"pid": "x", "started": 1}'])
def test_an_unreadable_note_is_told_and_nothing_is_signalled(tmp_path: Path, note: str) -> None:
    process = holder(tmp_path)
    try:
        (tmp_path / LOCK).write_text(note)
        with pytest.raises(DemoProblem, match="run `make stop` again"):
            end_running(tmp_path)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Interrupts that listen; the handlers of before come back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored when the tests were started with nohup
    listening = Interrupts()
    listening.listen()
    yield listening
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_signal_waits_for_work_that_must_not_be_cut(interrupts: Interrupts) -> None:
    done = []

    def work() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            done.append("work")

    with pytest.raises(Stopped) as stopped:
        work()
    assert done == ["work"]
    assert stopped.value.number == signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_request_to_end_is_heard(interrupts: Interrupts, number: signal.Signals) -> None:
    with pytest.raises(Stopped):
        signal.raise_signal(number)
    interrupts.ignore()
    signal.raise_signal(number)
