"""Start programs so that they can be ended with everything they started, even by a later command.

Each program leads a session of its own. Whatever it forks stays in that session, also when it leaves the
process group or loses its parent, so a session is ended as a whole. A note on disk says which sessions this
clone started.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import psutil

from demo.problems import DemoProblem

PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1
CLOCK_TOLERANCE_SECONDS = 3.0


@dataclass(frozen=True)
class Note:
    """What is written down about a started program.

    Attributes:
        name: What it is, for the person.
        pid: Its process id, which is also the id of its session.
        started: When it started, in seconds since 1970 as the system counts it.
        folder: Its working folder, inside `.demo`.
    """

    name: str
    pid: int
    started: float
    folder: str


@dataclass(frozen=True)
class Program:
    """A program that was started here."""

    note: Note
    process: subprocess.Popen[bytes]
    log: Path

    def has_ended(self) -> bool:
        """Tell whether the program itself has ended; what it started may still run."""
        return self.process.poll() is not None

    def last_words(self, lines: int = 1) -> str:
        """Return the end of what it wrote, without empty lines."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return " ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:]) or "no message"


def start(
    name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], notes: Path
) -> Program:
    """Start a program in a session of its own and note it.

    Args:
        name: What it is; also names its log and its note.
        command: Program and arguments.
        folder: Its working folder; it should be inside `.demo`. The log is written there.
        environment: Its whole environment.
        notes: The folder of notes.

    Returns:
        The running program. Its input is empty and its output goes to the log.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    note = Note(name, process.pid, psutil.Process(process.pid).create_time(), str(folder))
    _note_path(notes, name).write_text(json.dumps(asdict(note)), encoding="utf-8")
    return Program(note, process, log)


def stop(note: Note, notes: Path, patience: float = PATIENCE_SECONDS) -> int:
    """End every process of a noted session: ask, wait, then force. The note goes when all are gone.

    Args:
        note: The session.
        notes: The folder of notes.
        patience: Seconds between asking and forcing.

    Returns:
        How many processes were ended.

    Raises:
        DemoProblem: A process can't be ended.
    """
    ended: set[int] = set()
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, PATIENCE_SECONDS)):
        if _signal_until_gone(note, number, seconds, ended):
            _note_path(notes, note.name).unlink(missing_ok=True)
            return len(ended)
    left = ", ".join(str(process.pid) for process in members(note))
    raise DemoProblem(f"{note.name} could not be ended: process {left} does not react. End it by hand.")


def _signal_until_gone(note: Note, number: signal.Signals, seconds: float, reached: set[int]) -> bool:
    """Send the signal once to each process, later ones included; tell whether all are gone in time."""
    signalled: set[int] = set()
    deadline = time.monotonic() + seconds
    while running := members(note):
        for process in running:
            if process.pid not in signalled:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
                signalled.add(process.pid)
                reached.add(process.pid)
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def members(note: Note) -> list[psutil.Process]:
    """Return the living processes of a noted session, none when the number now belongs to somebody else.

    Args:
        note: The session.
    """
    leader = _leader(note)
    if leader is _Leader.SOMEBODY_ELSE:
        return []
    return [process for process in psutil.process_iter() if _belongs(process, note, leader)]


def _belongs(process: psutil.Process, note: Note, leader: "_Leader") -> bool:
    """Tell whether a process is alive, this user's, and in the noted session.

    Without its leader a session has nothing but its number, which may have been given out again: then the
    working folder decides.
    """
    try:
        if os.getsid(process.pid) != note.pid or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.uids().real != os.getuid():
            return False
        return leader is _Leader.OURS or Path(process.cwd()) == Path(note.folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
        return False


class _Leader(Enum):
    """Who has the process id in a note now."""

    OURS = "the noted program"
    GONE = "nobody"
    SOMEBODY_ELSE = "a program started at another time"


def _leader(note: Note) -> _Leader:
    try:
        started: float = psutil.Process(note.pid).create_time()
    except psutil.NoSuchProcess:
        return _Leader.GONE
    same = abs(started - note.started) <= CLOCK_TOLERANCE_SECONDS
    return _Leader.OURS if same else _Leader.SOMEBODY_ELSE


def noted(notes: Path) -> list[Note]:
    """Return what earlier commands noted and did not end; an unreadable note is dropped.

    Args:
        notes: The folder of notes.
    """
    found = []
    for path in sorted(notes.glob("*.json")):
        try:
            found.append(Note(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError):
            path.unlink()
    return found


def stop_all(notes: Path, patience: float = PATIENCE_SECONDS) -> int:
    """End everything that is noted, the last started first; return how many processes were ended.

    Args:
        notes: The folder of notes.
        patience: Seconds between asking and forcing.
    """
    sessions = sorted(noted(notes), key=lambda note: note.started, reverse=True)
    return sum(stop(note, notes, patience) for note in sessions)


def _note_path(notes: Path, name: str) -> Path:
    return notes / f"{name}.json"
