"""One rehearsal at a time in one clone, and a way to end it from another terminal."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from demo.problems import DemoProblem
from demo.processes import CLOCK_TOLERANCE_SECONDS

LOCK = "run.lock"
END_SECONDS = 45.0


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the clone's lock while the work inside runs.

    The kernel drops the lock when the program ends in whatever way; started programs don't inherit it.

    Args:
        home: The `.demo` folder.

    Raises:
        DemoProblem: Another rehearsal runs in this clone.
    """
    with (home / LOCK).open("a+") as handle:
        if not _take(handle):
            raise DemoProblem(
                "A rehearsal is already running in this clone: finish it, or end it with `make stop`."
            )
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time()}))
        handle.flush()
        yield


def end_running(home: Path) -> bool:
    """Ask the rehearsal that runs in this clone to end, and wait until it has.

    Args:
        home: The `.demo` folder.

    Returns:
        Whether there was one.

    Raises:
        DemoProblem: It does not end.
    """
    with (home / LOCK).open("a+") as handle:
        if _take(handle):
            return False
        handle.seek(0)
        _ask_to_end(handle.read())
        deadline = time.monotonic() + END_SECONDS
        while not _take(handle):
            if time.monotonic() > deadline:
                raise DemoProblem("The running rehearsal does not end; press Ctrl-C where it was started.")
            time.sleep(0.1)
        return True


def _take(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ask_to_end(noted: str) -> None:
    """Send the polite signal to the noted process, if it still is the one that wrote the note."""
    try:
        note = json.loads(noted)
        process = psutil.Process(int(note["pid"]))
        is_the_one = abs(process.create_time() - float(note["started"])) <= CLOCK_TOLERANCE_SECONDS
    except (ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        is_the_one = False
    if not is_the_one:
        raise DemoProblem(
            "A rehearsal is just starting or ending in this clone; run `make stop` again in a moment."
        )
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
