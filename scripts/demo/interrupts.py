"""Ctrl-C, a closed terminal and a polite kill end a rehearsal the same way: everything is stopped first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The person or the system asked the rehearsal to end.

    Attributes:
        number: The signal that asked.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interrupts:
    """Turns signals into `Stopped`, except while a piece of work must not be cut in two."""

    def __init__(self) -> None:
        self._held = False
        self._pending: int | None = None
        self._ignored = False

    def listen(self) -> None:
        """Start to listen. A hang-up stays ignored when the program was started that way (nohup)."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrive)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._arrive)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the work inside finish; a signal that came meanwhile is raised right after it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending is not None:
            raise Stopped(self._pending)

    def ignore(self) -> None:
        """Ignore signals from now on: the clean-up has begun and takes seconds."""
        self._ignored = True

    def _arrive(self, number: int, _frame: FrameType | None) -> None:
        if self._ignored:
            return
        if self._held:
            self._pending = number
            return
        raise Stopped(number)
