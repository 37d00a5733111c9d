"""One clock for the code under test and for the rehearsal tenant, moved instead of being waited for."""

import asyncio
import inspect
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from types import ModuleType, SimpleNamespace

import pytest

from alma_sandbox.server import RunningSandbox

ROOMS = ("alma_purge", "alma_api", "patron_purge")


class _AlsoPlain(type):
    """Lets `isinstance` see a plain datetime as one of the moved ones."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class Clock:
    """Real time plus an offset, for the code under test and for the tenant alike.

    Args:
        sandbox: The tenant whose clock moves along.
        start: Where both clocks start.
    """

    def __init__(self, sandbox: RunningSandbox, start: datetime) -> None:
        self._sandbox = sandbox
        self._start = start
        self._offset = timedelta(0)
        self.slept = timedelta(0)
        self.reset()

    def reset(self) -> None:
        """Put the clock back to its start; the tenant's is put back by its own reset."""
        self._offset = self._start - datetime.now(UTC)
        self.slept = timedelta(0)

    def now(self, zone: tzinfo | None = None) -> datetime:
        """Return the moved time."""
        moment = datetime.now(UTC) + self._offset
        return moment.astimezone(zone) if zone else moment.replace(tzinfo=None)

    def advance(self, span: timedelta) -> None:
        """Move both clocks forward."""
        if span <= timedelta(0):
            return
        self._offset += span
        self._sandbox.control.set_clock(None, span.total_seconds(), frozen=None)

    def advance_to(self, moment: datetime) -> None:
        """Move both clocks just past a moment."""
        self.advance(moment - self.now(UTC) + timedelta(seconds=1))

    def sleep(self, seconds: float) -> None:
        """Do as if time had passed."""
        self.slept += timedelta(seconds=seconds)
        self.advance(timedelta(seconds=seconds))

    async def pause(self, seconds: float) -> None:
        """Do as if time had passed, in a coroutine."""
        self.sleep(seconds)

    @contextmanager
    def rules(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Make every module of the code under test that is loaded now follow this clock.

        Args:
            monkeypatch: Puts the modules back afterwards.
        """
        clock = self

        class MovedDatetime(datetime, metaclass=_AlsoPlain):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return clock.now(tz)

            @classmethod
            def fromisoformat(cls, text: str, /) -> datetime:  # type: ignore[override]
                return datetime.fromisoformat(text)

        moved_time = _like(time, sleep=self.sleep)
        moved_asyncio = _like(asyncio, sleep=self.pause)
        for module in _loaded_rooms():
            if getattr(module, "datetime", None) is datetime and "datetime.now(" in inspect.getsource(module):
                monkeypatch.setattr(module, "datetime", MovedDatetime)
            if getattr(module, "time", None) is time:
                monkeypatch.setattr(module, "time", moved_time)
            if getattr(module, "asyncio", None) is asyncio:
                monkeypatch.setattr(module, "asyncio", moved_asyncio)
        yield


def _loaded_rooms() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] in ROOMS]


def _like(module: ModuleType, **changed: object) -> SimpleNamespace:
    """Return a stand-in for a module in which some names are other ones."""
    return SimpleNamespace(**{**vars(module), **changed})
