"""Keeps the calls of all threads of one client below Alma's limit per second."""

import threading
from collections.abc import Callable


class RateLimit:
    """Hands out moments to call at, evenly spaced over all threads.

    Args:
        per_second: The highest number of calls per second; Alma stops an institution at 10 to 50.
        clock: Returns seconds from a clock that never runs backwards.
        sleep: Waits the given number of seconds.
    """

    def __init__(
        self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        if per_second <= 0:
            raise ValueError(f"calls per second must be above 0, not {per_second}")
        self._gap = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Waits until this thread may make one call."""
        with self._lock:
            now = self._clock()
            slot = max(now, self._next)
            self._next = slot + self._gap
        if slot > now:
            self._sleep(slot - now)
