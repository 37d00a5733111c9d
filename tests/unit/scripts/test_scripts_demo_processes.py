import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from demo import processes
from demo.problems import DemoProblem
from demo.processes import Note, Program, members, noted, start, stop, stop_all

# A program with a child that ignores the polite signal and a grandchild in a process group of its own.
STUBBORN = """
import os, signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
one = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
two = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, process_group=0)
one.stdout.readline(), two.stdout.readline()
open("pids", "w").write(f"{one.pid} {two.pid}")
os.rename("pids", "ready")
time.sleep(600)
"""
ENVIRONMENT = dict(os.environ)


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def family(tmp_path: Path, notes: Path) -> Iterator[tuple[Program, list[int]]]:
    """A started program and its two stubborn descendants."""
    program = start(
        "family", [sys.executable, "-c", STUBBORN], folder=tmp_path, environment=ENVIRONMENT, notes=notes
    )
    ready = tmp_path / "ready"
    wait_until(ready.exists)
    children = [int(pid) for pid in ready.read_text().split()]
    yield program, children
    for pid in (program.note.pid, *children):
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
    program.process.wait()


def test_everything_a_program_started_is_ended(family: tuple[Program, list[int]], notes: Path) -> None:
    program, children = family
    assert stop(program.note, notes, patience=0.2) == 3
    assert not any(runs(pid) for pid in (program.note.pid, *children))
    assert noted(notes) == []


def test_what_outlived_its_leader_is_ended_by_a_later_command(
    family: tuple[Program, list[int]], notes: Path
) -> None:
    program, children = family
    program.process.kill()
    program.process.wait()
    assert all(runs(pid) for pid in children)
    assert stop_all(notes, patience=0.2) == 2
    assert not any(runs(pid) for pid in children)


def test_a_polite_program_may_clean_up(tmp_path: Path, notes: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path('said-goodbye').touch(), sys.exit()))\n"
        "pathlib.Path('ready').touch()\ntime.sleep(600)"
    )
    program = start(
        "polite", [sys.executable, "-c", code], folder=tmp_path, environment=ENVIRONMENT, notes=notes
    )
    wait_until((tmp_path / "ready").exists)
    assert stop(program.note, notes, patience=20) == 1
    assert (tmp_path / "said-goodbye").exists()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the same user, leader of its own session, that nobody noted."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, cwd="/"
    )
    yield process
    process.kill()
    process.wait()


def write(notes: Path, note: Note) -> None:
    (notes / f"{note.name}.json").write_text(json.dumps(asdict(note)))


def test_a_process_that_got_a_noted_number_later_is_not_ended(
    stranger: subprocess.Popen[bytes], notes: Path, tmp_path: Path
) -> None:
    started = psutil.Process(stranger.pid).create_time()
    note = Note("old", stranger.pid, started - 3600, str(tmp_path))
    write(notes, note)
    assert members(note) == []
    assert stop_all(notes) == 0
    assert stranger.poll() is None
    assert noted(notes) == []


def test_a_session_without_its_leader_counts_only_in_its_folder(
    family: tuple[Program, list[int]], notes: Path
) -> None:
    program, _children = family
    program.process.kill()
    program.process.wait()
    assert members(replace(program.note, folder="/somewhere/else")) == []
    assert len(members(program.note)) == 2


def test_a_damaged_note_is_dropped(notes: Path) -> None:
    (notes / "half.json").write_text('{"name": "x"')
    (notes / "other.json").write_text('{"name": "x"}')
    assert noted(notes) == []
    assert list(notes.iterdir()) == []


def test_the_last_words_of_a_program_are_kept(tmp_path: Path, notes: Path) -> None:
    program = start(
        "talker",
        [sys.executable, "-c", "print('first'); print('last\\n')"],
        folder=tmp_path,
        environment=ENVIRONMENT,
        notes=notes,
    )
    program.process.wait()
    assert program.has_ended()
    assert program.last_words() == "last"


def test_a_process_that_can_t_be_ended_is_named(
    family: tuple[Program, list[int]], notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, _children = family
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(psutil.Process, "send_signal", lambda _process, _number: None)
    with pytest.raises(DemoProblem, match=f"{program.note.pid}.*End it by hand"):
        stop(program.note, notes, patience=0.1)
    assert noted(notes) == [program.note]
