"""What the person sees: plain lines with the time since the start, the same with and without a terminal."""

import os
import signal
import sys
import time
from collections.abc import Callable

from demo.interrupts import Stopped

LABEL_WIDTH = 17
STATE_WIDTH = 26


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
        self.event(f"{name:<{LABEL_WIDTH}}  {state:<{STATE_WIDTH}}  {summary}")

    def facts(self, pairs: list[tuple[str, str]]) -> None:
        """Print labelled values in two aligned columns."""
        width = max(len(label) for label, _ in pairs)
        for label, value in pairs:
            self._write(f"        {label:<{width}}  {value}")


def _print_now(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # The terminal or the reader of the pipe is gone: stay silent from here on, and end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Stopped(signal.SIGHUP) from error
