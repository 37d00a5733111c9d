"""Keeps the last few results of slow work, so that turning a page is quick."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Result = TypeVar("Result")


class KeptResults(Generic[Result]):
    """Results by what they were made from, typically the checksums of files.

    The same work is done once at a time; work for different keys does not wait for each other.

    Args:
        most: How many results are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Result] = OrderedDict()
        self._working: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def forget(self) -> None:
        """Drop everything that is kept."""
        with self._lock:
            self._kept.clear()

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return a result, made now when it is not kept.

        Args:
            key: What the result is made from.
            make: Makes it.
        """
        with self._lock:
            working = self._working.setdefault(key, Lock())
        with working:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            try:
                result = make()
            finally:
                with self._lock:
                    self._working.pop(key, None)
            with self._lock:
                self._kept[key] = result
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            return result
