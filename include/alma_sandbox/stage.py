"""The stage: one tenant at a time, its keys, and what is needed to set it up again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from alma_sandbox.seeding.population import populate
from alma_sandbox.state.clock import Clock
from alma_sandbox.state.switches import Switches
from alma_sandbox.state.tenant import Tenant

AREAS = ("users", "conf", "analytics")
KEY = "sandbox-read-write-key"
READ_KEY = "sandbox-read-only-key"

Keys = dict[str, dict[str, str]]


def default_keys() -> Keys:
    """Give the two keys: one may do everything, one may only read."""
    return {KEY: dict.fromkeys(AREAS, "RW"), READ_KEY: dict.fromkeys(AREAS, "R")}


@dataclass(frozen=True, slots=True)
class Plot:
    """How a tenant is set up.

    Args:
        users: Number of user records.
        seed: Seed of everything random.
        switches: How it behaves where Alma is unknown.
        start: Where the clock starts (UTC); real time when None.
        frozen: Whether the clock stands still.
    """

    users: int = 2000
    seed: int = 1
    switches: Switches = field(default_factory=Switches)
    start: datetime | None = None
    frozen: bool = False


class Stage:
    """Holds the tenant that is playing and can start over.

    Args:
        plot: How tenants are set up.
    """

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.base_url = "http://127.0.0.1/almaws/v1"
        self.keys = default_keys()
        self.recent_calls: deque[float] = deque()
        self.calls_today = 0
        self.counted_on: date | None = None
        self.on_new_day: Callable[[Tenant], None] = lambda _tenant: None
        self.tenant = self._build()

    def reset(self, plot: Plot | None = None) -> Tenant:
        """Start over with fresh people, switches, clock, faults, journal and call counts."""
        self.plot = plot or self.plot
        self.keys = default_keys()
        self.recent_calls.clear()
        self.calls_today = 0
        self.tenant = self._build()
        self.settle()
        return self.tenant

    def settle(self) -> None:
        """Bring the tenant up to its clock, the workbooks of a new day included."""
        self.tenant.settle()
        if self.tenant.workbook_day != self.tenant.clock.today():
            self.tenant.workbook_day = self.tenant.clock.today()
            self.on_new_day(self.tenant)

    def _build(self) -> Tenant:
        plot = self.plot
        tenant = Tenant(Clock(plot.start, frozen=plot.frozen), plot.switches.model_copy(), plot.seed)
        tenant.base_url = self.base_url
        populate(tenant, plot.users)
        return tenant
