"""What the rehearsal tenant holds and has logged, as a test judges it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import requests

from alma_sandbox.server import RunningSandbox

PROTECTED, PURGEABLE, JOB_REFUSES = "protected", "purgeable", "job_refuses"


@dataclass(frozen=True)
class Person:
    """One person of the tenant, hidden facts included."""

    primary_id: str
    user_group: str
    exists: bool
    deleted: bool
    scenario: str
    expectation: str
    record_digest: str


@dataclass(frozen=True)
class Call:
    """One call that the tenant has logged."""

    method: str
    path: str
    status: int
    job_started: str
    changes: tuple[dict[str, Any], ...]


class World:
    """The hidden side of a sandbox.

    Args:
        sandbox: The running sandbox.
    """

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._url = sandbox.control_url

    def people(self) -> dict[str, Person]:
        """Return everybody by primary id, people who are gone included."""
        names = Person.__annotations__
        users = self._get("/state")["users"]
        return {one["primary_id"]: Person(**{name: one[name] for name in names}) for one in users}

    def calls(self) -> list[Call]:
        """Return the log of calls."""
        names = Call.__annotations__
        return [
            Call(**{name: one[name] for name in names} | {"changes": tuple(one["changes"])})
            for one in self._get("/log")["entries"]
        ]

    def job_starts(self) -> Counter[str]:
        """Count the starts of each job."""
        return Counter(call.path.rpartition("/")[2] for call in self.calls() if call.job_started)

    def has_run(self, job_name: str) -> bool:
        """Tell whether a job of this name was started."""
        return any(
            change["what"] == "job started" and change["name"] == job_name for change in self.changes()
        )

    def changes(self) -> list[dict[str, Any]]:
        """Return everything that calls have changed."""
        return [change for call in self.calls() for change in call.changes]

    def in_group(self, code: str) -> set[str]:
        """Return the primary ids of everybody there who is in a user group."""
        return {key for key, one in self.people().items() if is_there(one) and one.user_group == code}

    def order(self, action_path: str, **body: Any) -> Any:
        """Tell the stage hand to change something behind the API."""
        answer = requests.post(self._url + action_path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _get(self, path: str) -> Any:
        answer = requests.get(self._url + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


def is_there(person: Person) -> bool:
    """Tell whether a person is still a patron."""
    return person.exists and not person.deleted


def of(people: dict[str, Person], expectation: str) -> list[Person]:
    """Return the people of one expectation who were there at the start."""
    return [one for one in people.values() if one.expectation == expectation and is_there(one)]


def assert_untouched(before: dict[str, Person], after: dict[str, Person], ids: set[str]) -> None:
    """Make sure that records of people are exactly what they were."""
    changed = [before[key].scenario for key in ids if after.get(key) != before[key]]
    assert not changed, f"changed: {Counter(changed)}"


def gone(before: dict[str, Person], after: dict[str, Person]) -> set[str]:
    """Return who has vanished."""
    return {key for key, one in before.items() if is_there(one) and not is_there(after[key])}
