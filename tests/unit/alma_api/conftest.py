from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.unit.alma_api.scripted_alma import ScriptedAlma, scripted_alma

from alma_api.client import AlmaClient
from alma_api.transport import Timing

KEY = "l8xx0123456789abcdef"


@dataclass
class FakeTime:
    """A clock that only moves when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=self.clock, sleep=self.sleep, jitter=lambda _low, high: high)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def alma() -> Iterator[ScriptedAlma]:
    with scripted_alma() as server:
        yield server


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def client(alma: ScriptedAlma, fake_time: FakeTime) -> Iterator[AlmaClient]:
    with AlmaClient(alma.url, KEY, timing=fake_time.timing(), attempts=4, timeout=(5.0, 5.0)) as made:
        yield made
