from __future__ import annotations

from typing import Any

import pytest

from alma_sandbox.state.people import Blocker


def _outcome(alma: Any, scenario: str, **changes: str) -> bool:
    """Purge one person of a scenario; tell whether they are gone."""
    person = alma.person(scenario)
    alma.purge_people([person], **changes)
    return not alma.exists(person)


def test_clean_people_are_purged(alma: Any) -> None:
    people = [p for p in alma.sandbox.tenant.users if p.expectation == "purgeable"]
    run = alma.purge_people(people)
    assert run["status"]["value"] == "COMPLETED_SUCCESS"
    assert run["counter"][0]["value"] == str(len(people))
    assert not any(alma.exists(person) for person in people)


@pytest.mark.parametrize(
    "scenario",
    [
        "active_loan",
        "fee_active",
        "small_fee",
        "record_type_staff",
        "record_type_contact",
        "stale_purge_date_removed",
        "stale_extended",
        "purge_date_today",
        "job_refuses_po_line",
        "job_refuses_invoice",
        "job_refuses_locked_bib",
        "job_refuses_import_profile",
        "job_refuses_md_editor",
        "job_refuses_record_lock",
        "job_refuses_research_asset",
        "job_refuses_rs_hold_shelf",
    ],
)
def test_purge_refuses_and_leaves_the_person_in_the_marker_group(alma: Any, scenario: str) -> None:
    person = alma.person(scenario)
    run = alma.purge_people([person])
    assert run["status"]["value"] == "COMPLETED_WARNING"
    assert [counter["value"] for counter in run["counter"]] == ["0", "1"]
    assert alma.user(person.primary_id).json()["user_group"]["value"] == "OKTOPURGE"


@pytest.mark.parametrize(
    "scenario",
    [
        "expiry_future",
        "linked_copy",
        "staff_role",
        "blocked",
        "excluded_by_file",
        "credit_balance",
        "fee_disputed",
    ],
)
def test_purge_does_not_look_at_what_a_careful_library_looks_at(alma: Any, scenario: str) -> None:
    assert _outcome(alma, scenario)


def test_active_requests_are_cancelled_not_respected(alma: Any) -> None:
    person = alma.person("active_request")
    alma.purge_people([person])
    assert not alma.exists(person)
    assert [(request.active, request.outcome) for request in person.requests] == [(False, "CANCELLED")]


def test_waive_threshold_lets_small_balances_go(alma: Any) -> None:
    assert _outcome(alma, "small_fee", PURGE_USERS_Waive_Threshold="9.99")


def test_no_user_read_shows_a_hidden_tie(alma: Any) -> None:
    for person in [p for p in alma.sandbox.tenant.users if p.expectation == "job_refuses"]:
        record = alma.user(person.primary_id, params={"expand": "loans,requests,fees"}).json()
        assert (record["loans"]["value"], record["requests"]["value"], record["fees"]["value"]) == (0, 0, 0)
        assert not any(kind.value in str(record) for kind in Blocker)


@pytest.mark.parametrize(
    ("switch", "scenario"),
    [
        ("purge_ignores_dates", "stale_purge_date_removed"),
        ("purge_ignores_waive", "fee_active"),
        ("purge_ignores_loans", "active_loan"),
    ],
)
def test_hostile_purge_ignores_what_it_should_obey(alma: Any, switch: str, scenario: str) -> None:
    alma.switch(**{switch: True})
    assert _outcome(alma, scenario)


def test_disputed_fees_count_when_so_switched(alma: Any) -> None:
    alma.switch(purge_counts_fees="open")
    assert not _outcome(alma, "fee_disputed")


def test_members_outside_the_group_stay_unless_the_group_is_ignored(alma: Any) -> None:
    person = alma.person("clean")
    set_id = alma.new_set("set", [person.primary_id])
    alma.instance(alma.purge(set_id))
    assert alma.exists(person)
    alma.switch(purge_ignores_group=True)
    alma.instance(alma.purge(set_id))
    assert not alma.exists(person)


def test_people_outside_the_set_stay(alma: Any) -> None:
    inside, outside = alma.person("clean", 0), alma.person("clean", 1)
    set_id = alma.new_set("both", [inside.primary_id, outside.primary_id])
    alma.instance(alma.regroup(set_id))
    alma.instance(alma.purge(alma.new_set("one", [inside.primary_id])))
    assert (alma.exists(inside), alma.exists(outside)) == (False, True)


@pytest.mark.parametrize(
    ("days", "means", "gone"), [("0", "yesterday", False), ("0", "today", True), ("1", "today", False)]
)
def test_days_after_purge_date(alma: Any, days: str, means: str, *, gone: bool) -> None:
    alma.switch(zero_days_mean=means)
    assert _outcome(alma, "purge_date_today", PURGE_USERS_Days_After_Purge_Date=days) is gone


def test_days_after_purge_date_reach_back(alma: Any) -> None:
    assert not _outcome(alma, "clean", PURGE_USERS_Days_After_Purge_Date="400")


def test_keep_fully_reportable_answers_the_record_as_deleted(alma: Any) -> None:
    alma.switch(delete_user_policy="keep_fully_reportable")
    person = alma.person("clean")
    alma.purge_people([person])
    assert alma.user(person.primary_id).json()["status"]["value"] == "DELETED"
    assert alma.get("/users?q=user_group~OKTOPURGE").json() == {"total_record_count": 0}
    alma.switch(deleted_in_search=True)
    assert alma.get("/users?q=user_group~OKTOPURGE").json()["total_record_count"] == 1


@pytest.mark.parametrize("policy", ["keep_statistics", "remove_primary_id", "fully_remove"])
def test_other_policies_answer_not_found(alma: Any, policy: str) -> None:
    alma.switch(delete_user_policy=policy)
    assert _outcome(alma, "clean")


def test_unreadable_criteria_fail_the_job(alma: Any) -> None:
    person = alma.person("clean")
    set_id = alma.new_set("set", [person.primary_id])
    run = alma.instance(alma.purge(set_id, PURGE_USERS_Days_After_Purge_Date="soon"))
    assert run["status"]["value"] == "COMPLETED_FAILED"
    assert alma.exists(person)


def test_legacy_purge_takes_the_whole_group_and_shows_in_the_history(alma: Any) -> None:
    inside, refused = alma.person("clean"), alma.person("job_refuses_invoice")
    alma.instance(alma.regroup(alma.new_set("set", [inside.primary_id, refused.primary_id])))
    counts = alma.control("/legacy-purge", {"days": 1})
    assert (counts["label.users.purged"], counts["label.users.not.purged"]) == (1, 1)
    assert (alma.exists(inside), alma.exists(refused)) == (False, True)
    run = alma.get("/conf/jobs/O77/instances").json()["job_instance"][0]
    assert (run["status"]["value"], run["submitted_by"]["value"]) == ("COMPLETED_WARNING", "operator")
    assert alma.control("/log", method="GET")["job_starts"] == 1
