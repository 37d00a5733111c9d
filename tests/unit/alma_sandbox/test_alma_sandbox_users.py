from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from alma_sandbox.control.service import record_digest

Refused = Callable[[requests.Response, str], None]


def test_unknown_user_is_a_400_with_401861(alma: Any, refused: Refused) -> None:
    refused(alma.user("nobody"), "401861")


def test_unknown_user_with_a_named_type_is_401890(alma: Any, refused: Refused) -> None:
    refused(alma.user("nobody", params={"user_id_type": "BARCODE"}), "401890")


def test_lookup_ignores_case(alma: Any) -> None:
    person = next(p for p in alma.sandbox.tenant.users if "AbC" in p.primary_id)
    assert alma.user(person.primary_id.upper()).json()["primary_id"] == person.primary_id


def test_barcode_finds_a_user_with_another_primary_id(alma: Any) -> None:
    person = alma.person("clean")
    found = alma.user(person.identifiers[0]["value"]).json()
    assert found["primary_id"] == person.primary_id != person.identifiers[0]["value"]


def test_former_primary_id_answers_with_the_new_one(alma: Any) -> None:
    person = alma.person("stale_renamed")
    old = next(i["value"] for i in person.identifiers if i["id_type"]["value"] == "OTHER_ID_1")
    assert alma.user(old).json()["primary_id"] == person.primary_id


@pytest.mark.parametrize("mark", ["/", " ", "@"])
def test_encoded_marks_in_an_id_are_understood(alma: Any, mark: str) -> None:
    person = next(p for p in alma.sandbox.tenant.users if mark in p.primary_id)
    assert alma.user(person.primary_id).json()["primary_id"] == person.primary_id


def test_counts_are_null_without_expand_and_filled_with_it(alma: Any) -> None:
    person = alma.person("active_loan")
    plain = alma.user(person.primary_id).json()
    full = alma.user(person.primary_id, params={"expand": "loans,requests,fees"}).json()
    assert (plain["loans"], plain["requests"], plain["fees"]) == (None, None, None)
    assert (full["loans"]["value"], full["requests"]["value"], full["fees"]["value"]) == (1, 0, 0)


def test_missing_expiry_date_is_absent(alma: Any) -> None:
    assert "expiry_date" not in alma.user(alma.person("expiry_missing").primary_id).json()


def test_dates_end_in_z(alma: Any) -> None:
    person = alma.person("clean")
    assert alma.user(person.primary_id).json()["purge_date"] == f"{person.purge_date}Z"


def test_linked_copy_names_its_source(alma: Any) -> None:
    record = alma.user(alma.person("linked_copy").primary_id).json()
    assert record["source_institution_code"] == "01DEMO_ABC"
    assert record["source_link_id"]


def test_no_scenario_tag_shows_in_the_api(alma: Any) -> None:
    assert "scenario" not in alma.user(alma.person("clean").primary_id).text


def test_disputed_and_exported_fees_are_not_among_the_active(alma: Any) -> None:
    for scenario, status in (("fee_disputed", "INDISPUTE"), ("fee_exported", "EXPORTED")):
        identifier = alma.person(scenario).identifiers[0]["value"]
        path = f"/users/{identifier}/fees"
        assert alma.get(path).json() == {"total_record_count": 0, "total_sum": 0, "currency": None}
        assert alma.get(path, params={"status": status}).json()["total_sum"] > 0


def test_expanded_fees_hide_a_disputed_fee_unless_switched(alma: Any) -> None:
    person = alma.person("fee_disputed")
    assert alma.user(person.primary_id, params={"expand": "fees"}).json()["fees"]["value"] == 0
    alma.switch(expanded_fees="open")
    assert alma.user(person.primary_id, params={"expand": "fees"}).json()["fees"]["value"] == 18.0


def test_credit_is_negative(alma: Any) -> None:
    person = alma.person("credit_balance")
    assert alma.user(person.primary_id, params={"expand": "fees"}).json()["fees"]["value"] == -15.0


def test_unknown_fee_status_is_401666(alma: Any, refused: Refused) -> None:
    refused(alma.get(f"/users/{alma.person('clean').identifiers[0]['value']}/fees?status=OPEN"), "401666")


def test_loans_and_requests_are_listed(alma: Any) -> None:
    borrower, asker = alma.person("active_loan"), alma.person("active_request")
    loans = alma.get(f"/users/{borrower.identifiers[0]['value']}/loans").json()
    requests_ = alma.get(f"/users/{asker.identifiers[0]['value']}/requests").json()
    assert (loans["total_record_count"], len(loans["item_loan"])) == (1, 1)
    assert (requests_["total_record_count"], len(requests_["user_request"])) == (1, 1)


def test_empty_list_has_no_list_key(alma: Any) -> None:
    assert alma.get(f"/users/{alma.person('clean').identifiers[0]['value']}/loans").json() == {
        "total_record_count": 0
    }


def test_xml_is_the_default(alma: Any) -> None:
    answer = alma.user(alma.person("clean").primary_id, headers={"Accept": "*/*"})
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<user_group desc=" in answer.text
    assert "<user_roles><user_role>" in answer.text


def test_put_without_override_keeps_an_external_users_group(alma: Any) -> None:
    person = alma.person("clean")
    record = alma.user(person.primary_id).json()
    record["user_group"] = {"value": "DEPT"}
    answer = alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert answer.status_code == 200
    assert answer.json()["user_group"]["value"] == person.user_group == person.campus_group != "DEPT"


def test_put_with_override_replaces_it(alma: Any) -> None:
    person = alma.person("clean")
    record = alma.user(person.primary_id).json()
    record["user_group"] = {"value": "DEPT"}
    answer = alma.call("PUT", f"/users/{person.identifiers[0]['value']}?override=user_group", json=record)
    assert answer.json()["user_group"] == {"value": "DEPT", "desc": "Department Account"}


def test_put_replaces_an_internal_users_group_without_override(alma: Any) -> None:
    person = alma.person("clean_internal")
    record = alma.user(person.primary_id).json()
    record["user_group"] = {"value": "DEPT"}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert person.user_group == "DEPT"


def test_group_never_touched_by_hand_is_replaced_when_so_switched(alma: Any) -> None:
    alma.switch(external_fields="kept_if_manual")
    person = alma.person("clean")
    record = alma.user(person.primary_id).json() | {"user_group": {"value": "DEPT"}}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert person.user_group == "DEPT"
    record["user_group"] = {"value": "10"}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}?override=user_group", json=record)
    record["user_group"] = {"value": "20"}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert person.user_group == "10"


def test_put_swaps_all_and_empties_missing_lists_but_keeps_roles(alma: Any) -> None:
    person = alma.person("blocked")
    record = alma.user(person.primary_id).json()
    for key in ("user_block", "user_role", "user_identifier", "contact_info"):
        del record[key]
    after = alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record).json()
    assert (after["user_block"], after["user_identifier"], after["contact_info"]["email"]) == ([], [], [])
    assert after["user_role"][0]["role_type"]["value"] == "200"


def test_put_of_the_full_record_changes_nothing(alma: Any) -> None:
    tenant = alma.sandbox.tenant
    for scenario in ("clean", "blocked", "linked_copy", "clean_internal", "note_do_not_purge"):
        person = alma.person(scenario)
        before = record_digest(tenant, person)
        record = alma.user(person.primary_id).json()
        answer = alma.call("PUT", f"/users/{person.identifiers[0]['value']}?override=user_group", json=record)
        assert answer.status_code == 200
        assert record_digest(tenant, person) == before


def test_put_keeps_keys_it_does_not_know(alma: Any) -> None:
    person = alma.person("clean")
    record = alma.user(person.primary_id).json() | {"a_new_key": {"value": "x"}}
    alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record)
    assert alma.user(person.primary_id).json()["a_new_key"] == {"value": "x"}


def test_put_with_an_unknown_group_is_401864(alma: Any, refused: Refused) -> None:
    person = alma.person("clean")
    record = alma.user(person.primary_id).json() | {"user_group": {"value": "NOPE"}}
    refused(alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record), "401864")


def test_stale_phone_type_blocks_every_put_of_the_record(alma: Any, refused: Refused) -> None:
    person = alma.person("clean")
    alma.control("/users", {"primary_id": person.primary_id, "add_stale_phone_type": True})
    record = alma.user(person.primary_id).json()
    refused(alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record), "401864")


def test_put_of_rubbish_is_401676(alma: Any, refused: Refused) -> None:
    path = f"/users/{alma.person('clean').identifiers[0]['value']}"
    refused(alma.call("PUT", path, data="{not json"), "401676")


def test_put_with_another_external_id_is_401858(alma: Any, refused: Refused) -> None:
    person = alma.person("clean")
    record = alma.user(person.primary_id).json() | {"external_id": "OTHER"}
    refused(alma.call("PUT", f"/users/{person.identifiers[0]['value']}", json=record), "401858")


def test_delete_answers_204_and_the_user_is_gone(alma: Any, refused: Refused) -> None:
    person = alma.person("clean")
    answer = alma.call("DELETE", f"/users/{person.identifiers[0]['value']}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(alma.user(person.primary_id), "401861")
    refused(alma.call("DELETE", f"/users/{person.identifiers[0]['value']}"), "401890")


@pytest.mark.parametrize("scenario", ["active_loan", "fee_active", "job_refuses_invoice"])
def test_delete_of_a_user_with_ties_is_401850(alma: Any, refused: Refused, scenario: str) -> None:
    person = alma.person(scenario)
    refused(alma.call("DELETE", f"/users/{person.identifiers[0]['value']}"), "401850")
    assert alma.exists(person)


@pytest.mark.parametrize(
    "change",
    [{"expiry_date": "soon"}, {"last_name": ""}, {"user_identifier": [{"value": "x"}]}, {"user_role": [{}]}],
)
def test_put_of_a_broken_record_is_401860_and_changes_nothing(
    alma: Any, refused: Refused, change: dict[str, Any]
) -> None:
    person = alma.person("clean_internal")
    before = alma.user(person.primary_id).json()
    path = f"/users/{person.identifiers[0]['value']}"
    refused(alma.call("PUT", path, json=before | {"first_name": "Changed"} | change), "401860")
    assert alma.user(person.primary_id).json() == before


def test_put_cannot_take_another_users_primary_id(alma: Any, refused: Refused) -> None:
    one, two = alma.person("clean_internal"), alma.person("active_loan")
    record = alma.user(one.primary_id).json() | {"primary_id": two.primary_id.upper()}
    refused(alma.call("PUT", f"/users/{one.identifiers[0]['value']}", json=record), "401860")
