from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

Refused = Callable[[requests.Response, str], None]


def _plain(alma: Any, method: str, path: str, key: str, **rest: Any) -> requests.Response:
    headers = {"Accept": "application/json"} | ({"Authorization": f"apikey {key}"} if key else {})
    return requests.request(
        method, f"{alma.sandbox.base_url}/almaws/v1{path}", headers=headers, timeout=20, **rest
    )


def _arm(alma: Any, kind: str, **rest: Any) -> None:
    alma.control("/faults", {"kind": kind, **rest})


@pytest.mark.parametrize("key", ["", "wrong"])
def test_unknown_key_is_a_400_in_xml_whatever_was_asked(alma: Any, key: str) -> None:
    answer = _plain(alma, "GET", "/conf/general", key)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<errorCode>UNAUTHORIZED</errorCode>" in answer.text
    assert "trackingId" not in answer.text


def test_key_may_come_in_the_query_and_is_not_logged(alma: Any) -> None:
    answer = _plain(alma, "GET", f"/conf/general?apikey={alma.sandbox.key}", "")
    assert answer.json()["institution"]["value"] == "01DEMO_XYZ"
    assert alma.sandbox.key not in str(alma.control("/log", method="GET"))


@pytest.mark.parametrize("area", ["/users/operation/test", "/conf/test", "/analytics/test"])
def test_write_test_tells_keys_apart(alma: Any, area: str) -> None:
    sandbox = alma.sandbox
    assert _plain(alma, "GET", area, sandbox.read_key).json()["test"].endswith("institutionCode: 01DEMO_XYZ")
    assert _plain(alma, "POST", area, sandbox.key).json() == {"test": "POST - OK"}
    assert "UNAUTHORIZED" in _plain(alma, "POST", area, sandbox.read_key).text


def test_read_only_key_changes_nothing(alma: Any) -> None:
    person = alma.person("clean")
    path = f"/users/{person.identifiers[0]['value']}"
    assert _plain(alma, "DELETE", path, alma.sandbox.read_key).status_code == 400
    assert alma.exists(person)


def test_key_can_lack_an_area(alma: Any) -> None:
    alma.sandbox.stage.keys["narrow"] = {"users": "R"}
    assert _plain(alma, "GET", "/users?limit=1", "narrow").status_code == 200
    assert _plain(alma, "GET", "/conf/general", "narrow").status_code == 400


def test_every_answer_tells_what_is_left(alma: Any) -> None:
    left = [int(alma.get("/conf/general").headers["X-Exl-Api-Remaining"]) for _ in range(2)]
    assert left[0] - left[1] == 1
    assert int(alma.user("nobody").headers["X-Exl-Api-Remaining"]) == left[1] - 1
    headers = alma.get("/conf/general").headers
    assert headers["Server"] == "Layer7-API-Gateway"
    assert headers["X-Request-ID"]
    assert headers["Content-Type"] == "application/json;charset=UTF-8"


def test_daily_limit_holds_until_midnight(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, switches={"daily_limit": 2})
    answers = [alma.get("/conf/general") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "<errorCode>DAILY_THRESHOLD</errorCode>" in answers[2].text
    alma.control("/clock", {"advance_days": 1})
    assert alma.get("/conf/general").status_code == 200


def test_too_many_calls_in_a_second_are_429_in_xml(alma: Any) -> None:
    alma.switch(per_second_limit=2)
    answers = [alma.get("/conf/general") for _ in range(8)]
    assert 429 in {answer.status_code for answer in answers}
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert "<errorCode>PER_SECOND_THRESHOLD</errorCode>" in refusal.text


def test_errors_follow_the_asked_format(alma: Any) -> None:
    as_json = alma.user("nobody").json()
    assert as_json["errorsExist"] is True
    assert as_json["result"] is None
    as_xml = alma.user("nobody", headers={"Accept": "application/xml"}).text
    assert '<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans">' in as_xml
    assert "<errorList><error><errorCode>401861</errorCode>" in as_xml
    by_query = alma.user("nobody", params={"format": "xml"})
    assert by_query.headers["Content-Type"].startswith("application/xml")


def test_general_names_institution_and_environment(alma: Any) -> None:
    body = alma.get("/conf/general").json()
    assert body["institution"] == {"value": "01DEMO_XYZ", "desc": "Example College"}
    assert body["environment_type"]["value"] == "SANDBOX"


def test_code_tables(alma: Any, refused: Refused) -> None:
    groups = {row["code"]: row for row in alma.get("/conf/code-tables/UserGroups").json()["row"]}
    assert groups["OKTOPURGE"]["description"] == "OK to Purge"
    assert (groups["I-Share"]["enabled"], groups["OLD"]["enabled"]) == ("true", "false")
    statuses = {row["code"] for row in alma.get("/conf/code-tables/systemJobStatus").json()["row"]}
    assert {"QUEUED", "COMPLETED_SUCCESS", "USER_ABORTED"} <= statuses
    refused(alma.get("/conf/code-tables/Nope"), "402119")
    xml = alma.get("/conf/code-tables/UserGroups", headers={"Accept": "application/xml"}).text
    assert "<code_table>" in xml
    assert "<rows><row><code>10</code>" in xml


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("429_second", 429, "PER_SECOND_THRESHOLD"),
        ("429_day", 429, "DAILY_THRESHOLD"),
        ("500", 500, "INTERNAL_SERVER_ERROR"),
        ("502_html", 502, "<html>"),
        ("503_general_error", 503, "GENERAL_ERROR"),
        ("402222", 400, "402222"),
        ("refusal", 400, "402119"),
    ],
)
def test_fault_before_the_effect(alma: Any, kind: str, status: int, text: str) -> None:
    _arm(alma, kind, method="POST", path="/conf/sets")
    body = {"name": "n", "type": {"value": "ITEMIZED"}, "content": {"value": "USER"}}
    answer = alma.post("/conf/sets", json=body)
    assert answer.status_code == status
    assert text in answer.text
    assert alma.sandbox.tenant.sets.all() == []
    assert alma.get("/conf/sets").status_code == 200


@pytest.mark.parametrize(
    ("kind", "happened"),
    [("reset_before", False), ("reset_after", True), ("timeout_before", False), ("timeout_after", True)],
)
def test_lost_connection_before_and_after_the_effect(alma: Any, kind: str, *, happened: bool) -> None:
    _arm(alma, kind, method="POST", path="op=run", seconds=0.2)
    set_id = alma.new_set("set", [alma.person("clean").primary_id])
    with pytest.raises(requests.ConnectionError):
        alma.regroup(set_id)
    assert alma.control("/log", method="GET")["job_starts"] == int(happened)
    assert alma.get("/conf/jobs/M148/instances").json()["total_record_count"] == int(happened)


def test_connection_that_breaks_in_the_middle_of_the_answer(alma: Any) -> None:
    set_id = alma.new_set("set", [alma.person("clean").primary_id])
    whole = len(alma.get(f"/conf/sets/{set_id}").content)
    _arm(alma, "reset_in_body", path="/conf/sets/")
    answer = alma.get(f"/conf/sets/{set_id}", stream=True)
    assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, whole)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer.content  # noqa: B018 - reading it is what fails
    _arm(alma, "reset_in_body", method="DELETE")
    with pytest.raises(requests.ConnectionError):
        alma.call("DELETE", f"/conf/sets/{set_id}")
    assert alma.sandbox.tenant.sets.all() == [], "the effect came through"


def test_client_that_gives_up_first_sees_a_timeout(alma: Any) -> None:
    _arm(alma, "timeout_after", path="/conf/general", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.get(
            f"{alma.sandbox.base_url}/almaws/v1/conf/general",
            headers={"Authorization": f"apikey {alma.sandbox.key}"},
            timeout=0.3,
        )
    assert alma.get("/conf/general").status_code == 200


def test_answer_can_be_lost_behind_a_502(alma: Any) -> None:
    _arm(alma, "502_after", method="POST")
    body = {"name": "n", "type": {"value": "ITEMIZED"}, "content": {"value": "USER"}}
    assert alma.post("/conf/sets", json=body).status_code == 502
    assert [held.name for held in alma.sandbox.tenant.sets.all()] == ["n"]


def test_truncated_body_is_no_json(alma: Any) -> None:
    _arm(alma, "truncated")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        alma.get("/conf/general").json()


def test_xml_instead_of_json(alma: Any) -> None:
    _arm(alma, "xml_instead")
    assert alma.get("/conf/general").text.startswith("<?xml")


def test_slow_answer_is_still_right(alma: Any) -> None:
    _arm(alma, "slow", seconds=0.3)
    begun = time.monotonic()
    assert alma.get("/conf/general").json()["institution"]["value"] == "01DEMO_XYZ"
    assert time.monotonic() - begun >= 0.3


def test_fault_hits_the_nth_matching_call_only(alma: Any) -> None:
    _arm(alma, "500", method="GET", path="/conf/general$", nth=2, times=2)
    assert [alma.get("/conf/general").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert alma.get("/conf/sets").status_code == 200


def test_faults_can_last_and_be_cleared(alma: Any) -> None:
    _arm(alma, "500", times=0)
    assert [alma.get("/conf/general").status_code for _ in range(3)] == [500, 500, 500]
    assert alma.control("/faults", method="GET")["faults"][0]["fired"] == 3
    alma.control("/faults", method="DELETE")
    assert alma.get("/conf/general").status_code == 200


def test_nothing_lives_elsewhere(alma: Any) -> None:
    assert alma.get("/bibs/1").status_code == 404
