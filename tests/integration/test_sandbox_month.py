"""One month by hand: what a careful operator does, played against the sandbox with plain HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from alma_sandbox.server import RunningSandbox
from alma_sandbox.testing import running_sandbox

JOBS = Path(__file__).parents[2] / "include" / "jobs"


class Operator:
    """Somebody with a key."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.root = f"{sandbox.base_url}/almaws/v1"
        self.control_url = sandbox.control_url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"apikey {sandbox.key}", "Accept": "application/json"})

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.root + path, json=body, timeout=30)

    def user_path(self, primary_id: str) -> str:
        return f"/users/{quote(primary_id, safe='')}"

    def state(self) -> dict[str, dict[str, Any]]:
        answer = self.session.get(f"{self.control_url}/state", timeout=60).json()
        return {user["user_id"]: user for user in answer["users"]}

    def run(self, job_id: str, file_name: str, set_id: str) -> str:
        text = (JOBS / file_name).read_text(encoding="utf-8")
        body = json.loads(text.replace("{{set_id}}", set_id).replace("{{job_name}}", f"month {job_id}"))
        link = self.send("POST", f"/conf/jobs/{job_id}?op=run", body).json()["additional_info"]["link"]
        run = self.send("GET", f"/conf/jobs/{job_id}/instances/{link.rsplit('/', 1)[1]}").json()
        return str(run["status"]["value"])


def test_protected_people_are_untouched_and_refused_ones_come_back() -> None:
    with running_sandbox(users=800) as sandbox:
        operator = Operator(sandbox)
        before = operator.state()
        chosen = [user["primary_id"] for user in before.values() if user["expectation"] != "protected"]
        snapshot = {
            identifier: operator.send("GET", operator.user_path(identifier)).json() for identifier in chosen
        }
        set_body = {"name": "month", "type": {"value": "ITEMIZED"}, "content": {"value": "USER"}}
        set_id = operator.send("POST", "/conf/sets", set_body).json()["id"]
        members = {"members": {"member": [{"id": identifier} for identifier in chosen]}}
        assert operator.send("POST", f"/conf/sets/{set_id}?op=add_members", members).status_code == 200

        assert operator.run("M148", "update_notify_users.json", set_id) == "COMPLETED_SUCCESS"
        assert operator.run("M20261", "purge_users.json", set_id) == "COMPLETED_WARNING"

        for identifier, record in snapshot.items():
            answer = operator.send("GET", operator.user_path(identifier))
            if answer.status_code == 200:
                assert answer.json()["user_group"]["value"] == "OKTOPURGE"
                operator.send("PUT", operator.user_path(identifier) + "?override=user_group", record)

        after = operator.state()
        changed = {number for number in before if before[number] != after[number]}
        assert changed == {number for number, user in before.items() if user["expectation"] == "purgeable"}
        assert not any(after[number]["exists"] for number in changed)


def test_payload_files_move_one_field_and_name_the_marker_group() -> None:
    update = json.loads((JOBS / "update_notify_users.json").read_text(encoding="utf-8"))
    values = {item["name"]["value"]: item["value"] for item in update["parameter"]}
    assert [name for name, value in values.items() if name.endswith("_Active") and value == "true"] == [
        "UPDATE_User_Information_UserGroup_Active"
    ]
    assert values["UPDATE_User_Information_UserGroup_Value"] == "OKTOPURGE"
    assert values["UPDATE_User_Information_UserGroup_Condition"] == "Null"
    for name in ("update_notify_users.json", "purge_users.json"):
        text = (JOBS / name).read_text(encoding="utf-8")
        assert (text.count("{{set_id}}"), text.count("{{job_name}}")) == (1, 1)
        assert "OKTOPURGE" in text
