from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

Refused = Callable[[requests.Response, str], None]


def _status(alma: Any, started: requests.Response) -> str:
    return str(alma.instance(started)["status"]["value"])


def _clean_set(alma: Any, name: str = "set") -> str:
    return str(alma.new_set(name, [alma.person("clean").primary_id]))


def test_list_pages_and_filters_by_type(alma: Any, refused: Refused) -> None:
    names: list[str] = []
    total = alma.get("/conf/jobs?type=MANUAL").json()["total_record_count"]
    for offset in range(0, total, 10):
        names += [job["name"] for job in alma.get(f"/conf/jobs?type=MANUAL&offset={offset}").json()["job"]]
    assert len(names) == total > 10
    assert {"Update/Notify Users", "Purge users"} <= set(names)
    assert "Users - Purge Records" not in names
    refused(alma.get("/conf/jobs?type=ODD"), "40166410")


def test_purge_job_can_be_absent_or_have_another_id(alma: Any, refused: Refused) -> None:
    alma.switch(purge_job_id=None)
    refused(alma.get("/conf/jobs/M20261"), "402216")
    alma.switch(purge_job_id="M777")
    assert alma.get("/conf/jobs/M777").json()["name"] == "Purge users"


@pytest.mark.parametrize(("job_id", "code"), [("148", "402215"), ("M999999", "402216")])
def test_bad_job_ids(alma: Any, refused: Refused, job_id: str, code: str) -> None:
    refused(alma.get(f"/conf/jobs/{job_id}"), code)
    refused(alma.get(f"/conf/jobs/{job_id}/instances"), code)
    refused(alma.post(f"/conf/jobs/{job_id}?op=run", json={}), code)


def test_operation_is_needed(alma: Any, refused: Refused) -> None:
    refused(alma.post("/conf/jobs/M148", json={}), "402220")
    refused(alma.post("/conf/jobs/M148?op=stop", json={}), "402221")


@pytest.mark.parametrize("job_id", ["S31", "O77"])
def test_only_manual_jobs_start(alma: Any, refused: Refused, job_id: str) -> None:
    refused(alma.post(f"/conf/jobs/{job_id}?op=run", json={}), "402248")


def test_job_of_several_tasks_is_402231(alma: Any, refused: Refused) -> None:
    refused(alma.post("/conf/jobs/M2604?op=run", json={}), "402231")
    alma.switch(purge_job_is_chain=True)
    refused(alma.purge(_clean_set(alma)), "402231")


def test_answer_is_the_job_and_the_run_hides_in_a_link(alma: Any) -> None:
    body = alma.regroup(_clean_set(alma), "my run").json()
    assert body["id"] == "M148"
    run = alma.get("/conf/jobs/M148/instances").json()["job_instance"][0]
    assert body["additional_info"]["link"].endswith(f"/conf/jobs/M148/instances/{run['id']}")
    assert (run["name"], run["status"]["value"], run["progress"]) == ("my run", "COMPLETED_SUCCESS", 100)
    assert run["counter"][0]["value"] == "1"


def test_missing_empty_and_unknown_parameters(alma: Any, refused: Refused) -> None:
    body = alma.payload("update_notify_users.json", _clean_set(alma), "run")
    missing = {"parameter": [p for p in body["parameter"] if p["name"]["value"] != "PRODUCT"]}
    refused(alma.post("/conf/jobs/M148?op=run", json=missing), "402228")
    refused(alma.regroup("", "run"), "402229")
    extra = {"parameter": [*body["parameter"], {"name": {"value": "NEW"}, "value": "x"}]}
    refused(alma.post("/conf/jobs/M148?op=run", json=extra), "402228")
    alma.switch(unknown_parameters="ignore")
    assert alma.post("/conf/jobs/M148?op=run", json=extra).status_code == 200


def test_unknown_set_refuses_the_start(alma: Any, refused: Refused) -> None:
    refused(alma.regroup("12345"), "60107")


def test_xml_parameters_start_a_job(alma: Any) -> None:
    body = alma.payload("update_notify_users.json", _clean_set(alma), "by xml")
    items = "".join(
        f"<parameter><name>{p['name']['value']}</name><value>{p['value']}</value></parameter>"
        for p in body["parameter"]
    )
    xml = f"<job><parameters>{items}</parameters></job>"
    answer = alma.post("/conf/jobs/M148?op=run", data=xml, headers={"Content-Type": "application/xml"})
    assert _status(alma, answer) == "COMPLETED_SUCCESS"
    assert alma.person("clean").user_group == "OKTOPURGE"


def test_statuses_advance_with_the_clock(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, job_seconds=10)
    person = alma.person("clean")
    started = alma.regroup(alma.new_set("set", [person.primary_id]))
    seen = []
    for _ in range(5):
        run = alma.instance(started)
        seen.append((run["status"]["value"], run["end_time"] is not None, person.user_group == "OKTOPURGE"))
        alma.control("/clock", {"advance_seconds": 10})
    assert seen == [
        ("QUEUED", False, False),
        ("INITIALIZING", False, False),
        ("RUNNING", False, False),
        ("FINALIZING", False, False),
        ("COMPLETED_SUCCESS", True, True),
    ]


def test_effect_at_start_is_there_while_running(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, job_seconds=10, switches={"effect_at": "start"})
    person = alma.person("clean")
    started = alma.regroup(alma.new_set("set", [person.primary_id]))
    alma.control("/clock", {"advance_seconds": 25})
    assert _status(alma, started) == "RUNNING"
    assert person.user_group == "OKTOPURGE"


@pytest.mark.parametrize(("captured", "moved"), [("start", ["clean"]), ("end", ["active_loan"])])
def test_set_is_read_at_start_or_at_end(
    make_alma: Callable[..., Any], captured: str, moved: list[str]
) -> None:
    alma = make_alma(frozen=True, job_seconds=10, switches={"set_captured": captured})
    set_id = alma.new_set("set", [alma.person("clean").primary_id])
    alma.regroup(set_id)
    alma.members(set_id, [alma.person("active_loan").primary_id], "replace_members")
    alma.control("/clock", {"advance_seconds": 60})
    assert [p.scenario for p in alma.sandbox.tenant.users if p.user_group == "OKTOPURGE"] == moved


def test_effect_happens_once(alma: Any) -> None:
    person = alma.person("clean")
    alma.instance(alma.regroup(alma.new_set("set", [person.primary_id])))
    person.user_group = "10"
    alma.get("/conf/jobs/M148/instances")
    assert person.user_group == "10"


def test_fourth_running_job_is_402222(make_alma: Callable[..., Any], refused: Refused) -> None:
    alma = make_alma(job_seconds=600)
    for number in range(3):
        assert alma.regroup(_clean_set(alma, f"set {number}")).status_code == 200
    refused(alma.regroup(_clean_set(alma, "set 4")), "402222")


def test_sixth_start_within_an_hour_is_402223(make_alma: Callable[..., Any], refused: Refused) -> None:
    alma = make_alma(frozen=True)
    set_id = _clean_set(alma)
    for _ in range(5):
        assert _status(alma, alma.regroup(set_id)) == "COMPLETED_SUCCESS"
    refused(alma.regroup(set_id), "402223")
    assert alma.purge(set_id).status_code == 200
    alma.control("/clock", {"advance_seconds": 3601})
    assert alma.regroup(set_id).status_code == 200


def test_same_job_on_the_same_set_overlaps(make_alma: Callable[..., Any], refused: Refused) -> None:
    alma = make_alma(job_seconds=600)
    set_id = _clean_set(alma)
    assert alma.regroup(set_id).status_code == 200
    refused(alma.regroup(set_id), "60347")


def test_name_is_not_echoed_when_so_switched(alma: Any) -> None:
    alma.switch(job_name_echoed=False)
    assert "my run" not in alma.instance(alma.regroup(_clean_set(alma), "my run"))["name"]


def test_instance_list_lags_but_the_instance_reads(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, switches={"instance_list_lag_seconds": 30})
    run = alma.instance(alma.regroup(_clean_set(alma)))
    assert alma.get("/conf/jobs/M148/instances").json() == {"total_record_count": 0}
    alma.control("/clock", {"advance_seconds": 31})
    assert alma.get("/conf/jobs/M148/instances").json()["job_instance"][0]["id"] == run["id"]


def test_instances_filter_by_date_and_status_and_page(
    make_alma: Callable[..., Any], refused: Refused
) -> None:
    alma = make_alma(frozen=True)
    for number in range(3):
        alma.instance(alma.regroup(_clean_set(alma, f"set {number}"), f"run {number}"))
        alma.control("/clock", {"advance_days": 1})
    today = alma.sandbox.tenant.clock.today().isoformat()
    path = "/conf/jobs/M148/instances"
    assert alma.get(f"{path}?submit_date_from={today}").json() == {"total_record_count": 0}
    assert alma.get(f"{path}?limit=2&offset=2").json()["job_instance"][0]["name"] == "run 0"
    assert alma.get(f"{path}?submit_date_to={today}").json()["total_record_count"] == 3
    assert alma.get(f"{path}?status=COMPLETED_FAILED").json()["total_record_count"] == 0
    refused(alma.get(f"{path}?submit_date_from=01/02/2026"), "402217")
    refused(alma.get(f"{path}?status=ODD"), "40166410")


def test_unknown_instance_is_402218(alma: Any, refused: Refused) -> None:
    refused(alma.get("/conf/jobs/ALL/instances/1"), "402218")
    run = alma.instance(alma.regroup(_clean_set(alma)))
    refused(alma.get(f"/conf/jobs/M101/instances/{run['id']}"), "402218")


def test_unknown_group_fails_the_job_without_effect(alma: Any) -> None:
    person = alma.person("clean")
    group = person.user_group
    set_id = alma.new_set("set", [person.primary_id])
    run = alma.instance(alma.regroup(set_id, UPDATE_User_Information_UserGroup_Value="NOPE"))
    assert (run["status"]["value"], run["progress"], person.user_group) == ("COMPLETED_FAILED", 0, group)


def test_every_active_field_is_applied(alma: Any) -> None:
    person = alma.person("clean")
    info = "UPDATE_User_Information_"
    alma.instance(
        alma.regroup(
            alma.new_set("set", [person.primary_id]),
            **{
                f"{info}Status_Active": "true",
                f"{info}Purge_Date_Active": "true",
                f"{info}Purge_Date_Value": "1577836800000",
                f"{info}AddNote_Active": "true",
                f"{info}AddNote_Value": "marked",
                f"{info}AddBlock_Active": "true",
            },
        )
    )
    record = alma.user(person.primary_id).json()
    assert record["user_group"]["value"] == "OKTOPURGE"
    assert (record["status"]["value"], record["purge_date"]) == ("INACTIVE", "2020-01-01Z")
    assert record["user_note"][0]["note_text"] == "marked"
    assert record["user_block"][0]["block_description"]["value"] == "02-GLOBAL"


def test_inactive_fields_are_left_alone(alma: Any) -> None:
    person = alma.person("clean")
    before = alma.user(person.primary_id).json()
    alma.instance(alma.regroup(alma.new_set("set", [person.primary_id])))
    after = alma.user(person.primary_id).json()
    assert {key for key in before if before[key] != after[key]} == {"user_group"}


def test_empty_set_ends_without_records(alma: Any) -> None:
    assert _status(alma, alma.regroup(alma.new_set("set", []))) == "COMPLETED_NO_BULKS"


@pytest.mark.parametrize("status", ["COMPLETED_FAILED", "SYSTEM_ABORTED", "MANUAL_HANDLING_REQUIRED"])
def test_bad_end_on_demand_has_no_effect(alma: Any, status: str) -> None:
    alma.control("/jobs", {"job_id": "M148", "end_status": status})
    run = alma.instance(alma.regroup(_clean_set(alma)))
    assert (run["status"]["value"], run["progress"]) == (status, 0)
    assert alma.person("clean").user_group != "OKTOPURGE"
    assert _status(alma, alma.regroup(_clean_set(alma, "again"))) == "COMPLETED_SUCCESS"


def test_bad_end_can_leave_half_the_work_done(alma: Any) -> None:
    ids = [p.primary_id for p in alma.sandbox.tenant.users if p.expectation == "purgeable"][:4]
    alma.control("/jobs", {"job_id": "M148", "end_status": "COMPLETED_FAILED", "share": 0.5})
    alma.instance(alma.regroup(alma.new_set("set", ids)))
    assert sum(p.user_group == "OKTOPURGE" for p in alma.sandbox.tenant.users) == 2


def test_stuck_job_stays_until_it_is_ended(make_alma: Callable[..., Any]) -> None:
    alma = make_alma(frozen=True, job_seconds=1)
    alma.control("/jobs", {"job_id": "M148", "stuck_in": "RUNNING"})
    started = alma.regroup(_clean_set(alma))
    alma.control("/clock", {"advance_days": 1})
    run = alma.instance(started)
    assert run["status"]["value"] == "RUNNING"
    alma.control("/jobs", {"instance_id": run["id"], "end_status": "USER_ABORTED"})
    assert _status(alma, started) == "USER_ABORTED"
    assert alma.person("clean").user_group != "OKTOPURGE"


def test_reading_starts_nothing(alma: Any) -> None:
    alma.get("/conf/jobs/M148?op=run")
    assert alma.control("/log", method="GET")["job_starts"] == 0
