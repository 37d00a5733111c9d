from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.people import Person
from alma_sandbox.testing import running_sandbox

JOBS = Path(__file__).parents[3] / "include" / "jobs"


class Alma:
    """The sandbox as a test sees it: calls in, answers out, and the hidden state beside it."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"apikey {sandbox.key}", "Accept": "application/json"})

    def call(self, method: str, path: str, **rest: Any) -> requests.Response:
        return self.session.request(method, f"{self.sandbox.base_url}/almaws/v1{path}", timeout=20, **rest)

    def get(self, path: str, **rest: Any) -> requests.Response:
        return self.call("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> requests.Response:
        return self.call("POST", path, **rest)

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.session.request(method, f"{self.sandbox.control_url}{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, **values: Any) -> None:
        self.control("/switches", values)

    def person(self, scenario: str, number: int = 0) -> Person:
        return [p for p in self.sandbox.tenant.users if p.scenario == scenario][number]

    def user(self, identifier: str, **rest: Any) -> requests.Response:
        return self.get(f"/users/{quote(identifier, safe='')}", **rest)

    def new_set(self, name: str, ids: list[str]) -> str:
        body = {"name": name, "type": {"value": "ITEMIZED"}, "content": {"value": "USER"}}
        set_id = str(self.post("/conf/sets", json=body).json()["id"])
        if ids:
            assert self.members(set_id, ids).status_code == 200
        return set_id

    def members(
        self, set_id: str, ids: list[str], op: str = "add_members", **query: str
    ) -> requests.Response:
        body = {"members": {"member": [{"id": identifier} for identifier in ids]}}
        return self.post(f"/conf/sets/{set_id}", params={"op": op, **query}, json=body)

    def payload(self, file_name: str, set_id: str, job_name: str, **changes: str) -> dict[str, Any]:
        text = (JOBS / file_name).read_text(encoding="utf-8")
        body: dict[str, Any] = json.loads(
            text.replace("{{set_id}}", set_id).replace("{{job_name}}", job_name)
        )
        for item in body["parameter"]:
            item["value"] = changes.get(item["name"]["value"], item["value"])
        return body

    def regroup(self, set_id: str, name: str = "regroup", **changes: str) -> requests.Response:
        return self.post(
            "/conf/jobs/M148?op=run", json=self.payload("update_notify_users.json", set_id, name, **changes)
        )

    def purge(self, set_id: str, name: str = "purge", **changes: str) -> requests.Response:
        return self.post(
            "/conf/jobs/M20261?op=run", json=self.payload("purge_users.json", set_id, name, **changes)
        )

    def instance(self, started: requests.Response) -> dict[str, Any]:
        assert started.status_code == 200, started.text
        instance_id = started.json()["additional_info"]["link"].rsplit("/", 1)[1]
        found: dict[str, Any] = self.get(f"/conf/jobs/ALL/instances/{instance_id}").json()
        return found

    def purge_people(self, people: list[Person], **changes: str) -> dict[str, Any]:
        """Regroup and purge; give back the purge run."""
        set_id = self.new_set("purge set", [person.primary_id for person in people])
        assert self.instance(self.regroup(set_id))["status"]["value"] == "COMPLETED_SUCCESS"
        return self.instance(self.purge(set_id, **changes))

    def exists(self, person: Person) -> bool:
        return self.user(person.primary_id).status_code == 200


def code_of(answer: requests.Response) -> str:
    return str(answer.json()["errorList"]["error"][0]["errorCode"])


@pytest.fixture
def make_alma() -> Iterator[Callable[..., Alma]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> Alma:
            return Alma(stack.enter_context(running_sandbox(**({"users": 150} | settings))))

        yield make


@pytest.fixture
def alma(make_alma: Callable[..., Alma]) -> Alma:
    return make_alma()


@pytest.fixture
def refused() -> Callable[[requests.Response, str], None]:
    """Check that an answer is a refusal: HTTP 400 with the given code."""

    def check(answer: requests.Response, code: str) -> None:
        assert (answer.status_code, code_of(answer)) == (400, code), answer.text

    return check
