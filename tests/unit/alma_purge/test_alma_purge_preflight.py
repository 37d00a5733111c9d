import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.support.config import Parameters, edit_payload, own_config
from tests.support.task_context import TaskStandIn, task_context
from tests.support.tenant import MARKER, arm, changing_calls, switch, whole_state

from alma_purge.documents import PreflightResult
from alma_purge.operators.preflight import PreflightOperator
from alma_purge.run_folder import RunFolder
from alma_sandbox.seeding.population import add_leftovers
from alma_sandbox.server import RunningSandbox
from alma_sandbox.state.job_catalog import JobDefinition, JobType

pytestmark = pytest.mark.usefixtures("airflow_database", "full_speed")

GROUP_VALUE = "UPDATE_User_Information_UserGroup_Value"
Spoil = Callable[[RunningSandbox, pytest.MonkeyPatch, Path], dict[str, Any] | None]


def run_preflight(**params: Any) -> TaskStandIn:
    ti = TaskStandIn("preflight")
    PreflightOperator(task_id="preflight").execute(task_context(ti, **params))
    return ti


def stop_of(**params: Any) -> str:
    """Run preflight, expect it to stop for good, and return its sentence."""
    ti = TaskStandIn("preflight")
    with pytest.raises(AirflowFailException) as stopped:
        PreflightOperator(task_id="preflight").execute(task_context(ti, **params))
    assert ti.said() == str(stopped.value)
    return str(stopped.value)


def own(**changes: Any) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        own_config(monkeypatch, folder, **changes)

    return spoil


def connection(**fields: Any) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
        given = json.loads(os.environ["AIRFLOW_CONN_ALMA_DEMO"]) | fields
        monkeypatch.setenv("AIRFLOW_CONN_ALMA_DEMO", json.dumps(given))

    return spoil


def without(variable: str) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
        monkeypatch.delenv(variable)

    return spoil


def payload(file_name: str, **values: str) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        def edit(parameters: Parameters) -> None:
            parameters.update(values)

        edit_payload(own_config(monkeypatch, folder), file_name, edit)

    return spoil


def no_payload(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (own_config(monkeypatch, folder) / "jobs" / "purge_users.json").unlink()


def no_protect_list(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (own_config(monkeypatch, folder) / "institutions" / "demo-protect.csv").unlink()


def odd_protect_list(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    path = own_config(monkeypatch, folder) / "institutions" / "demo-protect.csv"
    path.write_text("kind,value,owner,reason,end_date\nplanet,Mars,Olga,far away,\n", encoding="utf-8")


def protect_entry(line: str) -> Spoil:
    def spoil(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        path = own_config(monkeypatch, folder) / "institutions" / "demo-protect.csv"
        path.write_text(f"kind,value,owner,reason,end_date\n{line}\n", encoding="utf-8")

    return spoil


def broken_yaml(_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (own_config(monkeypatch, folder) / "institutions" / "demo.yaml").write_text(
        "code: [demo", encoding="utf-8"
    )


def read_only_key(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    connection(password=sandbox.read_key)(sandbox, monkeypatch, folder)


def two_jobs(sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    twin = JobDefinition("M30001", "Purge users", JobType.MANUAL)
    offered = sandbox.tenant.jobs.definitions()
    sandbox.tenant.jobs._jobs = lambda: {**offered, twin.job_id: twin}


def no_purge_job(sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    switch(sandbox, purge_job_id=None)


def leftovers(sandbox: RunningSandbox, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    with sandbox.tenant.lock:
        add_leftovers(sandbox.tenant, 3)


def blind_query(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.setattr(sandbox.tenant.search, "_matching_groups", lambda _needed: set())


def ignored_query(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    everything = set(sandbox.tenant.group_names())
    monkeypatch.setattr(sandbox.tenant.search, "_matching_groups", lambda _needed: everything)


def params(**chosen: Any) -> Spoil:
    return lambda _sandbox, _monkeypatch, _folder: chosen


CASES: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "unknown setting": (own(pilot_sise=3), ("demo.yaml", "pilot_sise: there is no such setting")),
    "missing setting": (own(marker_group=None), ("demo.yaml", "marker_group: is missing")),
    "no yaml": (broken_yaml, ("demo.yaml", "can't be read as YAML")),
    "other code": (own(code="other"), ("demo.yaml says code: other", "Name the file after the code")),
    "no alma connection": (
        without("AIRFLOW_CONN_ALMA_DEMO"),
        ("connection alma_demo is missing", "Admin > Connections"),
    ),
    "no key": (connection(password=""), ("connection alma_demo needs a host", "API key")),
    "no host": (connection(host=""), ("connection alma_demo needs a host",)),
    "address without tls": (
        connection(host="http://api-na.hosted.exlibrisgroup.com"),
        ("connection alma_demo can't be used", "https://"),
    ),
    "key with a blank": (connection(password="two words"), ("connection alma_demo can't be used", "API key")),
    "wrong key": (connection(password="wrong"), ("API key", "institution")),
    "read-only key": (
        read_only_key,
        ("connection alma_demo lacks a permission", "Users: write, Configuration: write"),
    ),
    "no sftp connection": (
        without("AIRFLOW_CONN_SFTP_DEMO"),
        ("connection sftp_demo is missing", "Admin > Connections"),
    ),
    "wrong institution": (
        own(institution_code="01OTHER_INST"),
        ("alma_demo belongs to 01DEMO_XYZ", "demo.yaml says 01OTHER_INST", "right key"),
    ),
    "wrong environment": (
        own(environment="production"),
        ("alma_demo belongs to the sandbox environment", "demo.yaml says production"),
    ),
    "unknown job": (
        own(purge_job={"name": "Purge everything", "payload": "purge_users.json"}),
        ("no manual jobs named Purge everything", "purge_job", "demo.yaml", "Run a Job"),
    ),
    "job not offered": (no_purge_job, ("no manual jobs named Purge users", "purge_job")),
    "other job id": (
        own(regroup_job={"name": "Update/Notify Users", "id": "M1", "payload": "update_notify_users.json"}),
        ("no manual jobs named Update/Notify Users with the id M1", "regroup_job"),
    ),
    "two jobs": (two_jobs, ("2 manual jobs named Purge users", "purge_job", "M20261", "M30001")),
    "switches on more": (
        payload("update_notify_users.json", UPDATE_User_Information_Status_Active="true"),
        ("update_notify_users.json is refused", "UPDATE_User_Information_Status_Active"),
    ),
    "sends letters": (
        payload("update_notify_users.json", SEND_Notification_To_User_Active="true"),
        ("update_notify_users.json is refused", "SEND_Notification_To_User_Active"),
    ),
    "another placeholder": (
        payload("purge_users.json", PURGE_USERS_User_Record_Type="{{record_type}}"),
        ("purge_users.json is refused", "placeholder"),
    ),
    "other group to move to": (
        payload("update_notify_users.json", UPDATE_User_Information_UserGroup_Value="DEPT"),
        (GROUP_VALUE, "'DEPT'", "'OKTOPURGE'"),
    ),
    "other group to purge": (
        payload("purge_users.json", PURGE_USERS_User_Group="10"),
        ("purge_users.json is refused", "'10'", "only the group 'OKTOPURGE'"),
    ),
    "no payload": (no_payload, ("include/jobs/purge_users.json can't be read", "API information")),
    "payload elsewhere": (
        own(purge_job={"name": "Purge users", "payload": "../institutions/demo.yaml"}),
        ("must lie in include/jobs",),
    ),
    "no protect list": (no_protect_list, ("protect list demo-protect.csv of demo.yaml", "beside that file")),
    "odd protect list": (odd_protect_list, ("demo-protect.csv", "row 2")),
    "rounded id": (protect_entry("id,1.23457E+11,Olga,scholar,"), ("demo-protect.csv", "row 2", "text")),
    "pattern as id": (protect_entry("id,ILL*,Olga,office,"), ("demo-protect.csv", "row 2", "Write pattern")),
    "unknown group on the protect list": (
        protect_entry("group,UGG,Olga,seniors,"),
        ("no user group UGG", "the protect list demo-protect.csv names"),
    ),
    "unknown protected group": (
        own(rules={"protected_groups": ["FAKULTY", "faculty"]}),
        ("no user group FAKULTY, which rules.protected_groups in demo.yaml names",),
    ),
    "no approvers": (own(approvers=[]), ("demo.yaml names no approvers", "report_only")),
    "leftovers": (
        leftovers,
        ("3 people are still in the group OKTOPURGE", "restore_kept", "To go on, clear this task."),
    ),
    "query finds nobody": (blind_query, ("populated user group finds nobody", "OKTOPURGE")),
    "query is ignored": (ignored_query, ("group query is ignored",)),
    "unknown guard": (
        params(guard_overrides={"max_cuont": 3}),
        ("no guard 'max_cuont'", "max_count", "trigger form"),
    ),
    "limit is no number": (params(guard_overrides={"max_count": "many"}), ("not a number", "trigger form")),
    "negative limit": (params(guard_overrides={"max_count": -1}), ("max_count is -1", "trigger form")),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_stops_with_a_sentence_and_changes_nothing(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    spoil, parts = CASES[case]
    chosen = spoil(sandbox, monkeypatch, tmp_path / "config") or {}
    before = whole_state(sandbox)
    said = stop_of(**chosen)
    for part in parts:
        assert part in said
    assert "othing was changed" in said
    assert whole_state(sandbox) == before
    assert changing_calls(sandbox) == []
    for person in sandbox.tenant.users:
        assert person.primary_id not in said
    assert sandbox.key not in said


@pytest.mark.parametrize("code", ["NOSUCH", "OLD"])
def test_an_unknown_or_disabled_marker_group_stops(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    config = own_config(monkeypatch, tmp_path / "config", marker_group=code)
    edit_payload(config, "update_notify_users.json", lambda values: values.update({GROUP_VALUE: code}))
    edit_payload(config, "purge_users.json", lambda values: values.update({"PURGE_USERS_User_Group": code}))
    said = stop_of()
    assert f"no enabled user group with the code {code} (setting marker_group in demo.yaml)" in said
    assert "User Groups" in said
    assert changing_calls(sandbox) == []


def test_everything_in_place_is_written_down(sandbox: RunningSandbox, folder: RunFolder) -> None:
    before = whole_state(sandbox)
    ti = run_preflight(guard_overrides={"max_count": Decimal(800)})
    result = PreflightResult.model_validate_json(folder.read("preflight.json"))
    assert (result.institution_code, result.environment) == ("01DEMO_XYZ", "sandbox")
    assert (result.regroup_job_id, result.purge_job_id) == ("M148", "M20261")
    assert result.group_descriptions[MARKER] == "OK to Purge"
    assert result.remaining_calls is not None
    assert ti.said("summary") == "All 6 checks passed for Example College (sandbox)."
    assert whole_state(sandbox) == before
    assert changing_calls(sandbox) == []


def test_without_approvers_a_report_is_possible(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "config", approvers=[])
    run_preflight(mode="report_only")


def test_a_short_outage_is_no_reason_to_stop(sandbox: RunningSandbox) -> None:
    arm(sandbox, "503_general_error", times=1)
    run_preflight()
