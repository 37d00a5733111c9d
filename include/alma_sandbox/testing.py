"""Run the sandbox inside a test or a script."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from alma_sandbox.server import Ports, RunningSandbox, start
from alma_sandbox.stage import Plot
from alma_sandbox.state.switches import Switches


@contextmanager
def running_sandbox(
    *,
    users: int = 2000,
    seed: int = 1,
    job_seconds: float = 0,
    folder: Path | None = None,
    start_at: datetime | None = None,
    frozen: bool = False,
    switches: dict[str, object] | None = None,
) -> Iterator[RunningSandbox]:
    """Serve a tenant on free ports for the length of a block.

    Unlike the command line, it starts with no limit of calls per second and without index lag; both can be
    switched on with `switches`. Jobs move on when somebody calls the API or the control API; whoever looks at
    `tenant` directly calls `stage.settle()` first. Dates move at midnight (UTC): a
    test that crosses it starts the clock elsewhere.

    Args:
        users: Number of user records.
        seed: Seed of everything random.
        job_seconds: Length of each job phase; 0 ends a job at the next read.
        folder: Working folder (host key, workbooks); a temporary one when left out.
        start_at: Where the clock starts; real time when left out.
        frozen: Whether the clock stands still.
        switches: Values for `Switches`, by name.

    Yields:
        Addresses, keys, logins and the tenant itself.
    """
    chosen = {"job_seconds": job_seconds, "per_second_limit": 0, "index_lag_seconds": 0} | (switches or {})
    plot = Plot(users, seed, Switches.model_validate(chosen), start_at, frozen)
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alma-sandbox-")))
        sandbox = start(plot, place, Ports())
        try:
            yield sandbox
        finally:
            sandbox.stop()
