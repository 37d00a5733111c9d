from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import CLEAR, MARKER, TODAY, ListedIds, Protected, context

from patron_purge.institution import Institution, RuleSettings
from patron_purge.patron import Finding, Patron
from patron_purge.rules import RULES, after_regroup, evaluate, rules_table
from patron_purge.states import Reason

STRICT = RuleSettings(
    hold_instructors=True,
    instructor_roles=("52",),
    hold_blocked=True,
    hold_note_texts=("Do Not Purge",),
    hold_proxies=True,
    recent_activity_days=365,
    protected_groups=("STAFF", "visiting staff"),
    waive_threshold=Decimal("9.99"),
    days_after_purge_date=30,
)


def test_a_person_with_nothing_against_the_purge_gets_through() -> None:
    assert evaluate(CLEAR, context()) is None
    assert evaluate(CLEAR, context(STRICT)) is None


PROTECTING: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.NO_IDENTIFIER, {"primary_id": ""}),
    (Reason.NO_IDENTIFIER, {"primary_id": "  ", "asked_id": "  "}),
    (Reason.NO_IDENTIFIER, {"asked_id": "\t"}),
    (Reason.OTHER_PRIMARY_ID, {"primary_id": "somebody"}),
    (Reason.OTHER_PRIMARY_ID, {"primary_id": "JDOE1"}),
    (Reason.OTHER_PRIMARY_ID, {"primary_id": "jdoe1 "}),
    (Reason.PROTECTED_GROUP, {"user_group": "I-Share"}),
    (Reason.PROTECTED_GROUP, {"user_group": " i-share "}),
    (Reason.PROTECTED_GROUP, {"user_group": "i share"}),
    (Reason.PROTECTED_GROUP, {"user_group": "I\u2011Share"}),
    (Reason.PROTECTED_GROUP, {"user_group": "01_ISHARE_USERS"}),
    (Reason.PROTECTED_GROUP, {"user_group": "staff"}),
    (Reason.PROTECTED_GROUP, {"user_group": "Visiting-\u00a0staff"}),
    (Reason.NOT_CHECKED, {"user_group": " "}),
    (Reason.LINKED_COPY, {"linked_copy": True}),
    (Reason.IN_MARKER_GROUP, {"user_group": MARKER}),
    (Reason.IN_MARKER_GROUP, {"user_group": f" {MARKER.lower()}"}),
    (Reason.RECORD_TYPE, {"record_type": "STAFF"}),
    (Reason.RECORD_TYPE, {"record_type": ""}),
    (Reason.EXPIRY_DATE, {"expiry_date": TODAY}),
    (Reason.EXPIRY_DATE, {"expiry_date": TODAY + timedelta(days=1)}),
    (Reason.EXPIRY_DATE, {"expiry_date": None}),
    (Reason.PURGE_DATE, {"purge_date": None}),
    (Reason.PURGE_DATE, {"purge_date": TODAY - timedelta(days=29)}),
    (Reason.PURGE_DATE, {"purge_date": date(2050, 1, 1)}),
    (Reason.STAFF_ROLE, {"active_roles": ("200", "221")}),
    (Reason.STAFF_ROLE, {"active_roles": ("",)}),
    (Reason.NOT_CHECKED, {"active_roles": None}),
    (Reason.NOT_CHECKED, {"identifiers": None}),
    (Reason.INSTRUCTOR, {"active_roles": ("200", "52")}),
    (Reason.ACTIVE_LOANS, {"loans": 1}),
    (Reason.NOT_CHECKED, {"loans": None}),
    (Reason.ACTIVE_REQUESTS, {"requests": 1}),
    (Reason.NOT_CHECKED, {"requests": None}),
    (Reason.OPEN_FEES, {"open_fees": Decimal("10.00")}),
    (Reason.NOT_CHECKED, {"open_fees": None}),
    (Reason.NOT_CHECKED, {"open_fees": Decimal("NaN")}),
    (Reason.CREDIT_BALANCE, {"credit": Decimal("0.01")}),
    (Reason.CREDIT_BALANCE, {"open_fees": Decimal(-5)}),
    (Reason.NOT_CHECKED, {"credit": None}),
    (Reason.NOT_CHECKED, {"credit": Decimal("Infinity")}),
    (Reason.BLOCKED, {"blocks": ("lost card",)}),
    (Reason.NOTE_TEXT, {"notes": ("hello", "please DO NOT PURGE this record")}),
    (Reason.NOTE_TEXT, {"notes": ("DO  NOT PURGE",)}),
    (Reason.NOTE_TEXT, {"notes": ("Asked: Do not\npurge!",)}),
    (Reason.NOTE_TEXT, {"notes": ("do-not-purge",)}),
    (Reason.PROXY, {"proxy_for": 1}),
    (Reason.RECENT_ACTIVITY, {"last_activity": TODAY - timedelta(days=365)}),
    (Reason.RECENT_ACTIVITY, {"last_activity": TODAY + timedelta(days=1)}),
    (Reason.NOT_CHECKED, {"last_activity": None}),
]


@pytest.mark.parametrize(("reason", "fact"), PROTECTING)
def test_one_fact_holds_a_person_back(reason: Reason, fact: dict[str, Any]) -> None:
    finding = evaluate(replace(CLEAR, **fact), context(STRICT))
    assert finding is not None
    assert finding.reason is reason
    assert finding.detail


@given(st.lists(st.sampled_from(PROTECTING), min_size=1, max_size=8))
def test_no_mixture_of_protecting_facts_lets_a_person_through(
    chosen: list[tuple[Reason, dict[str, Any]]],
) -> None:
    facts: dict[str, Any] = {}
    for _, fact in chosen:
        facts |= fact
    assert evaluate(replace(CLEAR, **facts), context(STRICT)) is not None


@given(
    st.integers(min_value=1, max_value=400),
    st.integers(min_value=-400, max_value=4000),
    st.decimals(min_value=0, max_value=100, places=2),
    st.decimals(min_value=0, max_value=100, places=2),
)
def test_dates_and_fees_are_held_exactly_at_their_limits(
    days: int, days_since: int, threshold: Decimal, owed: Decimal
) -> None:
    rules = RuleSettings(days_after_purge_date=days, waive_threshold=threshold)
    person = replace(CLEAR, purge_date=TODAY - timedelta(days=days_since), open_fees=owed)
    passes = days_since >= days and owed <= threshold
    assert (evaluate(person, context(rules)) is None) == passes


@pytest.mark.parametrize(
    "fact",
    [
        {"expiry_date": TODAY - timedelta(days=1)},
        {"purge_date": TODAY - timedelta(days=30)},
        {"open_fees": Decimal("9.99")},
        {"last_activity": TODAY - timedelta(days=366)},
        {"active_roles": ()},
        {"notes": ("moved to another town",)},
    ],
)
def test_a_fact_just_inside_the_limit_does_not_hold(fact: dict[str, Any]) -> None:
    assert evaluate(replace(CLEAR, **fact), context(STRICT)) is None


@pytest.mark.parametrize(
    "fact",
    [
        {"active_roles": ("200", "52")},
        {"blocks": ("lost card",)},
        {"notes": ("do not purge",)},
        {"proxy_for": 2},
        {"last_activity": None},
        {"last_activity": TODAY},
    ],
)
def test_rules_that_are_a_setting_are_off_by_default(fact: dict[str, Any]) -> None:
    rules = RuleSettings(instructor_roles=("52",))
    assert evaluate(replace(CLEAR, **fact), context(rules)) is None


def test_an_instructor_is_staff_where_the_role_is_not_named() -> None:
    finding = evaluate(replace(CLEAR, active_roles=("52",)), context())
    assert finding == Finding(Reason.STAFF_ROLE, "role 52")


@pytest.mark.parametrize("listed", ["jdoe1", "21234000012345"])
def test_an_exclusion_by_any_identifier_holds(listed: str) -> None:
    finding = evaluate(CLEAR, context(excluded=ListedIds(ids=frozenset({listed}))))
    assert finding == Finding(Reason.IN_EXCLUSION_FILE, "loans.xlsx")


def test_an_exclusion_by_name_holds() -> None:
    finding = evaluate(CLEAR, context(excluded=ListedIds(names=frozenset({("Jane", "Doe")}))))
    assert finding == Finding(Reason.NAME_IN_EXCLUSION_FILE, "loans.xlsx")


@pytest.mark.parametrize("listed", [("Jane", "Doe"), ("Jane", "Roe"), ("Jenny", "Doe"), ("Jenny", "Roe")])
def test_an_exclusion_by_a_preferred_name_holds(listed: tuple[str, str]) -> None:
    person = replace(CLEAR, preferred_first_name="Jenny", preferred_last_name="Roe")
    finding = evaluate(person, context(excluded=ListedIds(names=frozenset({listed}))))
    assert finding == Finding(Reason.NAME_IN_EXCLUSION_FILE, "loans.xlsx")


def test_somebody_listed_by_the_primary_id_is_held_for_that_without_other_identifiers() -> None:
    finding = evaluate(
        replace(CLEAR, identifiers=None), context(excluded=ListedIds(ids=frozenset({"jdoe1"})))
    )
    assert finding == Finding(Reason.IN_EXCLUSION_FILE, "loans.xlsx")


@pytest.mark.parametrize(
    "protected",
    [
        Protected(ids=frozenset({"jdoe1"})),
        Protected(ids=frozenset({"21234000012345"})),
        Protected(groups=frozenset({"UG"})),
        Protected(groups=frozenset({"Undergraduate"})),
        Protected(notes=frozenset({"a note"})),
    ],
)
def test_the_protect_list_is_asked_with_ids_groups_and_notes(protected: Protected) -> None:
    person = replace(CLEAR, notes=("a note",))
    finding = evaluate(person, context(protected=protected, group_names={"ug": "Undergraduate"}))
    assert finding == Finding(Reason.PROTECT_LIST, "id")


@pytest.mark.parametrize(
    "named",
    ["I-Share", "I-Share User", "i share patrons", "I\u2011Share", "Faculty emeriti", "Faculty  Emeriti"],
)
def test_a_protected_group_may_be_named_by_its_description(named: str) -> None:
    rules = RuleSettings(protected_groups=("faculty EMERITI",))
    finding = evaluate(CLEAR, context(rules, group_names={"UG": named}))
    assert finding is not None
    assert finding.reason is Reason.PROTECTED_GROUP


def test_the_first_rule_in_the_order_of_the_reasons_wins() -> None:
    person = replace(CLEAR, loans=2, expiry_date=None, linked_copy=True)
    finding = evaluate(person, context())
    assert finding is not None
    assert finding.reason is Reason.LINKED_COPY
    order = list(Reason)
    assert [rule.reason for rule in RULES] == sorted((rule.reason for rule in RULES), key=order.index)


@pytest.mark.parametrize(
    ("fact", "detail"),
    [
        ({"open_fees": None}, "Alma gave no sum of the open fees, or sums that differ"),
        ({"credit": None}, "Alma did not give the credit balance"),
        ({"loans": 3}, "3 loans"),
        ({"open_fees": Decimal("12.5")}, "owes 12.50"),
        ({"open_fees": Decimal(-5)}, "credit of 5.00"),
        ({"credit": Decimal(5)}, "credit of 5.00"),
        ({"active_roles": ("200", "21", "50")}, "role 21, 50"),
    ],
)
def test_the_detail_names_the_value(fact: dict[str, Any], detail: str) -> None:
    finding = evaluate(replace(CLEAR, **fact), context())
    assert finding is not None
    assert finding.detail == detail


def test_after_the_regroup_the_original_group_is_judged() -> None:
    moved = replace(CLEAR, user_group=MARKER)
    person = after_regroup(moved, "UG", MARKER)
    assert isinstance(person, Patron)
    assert person == CLEAR
    assert evaluate(person, context()) is None


def test_after_the_regroup_a_protected_original_group_still_holds() -> None:
    person = after_regroup(replace(CLEAR, user_group=MARKER), "I-Share", MARKER)
    assert isinstance(person, Patron)
    finding = evaluate(person, context())
    assert finding is not None
    assert finding.reason is Reason.PROTECTED_GROUP


@pytest.mark.parametrize("original", ["", MARKER])
def test_after_the_regroup_a_useless_original_group_holds(original: str) -> None:
    person = after_regroup(replace(CLEAR, user_group=MARKER), original, MARKER)
    assert isinstance(person, Patron)
    assert evaluate(person, context()) is not None


@pytest.mark.parametrize("group", ["UG", "", MARKER.lower(), f"{MARKER} "])
def test_after_the_regroup_nobody_outside_the_marker_group_goes_on(group: str) -> None:
    finding = after_regroup(replace(CLEAR, user_group=group), "UG", MARKER)
    assert isinstance(finding, Finding)
    assert finding.reason is Reason.GROUP_CHANGED


def test_the_rules_table_has_every_reason_once_with_settings_that_exist() -> None:
    table = rules_table()
    assert [line.reason for line in table] == list(Reason)
    for line in table:
        assert line.sentence.endswith(".")
        for setting in line.settings:
            section, _, name = setting.rpartition(".")
            assert name in (RuleSettings if section == "rules" else Institution).model_fields


def test_every_rule_setting_stands_in_the_rules_table() -> None:
    named = {setting for line in rules_table() for setting in line.settings}
    assert {f"rules.{name}" for name in RuleSettings.model_fields} <= named
    assert {"exclusion_files", "protect_list", "protect_list_sftp"} <= named


def test_every_fact_about_a_person_is_covered_by_a_protecting_example() -> None:
    covered = {name for _, fact in PROTECTING for name in fact}
    by_other_tests = {
        *("first_name", "last_name", "preferred_first_name", "preferred_last_name"),
        "fees_on_record",
    }
    assert covered | by_other_tests == {each.name for each in fields(Patron)}
