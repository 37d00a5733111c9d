from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

Refused = Callable[[requests.Response, str], None]
BODY = {"name": "a set", "type": {"value": "ITEMIZED"}, "content": {"value": "USER"}}


def _some_ids(alma: Any, number: int) -> list[str]:
    return [person.primary_id for person in alma.sandbox.tenant.users][:number]


def test_create_answers_200_and_an_empty_set(alma: Any) -> None:
    answer = alma.post("/conf/sets", json=BODY)
    assert answer.status_code == 200
    made = answer.json()
    assert made["number_of_members"]["value"] == "0"
    assert made["private"] == {"value": "false", "desc": "No"}
    assert alma.get(f"/conf/sets/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": {"value": "LOGICAL"}}, "402262"),
        ({"content": {"value": "SHOES"}}, "60204"),
        ({"private": {"value": "maybe"}}, "60209"),
        ({"status": {"value": "SLEEPING"}}, "60210"),
    ],
)
def test_create_refuses_what_is_wrong(alma: Any, refused: Refused, change: dict[str, Any], code: str) -> None:
    refused(alma.post("/conf/sets", json=BODY | change), code)


def test_names_are_unique(alma: Any, refused: Refused) -> None:
    alma.new_set("a set", [])
    refused(alma.post("/conf/sets", json=BODY), "402263")


def test_delete_is_204_and_then_the_id_is_invalid(alma: Any, refused: Refused) -> None:
    set_id = alma.new_set("a set", [])
    assert alma.call("DELETE", f"/conf/sets/{set_id}").status_code == 204
    refused(alma.get(f"/conf/sets/{set_id}"), "60107")
    refused(alma.call("DELETE", f"/conf/sets/{set_id}"), "402264")


def test_members_are_listed_in_pages_of_at_most_100(alma: Any) -> None:
    ids = _some_ids(alma, 120)
    set_id = alma.new_set("a set", ids)
    first = alma.get(f"/conf/sets/{set_id}/members?limit=500").json()
    second = alma.get(f"/conf/sets/{set_id}/members?limit=100&offset=100").json()
    assert (len(first["member"]), len(second["member"]), first["total_record_count"]) == (100, 20, 120)
    assert [member["id"] for member in first["member"] + second["member"]] == ids
    assert len(alma.get(f"/conf/sets/{set_id}/members").json()["member"]) == 10


def test_empty_member_list_has_no_member_key(alma: Any) -> None:
    assert alma.get(f"/conf/sets/{alma.new_set('a set', [])}/members").json() == {"total_record_count": 0}


def test_adding_twice_is_refused_and_changes_nothing(alma: Any, refused: Refused) -> None:
    ids = _some_ids(alma, 3)
    set_id = alma.new_set("a set", ids[:2])
    refused(alma.members(set_id, ids), "60115")
    assert alma.get(f"/conf/sets/{set_id}").json()["number_of_members"]["value"] == "2"


def test_duplicates_in_one_call_are_refused(alma: Any, refused: Refused) -> None:
    one = _some_ids(alma, 1)[0]
    refused(alma.members(alma.new_set("a set", []), [one, one]), "60119")
    refused(alma.members(alma.new_set("b set", []), [one.lower(), one.upper()]), "60119")
    barcode = alma.sandbox.tenant.users.find(one).identifiers[0]["value"]
    twice = ["nobody", "nobody", barcode]
    refused(alma.members(alma.new_set("c set", []), twice, fail_on_invalid_id="false"), "60119")


def test_invalid_id_refuses_the_call_unless_told_to_ignore_it(alma: Any, refused: Refused) -> None:
    set_id = alma.new_set("a set", [])
    ids = [*_some_ids(alma, 2), "nobody"]
    refused(alma.members(set_id, ids), "60116")
    answer = alma.members(set_id, ids, fail_on_invalid_id="false")
    assert answer.json()["number_of_members"]["value"] == "2"


def test_members_are_primary_ids_unless_a_type_is_named(alma: Any, refused: Refused) -> None:
    person = alma.person("clean")
    barcode = person.identifiers[0]["value"]
    set_id = alma.new_set("a set", [])
    refused(alma.members(set_id, [barcode]), "60116")
    refused(alma.members(set_id, ["nothing"], id_type="BARCODE"), "60120")
    refused(alma.members(set_id, [barcode], id_type="SHOE_SIZE"), "40166410")
    assert alma.members(set_id, [barcode], id_type="BARCODE").status_code == 200
    refused(alma.members(set_id, [barcode], id_type="BARCODE"), "60176")
    assert alma.get(f"/conf/sets/{set_id}/members").json()["member"][0]["id"] == person.primary_id


@pytest.mark.parametrize(
    ("ids", "op", "code"),
    [
        ([], "add_members", "60113"),
        ([""], "add_members", "60114"),
        (["a"], "shuffle_members", "60111"),
        ([str(n) for n in range(1001)], "add_members", "60118"),
    ],
)
def test_manage_refusals(alma: Any, refused: Refused, ids: list[str], op: str, code: str) -> None:
    refused(alma.members(alma.new_set("a set", []), ids, op), code)


def test_a_thousand_members_fit_in_one_call(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(users=1100)
    ids = _some_ids(alma, 1000)
    assert alma.members(alma.new_set("a set", []), ids).json()["number_of_members"]["value"] == "1000"


def test_delete_and_replace_members(alma: Any, refused: Refused) -> None:
    ids = _some_ids(alma, 4)
    set_id = alma.new_set("a set", ids[:3])
    refused(alma.members(set_id, [ids[3]], "delete_members"), "60117")
    assert alma.members(set_id, [ids[0]], "delete_members").json()["number_of_members"]["value"] == "2"
    assert alma.members(set_id, [ids[3]], "replace_members").json()["number_of_members"]["value"] == "1"


def test_only_user_sets_take_users(alma: Any, refused: Refused) -> None:
    made = alma.post("/conf/sets", json=BODY | {"content": {"value": "ITEM"}}).json()
    refused(alma.members(made["id"], _some_ids(alma, 1)), "60112")


def test_unknown_set_is_60107(alma: Any, refused: Refused) -> None:
    refused(alma.members("123", ["a"]), "60107")
    refused(alma.get("/conf/sets/123/members"), "60107")


def test_list_filters_by_words_of_the_name(alma: Any, refused: Refused) -> None:
    alma.new_set("OK to Purge 2026-11 run a1", [])
    alma.new_set("Something else", [])
    found = alma.get("/conf/sets", params={"q": "name~purge 2026"}).json()
    assert [held["name"] for held in found["set"]] == ["OK to Purge 2026-11 run a1"]
    assert alma.get("/conf/sets?limit=1").json()["total_record_count"] == 2
    refused(alma.get("/conf/sets", params={"q": "purge"}), "60106")
    refused(alma.get("/conf/sets", params={"set_type": "ODD"}), "40166410")


def test_members_follow_a_renamed_user_and_lose_a_purged_one(alma: Any) -> None:
    person = alma.person("clean_internal")
    set_id = alma.new_set("a set", [person.primary_id])
    record = alma.user(person.primary_id).json() | {"primary_id": "renamed@example.edu"}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert alma.get(f"/conf/sets/{set_id}/members").json()["member"][0]["id"] == "renamed@example.edu"
    alma.call("DELETE", f"/users/{person.identifiers[0]['value']}")
    assert alma.get(f"/conf/sets/{set_id}/members").json() == {"total_record_count": 0}


def test_xml_bodies_work_too(alma: Any) -> None:
    xml = '<set><name>by xml</name><type>ITEMIZED</type><content desc="User">USER</content></set>'
    headers = {"Content-Type": "application/xml"}
    made = alma.post("/conf/sets", data=xml, headers=headers).json()
    one, two = _some_ids(alma, 2)
    members = f"<set><members><member><id>{one}</id></member><member><id>{two}</id></member></members></set>"
    changed = alma.post(f"/conf/sets/{made['id']}?op=add_members", data=members, headers=headers).json()
    assert changed["number_of_members"]["value"] == "2"
