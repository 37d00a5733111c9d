"""Sets, jobs and configuration."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.unit.alma_api.scripted_alma import Reply, ScriptedAlma, json_error, json_reply

from alma_api.client import AlmaClient
from alma_api.errors import AlmaResponseError, AlmaUnclearError, NotFoundError, SetNameTakenError
from alma_api.job_status import JobStatus
from alma_api.models import AlmaSet, Counter, Job, JobStart

SET = {
    "id": "27",
    "name": "A set",
    "content": {"value": "USER"},
    "number_of_members": {"value": "2", "link": "x"},
}
THE_SET = AlmaSet("27", "A set", "USER", 2)


def test_set_is_created_empty_private_and_of_users(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply(SET))
    assert client.sets.create_itemized_user_set("A set", "For a run") == THE_SET
    seen = alma.seen[0]
    assert (seen.method, seen.target) == ("POST", "/almaws/v1/conf/sets")
    assert json.loads(seen.body) == {
        "name": "A set",
        "description": "For a run",
        "type": {"value": "ITEMIZED"},
        "content": {"value": "USER"},
        "private": {"value": "true"},
        "status": {"value": "ACTIVE"},
    }


def test_taken_set_name(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_error("402263", "Set name already exists."))
    with pytest.raises(SetNameTakenError):
        client.sets.create_itemized_user_set("A set", "")


@pytest.mark.parametrize("count", [{"value": 2}, {"value": "2"}, 2])
def test_member_count_may_be_text_or_number(alma: ScriptedAlma, client: AlmaClient, count: object) -> None:
    alma.will_reply(json_reply(SET | {"number_of_members": count}))
    assert client.sets.get("27") == THE_SET


def test_set_is_found_by_its_exact_name_only(alma: ScriptedAlma, client: AlmaClient) -> None:
    near = [SET | {"id": "1", "name": "A set 2"}, SET | {"id": "2", "name": "a set"}]
    alma.will_reply(
        json_reply({"set": near, "total_record_count": 3}),
        json_reply({"set": [SET], "total_record_count": 3}),
        json_reply({"set": near, "total_record_count": 2}),
        json_reply({"total_record_count": 0}),
    )
    assert client.sets.find_by_name("A set") == THE_SET
    assert alma.seen[0].query == {"q": "name~A_set", "limit": "100", "offset": "0"}
    assert client.sets.find_by_name("A set") is None
    assert client.sets.find_by_name("A set") is None


def test_two_sets_of_one_name_are_refused(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply({"set": [SET, SET | {"id": "28"}], "total_record_count": 2}))
    with pytest.raises(AlmaResponseError, match="2 sets"):
        client.sets.find_by_name("A set")


def test_members_of_all_pages_are_read_byte_for_byte(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        json_reply({"member": [{"id": "007 "}, {"id": "é@x"}], "total_record_count": 3}),
        json_reply({"member": [{"id": "7"}], "total_record_count": 3}),
    )
    assert client.sets.members("27") == ("007 ", "é@x", "7")
    assert [seen.target for seen in alma.seen] == [
        "/almaws/v1/conf/sets/27/members?limit=100&offset=0",
        "/almaws/v1/conf/sets/27/members?limit=100&offset=2",
    ]


def test_empty_set_has_no_members(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply({"total_record_count": 0}))
    assert client.sets.members("27") == ()


def test_members_alma_does_not_list_are_missed(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        *[
            json_reply({"member": [{"id": "1"}], "total_record_count": 2}),
            json_reply({"total_record_count": 2}),
        ]
        * 3
    )
    with pytest.raises(AlmaResponseError, match="members of the set"):
        client.sets.members("27")


@pytest.mark.parametrize("operation", ["add_members", "delete_members"])
def test_members_are_changed_in_one_call(alma: ScriptedAlma, client: AlmaClient, operation: str) -> None:
    alma.will_reply(json_reply(SET))
    ids = [f"id {number}/@é" for number in range(1000)]
    assert getattr(client.sets, operation)("27", ids) == THE_SET
    seen = alma.seen[0]
    assert (seen.method, seen.path) == ("POST", "/almaws/v1/conf/sets/27")
    assert seen.query == {"op": operation, "fail_on_invalid_id": "false"}
    assert json.loads(seen.body) == {"members": {"member": [{"id": member} for member in ids]}}


@pytest.mark.parametrize("ids", [[], ["a"] * 2, [str(number) for number in range(1001)], ["a", ""]])
def test_impossible_member_list_is_never_sent(alma: ScriptedAlma, client: AlmaClient, ids: list[str]) -> None:
    with pytest.raises(ValueError, match="nothing was sent"):
        client.sets.add_members("27", ids)
    assert alma.seen == []


def test_set_is_deleted(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(Reply(204), json_error("402264", "Invalid Set ID"))
    client.sets.delete("27")
    assert (alma.seen[0].method, alma.seen[0].target) == ("DELETE", "/almaws/v1/conf/sets/27")
    with pytest.raises(NotFoundError):
        client.sets.delete("27")


UPDATE = {
    "id": "M148",
    "name": "Update/Notify Users",
    "type": {"value": "MANUAL"},
    "content": {"value": "USER"},
}


def test_jobs_are_listed_and_found_by_exact_name(alma: ScriptedAlma, client: AlmaClient) -> None:
    purge = UPDATE | {"id": "M99", "name": "Purge users"}
    pages = [
        json_reply({"job": [UPDATE, purge], "total_record_count": 3}),
        json_reply({"job": [purge | {"id": "M100"}], "total_record_count": 3}),
    ]
    alma.will_reply(*pages, *pages, *pages)
    assert client.jobs.list_manual()[0] == Job("M148", "Update/Notify Users", "MANUAL", "USER")
    assert [job.id for job in client.jobs.find_by_name("Purge users")] == ["M99", "M100"]
    assert client.jobs.find_by_name("purge users") == []
    assert alma.seen[0].query == {"type": "MANUAL", "limit": "100", "offset": "0"}


def test_job_is_read(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply(UPDATE), json_error("402216", "Invalid job id."))
    assert client.jobs.get("M148").name == "Update/Notify Users"
    with pytest.raises(NotFoundError):
        client.jobs.get("M149")


def test_job_is_started_with_the_very_bytes(alma: ScriptedAlma, client: AlmaClient) -> None:
    payload = b'{ "parameter":[ {"name":{"value":"set_id"},\r\n "value":"27"} ]\t}  \xc3\xa9'
    link = "https://example.org/almaws/v1/conf/jobs/M148/instances/27410123450003691"
    alma.will_reply(json_reply(UPDATE | {"additional_info": {"value": "Job no. 1", "link": link}}))
    assert client.jobs.run("M148", payload) == JobStart("M148", "27410123450003691")
    seen = alma.seen[0]
    assert (seen.method, seen.target, seen.body) == ("POST", "/almaws/v1/conf/jobs/M148?op=run", payload)
    assert seen.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "link", ["", "https://example.org/almaws/v1/conf/jobs/M148", "https://example.org/instances/"]
)
def test_start_that_names_no_run_is_unclear(alma: ScriptedAlma, client: AlmaClient, link: str) -> None:
    alma.will_reply(json_reply(UPDATE | {"additional_info": {"link": link}}))
    with pytest.raises(AlmaUnclearError):
        client.jobs.run("M148", b"{}")
    assert len(alma.seen) == 1


INSTANCE: dict[str, Any] = {
    "id": "77",
    "name": "Run 7f3a",
    "submit_time": "2025-12-01T14:05:12.480Z",
    "start_time": "2025-12-01T14:05:13.002Z",
    "end_time": "2025-12-01T14:06:40.711Z",
    "progress": 99.5,
    "status": {"value": "COMPLETED_SUCCESS", "desc": "Completed Successfully"},
    "alert": [{"value": "alert_general_success", "desc": "The job completed."}, {"value": "only a code"}],
    "counter": [
        {"type": {"value": "processed", "desc": "Records processed"}, "value": "1,214"},
        {"type": {"value": "odd"}, "value": "n/a"},
    ],
    "job_info": {"id": "M148", "name": "Update/Notify Users"},
}


def test_instance_is_read(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply(INSTANCE))
    run = client.jobs.instance("ALL", "77")
    assert alma.seen[0].target == "/almaws/v1/conf/jobs/ALL/instances/77"
    assert (run.id, run.name, run.job_id) == ("77", "Run 7f3a", "M148")
    assert (run.status, run.status_text) == (JobStatus.COMPLETED_SUCCESS, "COMPLETED_SUCCESS")
    assert run.submit_time == datetime(2025, 12, 1, 14, 5, 12, 480000, tzinfo=UTC)
    assert run.start_time is not None
    assert run.end_time is not None
    assert run.progress == 99.5
    assert run.counters == (Counter("processed", "Records processed", 1214),)
    assert run.unread_counters == ("odd",)
    assert run.alerts == ("The job completed.", "only a code")


def test_running_instance_has_no_end(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(json_reply({"id": "77", "status": {"value": "EXPLODED"}, "end_time": None}))
    run = client.jobs.instance("M148", "77")
    assert (run.end_time, run.status, run.status_text) == (None, JobStatus.UNKNOWN, "EXPLODED")
    assert not run.status.is_terminal


def test_instances_of_all_pages_are_listed(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        json_reply({"job_instance": [INSTANCE], "total_record_count": "2"}),
        json_reply({"job_instance": [INSTANCE | {"id": "78"}], "total_record_count": 2}),
    )
    assert [run.id for run in client.jobs.instances("M148", date(2025, 12, 1))] == ["77", "78"]
    assert alma.seen[0].path == "/almaws/v1/conf/jobs/M148/instances"
    assert alma.seen[0].query == {"submit_date_from": "2025-12-01", "limit": "100", "offset": "0"}


INSTITUTION = {"value": "01CARLI_XYZ", "desc": "Example College"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("SANDBOX", "sandbox"),
        ({"value": "Sandbox", "desc": "x"}, "sandbox"),
        ("Production", "production"),
        ({"value": "PRODUCTION"}, "production"),
        ("Premium Sandbox", "premium sandbox"),
    ],
)
def test_environment_is_read_in_either_form(
    alma: ScriptedAlma, client: AlmaClient, environment: object, expected: str
) -> None:
    alma.will_reply(json_reply({"institution": INSTITUTION, "environment_type": environment}))
    info = client.conf.general()
    assert alma.seen[0].target == "/almaws/v1/conf/general"
    assert (info.institution_code, info.institution_name) == ("01CARLI_XYZ", "Example College")
    assert info.environment == expected


@pytest.mark.parametrize("document", [{"institution": INSTITUTION}, {"environment_type": "SANDBOX"}, {}])
def test_unnamed_environment_is_refused(
    alma: ScriptedAlma, client: AlmaClient, document: dict[str, object]
) -> None:
    alma.will_reply(json_reply(document))
    with pytest.raises(AlmaResponseError, match="environment"):
        client.conf.general()


def test_code_table_is_read(alma: ScriptedAlma, client: AlmaClient) -> None:
    rows = [
        {"code": "10", "description": "Undergraduate", "enabled": "true"},
        {"code": "OLD", "description": "Old", "enabled": "false"},
        {"code": "NEW", "description": None, "enabled": True},
    ]
    alma.will_reply(
        json_reply({"name": "UserGroups", "row": rows}), json_reply({"name": "Another", "row": rows})
    )
    table = client.conf.code_table("UserGroups")
    assert alma.seen[0].target == "/almaws/v1/conf/code-tables/UserGroups"
    assert [(row.code, row.description, row.enabled) for row in table] == [
        ("10", "Undergraduate", True),
        ("OLD", "Old", False),
        ("NEW", "", True),
    ]
    with pytest.raises(AlmaResponseError, match="another code table"):
        client.conf.code_table("UserGroups")
