"""Short ways to reach a running sandbox with the real client, and to judge it by its own state and log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alma_api.client import AlmaClient
from alma_api.transport import Timing
from alma_sandbox.control.files import FileOrder, order_files
from alma_sandbox.control.operator import UserOrder, change_user
from alma_sandbox.control.service import record_digest
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.faults import Fault, FaultKind
from alma_sandbox.state.people import Person

MARKER = "OKTOPURGE"
JOBS = Path(__file__).resolve().parents[2] / "include" / "jobs"


@contextmanager
def talking(
    sandbox: RunningSandbox, key: str | None = None, *, answer_seconds: float = 20.0
) -> Iterator[AlmaClient]:
    """Give a client that does not pause between its repeats."""
    with AlmaClient(
        sandbox.base_url,
        key or sandbox.key,
        calls_per_second=10_000,
        timeout=(5.0, answer_seconds),
        attempts=3,
        timing=Timing(sleep=lambda _seconds: None),
    ) as client:
        yield client


def arm(sandbox: RunningSandbox, kind: FaultKind | str, **where: Any) -> None:
    """Arm a fault; `where` holds the other fields of `Fault`."""
    with sandbox.tenant.lock:
        sandbox.tenant.faults.arm(Fault(kind=FaultKind(kind), **where))


def disarm(sandbox: RunningSandbox) -> None:
    with sandbox.tenant.lock:
        sandbox.tenant.faults.clear()


def switch(sandbox: RunningSandbox, **values: Any) -> None:
    with sandbox.tenant.lock:
        for name, value in values.items():
            setattr(sandbox.tenant.switches, name, value)


def advance(sandbox: RunningSandbox, seconds: float) -> None:
    sandbox.control.set_clock(None, seconds, frozen=None)


def people(sandbox: RunningSandbox, scenario: str = "", count: int | None = None) -> list[Person]:
    """Return people in the tenant's order, of one scenario or of any."""
    with sandbox.tenant.lock:
        return [one for one in sandbox.tenant.users if scenario in {"", one.scenario}][:count]


def ids_of(persons: Sequence[Person]) -> list[str]:
    return [one.primary_id for one in persons]


def change(sandbox: RunningSandbox, primary_id: str, **values: Any) -> None:
    """Change a record as somebody at an Alma screen would."""
    change_user(sandbox.control, UserOrder(primary_id=primary_id, **values))


def workbooks(sandbox: RunningSandbox, action: str, **values: Any) -> None:
    """Change the exclusion files on the SFTP server."""
    order_files(sandbox.control, FileOrder.model_validate({"action": action, **values}))


def digest_of(sandbox: RunningSandbox, person: Person) -> str:
    """Condense everything the tenant holds about a person."""
    with sandbox.tenant.lock:
        return record_digest(sandbox.tenant, person)


def calls(sandbox: RunningSandbox, method: str, path: str) -> int:
    """Count the calls that reached the tenant."""
    with sandbox.tenant.lock:
        entries = sandbox.tenant.journal.entries
        return sum(1 for entry in entries if entry.method == method and path in entry.path)


def job_starts(sandbox: RunningSandbox) -> list[str]:
    """Return the ids of the job instances that were started by API."""
    with sandbox.tenant.lock:
        return [entry.job_started for entry in sandbox.tenant.journal.entries if entry.job_started]


def changing_calls(sandbox: RunningSandbox) -> list[str]:
    """Return the calls that could change anything; Alma's own test calls change nothing."""
    with sandbox.tenant.lock:
        return [
            f"{entry.method} {entry.path}"
            for entry in sandbox.tenant.journal.entries
            if entry.method in {"POST", "PUT", "DELETE"} and not entry.path.endswith("/test")
        ]


def whole_state(sandbox: RunningSandbox) -> Any:
    """Return everything a run could change: people with digests of their records, sets and jobs."""
    state = sandbox.control.state(compact=True, digests=True)
    return {key: state[key] for key in ("users", "sets", "jobs")}


def members_of(sandbox: RunningSandbox, set_id: str) -> list[str]:
    with sandbox.tenant.lock:
        tenant = sandbox.tenant
        found = [tenant.users.by_serial(serial) for serial in tenant.sets.get(set_id).members]
        return [one.primary_id for one in found if one is not None]


def payload(file_name: str, set_id: str, job_name: str) -> bytes:
    """Fill a job payload of the project."""
    text = (JOBS / file_name).read_text(encoding="utf-8")
    return text.replace("{{set_id}}", set_id).replace("{{job_name}}", job_name).encode()


def fine() -> None:
    """Be the last look at a start that nothing speaks against."""


def set_of(client: AlmaClient, ids: Sequence[str], name: str = "a set") -> str:
    """Make a filled set."""
    made = client.sets.create_itemized_user_set(name, "")
    for start in range(0, len(ids), 1000):
        client.sets.add_members(made.id, ids[start : start + 1000])
    return made.id


def regroup(client: AlmaClient, ids: Sequence[str], name: str = "regroup") -> None:
    """Move people to the marker group with Alma's job."""
    set_id = set_of(client, ids, f"set of {name}")
    start = client.jobs.run("M148", payload("update_notify_users.json", set_id, name))
    assert client.jobs.instance("M148", start.instance_id).status.is_good
