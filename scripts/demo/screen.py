"""What the person sees: plain lines with the time since the start, the same with and without a terminal."""

import os
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Callable

from demo.interrupts import Stopped

LABEL_WIDTH = 17
STATE_WIDTH = 20
NARROWEST = 80
WIDEST = 120
MIN_COLUMN = 30


class Screen:
    """Prints lines, each at once, so that they also show when the output goes into a pipe or a file.

    Args:
        clock: Seconds that never go back; the first reading is the start.
        write: Receives each finished line.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, write: Callable[[str], None] | None = None
    ) -> None:
        self._clock = clock
        self._write = write or _print_now
        self._start = clock()
        self._width = min(max(shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)

    def elapsed(self) -> str:
        """Return the time since the start as `m:ss`."""
        seconds = int(self._clock() - self._start)
        return f"{seconds // 60}:{seconds % 60:02d}"

    def line(self, text: str = "") -> None:
        """Print a line without the time."""
        self._write(text)

    def event(self, text: str) -> None:
        """Print a line that starts with the time."""
        self._write(f"{self.elapsed():>6}  {text}".rstrip())

    def task(self, name: str, state: str, summary: str = "") -> None:
        """Print one change of a task.

        Args:
            name: The task's id.
            state: Its state in plain words.
            summary: What it did, with counts.
        """
        start = f"{self.elapsed():>6}  {name:<{LABEL_WIDTH}}  {state:<{STATE_WIDTH}}  "
        self._columns(start, summary)

    def facts(self, pairs: list[tuple[str, str]]) -> None:
        """Print labelled values in two aligned columns."""
        width = max(len(label) for label, _ in pairs)
        for label, value in pairs:
            self._columns(f"        {label:<{width}}  ", value)

    def _columns(self, start: str, text: str) -> None:
        """Print a text behind its labels; it goes on below itself, and a link or a path stays in one piece."""
        room = max(self._width - len(start), MIN_COLUMN)
        parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for number, part in enumerate(parts):
            self._write(((start if number == 0 else " " * len(start)) + part).rstrip())


def _print_now(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # The terminal or the reader of the pipe is gone: stay silent from here on, and end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stopped(signal.SIGHUP) from error
