from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests


def _state(alma: Any) -> dict[str, dict[str, Any]]:
    return {user["user_id"]: user for user in alma.control("/state", method="GET")["users"]}


def test_state_tells_scenario_and_expectation(alma: Any) -> None:
    person = alma.person("small_fee")
    shown = _state(alma)[str(person.serial)]
    assert shown["scenario"] == "small_fee"
    assert shown["expectation"] == "protected"
    assert shown["depends_on"] == "waive_threshold"
    assert (shown["exists"], shown["deleted"]) == (True, False)


def test_state_needs_no_key_and_the_api_never_shows_it(alma: Any) -> None:
    assert requests.get(f"{alma.sandbox.control_url}/state", timeout=20).status_code == 200
    assert alma.get("/control/state").status_code == 404


def test_digest_changes_with_any_change_and_returns_with_the_restore(alma: Any) -> None:
    person = alma.person("job_refuses_invoice")
    before = _state(alma)
    record = alma.user(person.primary_id).json()
    alma.purge_people([person])
    moved = _state(alma)
    serial = str(person.serial)
    assert moved[serial]["record_digest"] != before[serial]["record_digest"]
    assert {key for key in before if before[key] != moved[key]} == {serial}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}?override=user_group", json=record)
    assert _state(alma) == before


def test_purged_people_stay_in_the_state(alma: Any) -> None:
    person = alma.person("clean")
    alma.purge_people([person])
    shown = _state(alma)[str(person.serial)]
    assert (shown["exists"], shown["deleted"]) == (False, True)


def test_full_state_has_the_records(alma: Any) -> None:
    user = alma.control("/state?view=full", method="GET")["users"][0]
    assert user["record"]["primary_id"] == user["primary_id"]


def test_log_counts_starts_and_names_changes(alma: Any) -> None:
    person = alma.person("clean")
    alma.purge_people([person])
    log = alma.control("/log", method="GET")
    assert log["job_starts"] == 2
    effects = [entry for entry in log["entries"] if entry["path"].startswith("job M20261")]
    assert [change["what"] for change in effects[0]["changes"]] == ["purged"]
    start = next(entry for entry in log["entries"] if entry["job_started"])
    assert (start["method"], start["query"], start["status"]) == ("POST", {"op": "run"}, 200)


def test_reads_are_logged_without_changes(alma: Any) -> None:
    alma.user("nobody")
    entry = alma.control("/log", method="GET")["entries"][-1]
    assert (entry["path"], entry["status"], entry["error_code"]) == ("/almaws/v1/users/nobody", 400, "401861")
    assert entry["changes"] == []


def test_refused_start_is_not_counted(alma: Any) -> None:
    alma.regroup("12345")
    assert alma.control("/log", method="GET")["job_starts"] == 0


def test_campus_load_puts_external_groups_back(alma: Any) -> None:
    external, internal = alma.person("clean"), alma.person("clean_internal")
    set_id = alma.new_set("set", [external.primary_id, internal.primary_id])
    alma.instance(alma.regroup(set_id))
    assert alma.control("/campus-load", {})["groups_undone"] == 1
    assert external.user_group == external.campus_group
    assert internal.user_group == "OKTOPURGE"


def test_campus_load_leaves_groups_when_so_switched(alma: Any) -> None:
    alma.switch(campus_load_undoes_groups=False)
    person = alma.person("clean")
    alma.instance(alma.regroup(alma.new_set("set", [person.primary_id])))
    assert alma.control("/campus-load", {})["groups_undone"] == 0
    assert person.user_group == "OKTOPURGE"


def test_campus_load_extends_and_recreates(alma: Any) -> None:
    first, second = alma.person("clean", 0), alma.person("clean", 1)
    alma.purge_people([second])
    done = alma.control("/campus-load", {"extend": [first.primary_id], "recreate": [second.primary_id]})
    assert (done["extended"], done["recreated"]) == (1, 1)
    assert first.expiry_date > alma.sandbox.tenant.clock.today()
    assert alma.user(second.primary_id).json()["user_group"]["value"] == second.campus_group


def test_reset_gives_the_same_people_and_a_clean_slate(alma: Any) -> None:
    before = _state(alma)
    alma.purge_people([alma.person("clean")])
    alma.switch(job_name_echoed=False)
    alma.control("/faults", {"kind": "500"})
    alma.control("/reset")
    assert _state(alma) == before
    state = alma.control("/state", method="GET")
    assert (state["sets"], state["jobs"], state["switches"]["job_name_echoed"]) == ([], [], True)
    assert alma.control("/log", method="GET")["entries"] == []
    assert alma.get("/conf/general").status_code == 200


def test_seed_changes_size_and_people(alma: Any) -> None:
    assert alma.control("/seed?users=300&seed=7") == {"users": len(alma.sandbox.tenant.users), "seed": 7}
    assert len(alma.sandbox.tenant.users) > 290


def test_clock_can_be_set_advanced_and_frozen(alma: Any) -> None:
    alma.control("/clock", {"now": "2027-03-01T06:00:00Z", "frozen": True})
    assert alma.control("/clock", method="GET") == {"now": "2027-03-01T06:00:00+00:00", "frozen": True}
    alma.control("/clock", {"advance_days": 1, "advance_seconds": 60})
    assert alma.sandbox.tenant.clock.now() == datetime(2027, 3, 2, 6, 1, tzinfo=UTC)
    alma.control("/clock", {"frozen": False})
    assert alma.sandbox.tenant.clock.now() >= datetime(2027, 3, 2, 6, 1, tzinfo=UTC)
    assert not alma.sandbox.tenant.clock.frozen


def test_unknown_switch_is_refused_and_changes_nothing(alma: Any) -> None:
    answer = requests.post(f"{alma.sandbox.control_url}/switches", json={"gravity": "off"}, timeout=20)
    assert answer.status_code == 422
    assert "gravity" not in alma.control("/switches", method="GET")


def test_record_can_be_changed_behind_the_apis_back(alma: Any) -> None:
    person = alma.person("clean")
    order = {
        "primary_id": person.primary_id,
        "add_loan": True,
        "add_fee": 5.0,
        "add_role": "32",
        "expiry_date": None,
    }
    alma.control("/users", order)
    record = alma.user(person.primary_id, params={"expand": "loans,fees"}).json()
    assert (record["loans"]["value"], record["fees"]["value"]) == (1, 5.0)
    assert record["user_role"][-1]["role_type"]["value"] == "32"
    assert "expiry_date" not in record
    assert record["purge_date"]


def test_hidden_blocker_can_be_added(alma: Any) -> None:
    person = alma.person("clean")
    alma.control("/users", {"primary_id": person.primary_id, "add_blocker": "assigned invoice"})
    alma.purge_people([person])
    assert alma.exists(person)


def test_leftovers_sit_in_the_marker_group(alma: Any) -> None:
    moved = alma.control("/marker-leftovers?count=2")["moved"]
    found = alma.get("/users?q=user_group~OKTOPURGE").json()["user"]
    assert sorted(user["primary_id"] for user in found) == sorted(moved)
    assert len(moved) == 2


def test_page_lists_the_fakes(alma: Any) -> None:
    answer = requests.get(alma.sandbox.base_url, timeout=20)
    assert "What is invented" in answer.text
    for name in alma.control("/switches", method="GET"):
        assert f"`{name}`" in answer.text


@pytest.mark.parametrize("users", [60])
def test_two_sandboxes_side_by_side(make_alma: Callable[..., Any], users: int) -> None:
    one, two = make_alma(users=users), make_alma(users=users, seed=2)
    one.purge_people([one.person("clean")])
    assert two.sandbox.tenant.users.gone.keys() != one.sandbox.tenant.users.gone.keys()
    assert two.control("/log", method="GET")["job_starts"] == 0
