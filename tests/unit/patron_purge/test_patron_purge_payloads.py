import hashlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import (
    MARKER,
    PURGE_PARAMETERS,
    REGROUP_PARAMETERS,
    changed,
    payload,
    purge_payload,
    regroup_payload,
)

from patron_purge.errors import ConfigurationError
from patron_purge.institution import RuleSettings
from patron_purge.job_names import JobStep, job_name
from patron_purge.payloads import check_purge_payload, check_regroup_payload

GROUP = "UPDATE_User_Information_UserGroup"


def refused_regroup(raw: bytes, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        check_regroup_payload(raw, MARKER, file_name="update_notify_users.json")
    assert str(caught.value).startswith("update_notify_users.json is refused")
    assert "nothing was changed" in str(caught.value)


def refused_purge(raw: bytes, match: str, rules: RuleSettings | None = None) -> None:
    with pytest.raises(ConfigurationError, match=match):
        check_purge_payload(raw, MARKER, rules or RuleSettings(), file_name="purge_users.json")


def test_a_good_payload_is_kept_byte_for_byte() -> None:
    raw = payload(REGROUP_PARAMETERS)
    frozen = check_regroup_payload(raw, MARKER)
    assert frozen.raw == raw
    assert frozen.sha256 == hashlib.sha256(raw).hexdigest()
    assert frozen.parameters == REGROUP_PARAMETERS


def test_a_described_name_as_alma_shows_it_is_accepted() -> None:
    raw = payload(REGROUP_PARAMETERS).replace(b'"value": "set_id"', b'"value": "set_id", "desc": "Set"')
    assert b'"desc"' in raw
    assert check_regroup_payload(raw, MARKER).raw == raw


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        (f"{GROUP}_Active", "false", "switches on nothing"),
        (f"{GROUP}_Active", None, "switches on nothing"),
        ("UPDATE_User_Information_Status_Active", "true", "exactly UPDATE_User_Information_UserGroup_Active"),
        ("UPDATE_User_Information_Status_Active", "TRUE", "Status_Active is 'TRUE'"),
        ("UPDATE_User_Information_Status_ACTIVE", "true", "stands there twice"),
        ("UPDATE_User_Information_AddNote_ACTIVE", "true", "AddNote_ACTIVE"),
        (f"{GROUP}_Value", "UG", "UserGroup_Value is 'UG'"),
        (f"{GROUP}_Value", None, "UserGroup_Value is missing"),
        (f"{GROUP}_Condition", "EMPTY", "UserGroup_Condition is 'EMPTY'"),
        (f"{GROUP}_Condition", None, "UserGroup_Condition is missing"),
        ("SEND_Notification_To_User_Active", "true", "SEND_Notification_To_User_Active"),
        ("SEND_Notification_To_User_Active", None, "SEND_Notification_To_User_Active is missing"),
        ("set_id", "27410099870003691", "set_id must have the value"),
        ("set_id", None, "set_id must have the value"),
        ("set_id", "{{ set_id }}", "set_id must have the value"),
        ("job_name", "Monthly purge", "job_name must have the value"),
        ("job_name", None, "job_name must have the value"),
        ("job_name", "{{job_name}} again", "job_name must have the value"),
        ("comment", "{{set_id}}", "exactly once"),
        ("comment", "{{job_name}}", "exactly once"),
        ("comment", "{{run_id}}", "unknown placeholder"),
        ("comment", "a }} b", "unknown placeholder"),
        ("{{comment}}", "x", "unknown placeholder"),
        (" comment", "x", "blanks around"),
        ("", "x", "is empty"),
    ],
)
def test_a_regroup_payload_that_could_do_anything_else_is_refused(
    name: str, value: str | None, match: str
) -> None:
    refused_regroup(changed(REGROUP_PARAMETERS, name, value), match)


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (b"", "read as JSON"),
        (b"<job/>", "read as JSON"),
        (b"\xff\xfe{}", "read as JSON"),
        (b"\xef\xbb\xbf" + payload(REGROUP_PARAMETERS), "read as JSON"),
        (b"[]", "single key"),
        (b'{"parameter": [], "name": "x"}', "single key"),
        (b'{"parameter": {}}', "must be a list"),
        (b'{"parameter": [], "parameter": []}', "stands twice"),
        (b'{"parameter": [{"name": {"value": "a"}, "value": 1}]}', "parameter 1"),
        (b'{"parameter": [{"name": {"value": "a"}, "value": "1", "op": "x"}]}', "parameter 1"),
        (b'{"parameter": [{"name": {"value": "a", "link": ""}, "value": "1"}]}', "parameter 1"),
        (b'{"parameter": [{"name": "a", "value": "1"}]}', "parameter 1"),
        (b'{"parameter": ["a"]}', "parameter 1"),
    ],
)
def test_what_is_no_payload_is_refused(raw: bytes, match: str) -> None:
    refused_regroup(raw, match)
    refused_purge(raw, match)


def test_a_repeated_parameter_is_refused() -> None:
    doubled = (*REGROUP_PARAMETERS, (f"{GROUP}_Value", MARKER))
    refused_regroup(payload(doubled), "stands there twice")


def test_a_key_written_twice_inside_a_parameter_is_refused() -> None:
    raw = payload(REGROUP_PARAMETERS).replace(
        b'"value": "INACTIVE"', b'"value": "INACTIVE", "value": "ACTIVE"'
    )
    refused_regroup(raw, "stands twice")


def test_a_placeholder_hidden_by_escapes_is_refused() -> None:
    raw = payload(REGROUP_PARAMETERS).replace(b"{{set_id}}", rb"\u007b{set_id}}")
    refused_regroup(raw, "exactly once")


def test_a_placeholder_in_a_description_is_refused() -> None:
    raw = payload(REGROUP_PARAMETERS).replace(
        b'"value": "set_id"', b'"value": "set_id", "desc": "{{set_name}}"'
    )
    refused_regroup(raw, "placeholder besides")


def test_a_good_purge_payload_passes_also_without_optional_parameters() -> None:
    assert purge_payload().parameters == PURGE_PARAMETERS
    check_purge_payload(payload(PURGE_PARAMETERS[-2:]), MARKER, RuleSettings())


@pytest.mark.parametrize("written", ["9.99", "9.990", " 9.99"])
def test_equal_amounts_pass_however_they_are_written(written: str) -> None:
    raw = changed(PURGE_PARAMETERS, "waive_threshold", written)
    check_purge_payload(raw, MARKER, RuleSettings(waive_threshold=Decimal("9.99")))


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("user_group", "UG", "only the group 'OKTOPURGE'"),
        ("user_group", "", "only the group"),
        ("UserGroup", "UG", "only the group"),
        ("PURGE_User_Group_Value", "ALL", "only the group"),
        ("waive_threshold", "10", "rules.waive_threshold is 0"),
        ("WaiveThreshold", "", "rules.waive_threshold"),
        ("waive_threshold", "NaN", "rules.waive_threshold"),
        ("days_after_purge_date", "0", "rules.days_after_purge_date is 1"),
        ("numberOfDays", "", "rules.days_after_purge_date"),
        ("user_record_type", "ALL", "allows only PUBLIC"),
        ("recordType", "STAFF", "allows only PUBLIC"),
        ("set_id", "1", "set_id must have the value"),
        ("job_name", None, "job_name must have the value"),
        ("comment", "{{marker_group}}", "unknown placeholder"),
    ],
)
def test_a_purge_payload_that_contradicts_the_rules_is_refused(
    name: str, value: str | None, match: str
) -> None:
    refused_purge(changed(PURGE_PARAMETERS, name, value), match)


def test_filling_changes_the_two_placeholders_and_nothing_else() -> None:
    filled = regroup_payload().fill("27410099870003691", "purge-demo-1")
    expected = payload(REGROUP_PARAMETERS)
    expected = expected.replace(b"{{set_id}}", b"27410099870003691").replace(b"{{job_name}}", b"purge-demo-1")
    assert filled == expected


@given(
    st.text(min_size=1).filter(lambda text: text.strip() and "{{" not in text and "}}" not in text),
    st.text(min_size=1).filter(lambda text: text.strip() and "{{" not in text and "}}" not in text),
)
def test_whatever_is_filled_in_stays_one_value(set_id: str, name: str) -> None:
    content = json.loads(regroup_payload().fill(set_id, name))
    values = {each["name"]["value"]: each["value"] for each in content["parameter"]}
    assert values == dict(REGROUP_PARAMETERS) | {"set_id": set_id, "job_name": name}


@pytest.mark.parametrize(("set_id", "name"), [("", "n"), (" ", "n"), ("1", ""), ("{{job_name}}", "n")])
def test_useless_values_are_not_filled_in(set_id: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        regroup_payload().fill(set_id, name)


@given(st.text(), st.text(), st.text(), st.sampled_from(JobStep))
def test_a_job_name_is_short_plain_and_repeatable(code: str, run_id: str, digest: str, step: JobStep) -> None:
    name = job_name(code, run_id, digest, step)
    assert name == job_name(code, run_id, digest, step)
    assert len(name) <= 100
    assert name.isascii()
    assert " " not in name
    assert "{" not in name


def test_job_names_of_different_jobs_differ() -> None:
    long_run = "manual__" + "x" * 200
    names = {
        job_name(code, run_id, digest, step)
        for code in ("demo", "other")
        for run_id in ("r1", "r-1", "r/1", long_run, long_run + "y")
        for digest in ("a" * 64, "b" * 64)
        for step in JobStep
    }
    assert len(names) == 2 * 5 * 2 * 2


def test_a_job_name_can_be_read() -> None:
    name = job_name("01DEMO_XYZ", "scheduled__2026-09-02T11:00:00+00:00", "a" * 64, JobStep.PURGE)
    assert name.startswith("purge-01DEMO_XYZ-scheduled__2026-09-02T11-00-00-00-00-")
