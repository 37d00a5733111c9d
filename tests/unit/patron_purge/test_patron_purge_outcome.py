from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patron_purge.output_samples import CLEAR, TODAY

from patron_purge.decision import DecisionState
from patron_purge.institution import RuleSettings
from patron_purge.outcome import (
    AfterPurge,
    AfterPurgeState,
    JobCounter,
    KeptWhy,
    Reading,
    classify_after_purge,
    compare_counters,
    gaps,
)
from patron_purge.patron import Patron
from patron_purge.run_outcome import Outcome, OutcomeFacts, outcome_of, why_failed
from patron_purge.states import Mode, RowState

RULES = RuleSettings(instructor_roles=("52",))


def after(patron: Patron | None, reading: Reading = Reading.FOUND, status: str = "ACTIVE") -> AfterPurgeState:
    answer = AfterPurge(asked_id="jdoe1", reading=reading, status=status, patron=patron)
    return classify_after_purge(answer, RULES, TODAY, "OKTOPURGE")


def test_whoever_is_gone_was_purged() -> None:
    assert after(None, Reading.NOT_FOUND, "") == AfterPurgeState(RowState.PURGED)


@pytest.mark.parametrize("status", ["DELETED", "deleted", " Deleted "])
def test_a_record_with_the_status_deleted_was_purged(status: str) -> None:
    assert after(CLEAR, status=status) == AfterPurgeState(RowState.PURGED)


def test_an_id_that_leads_to_somebody_else_was_purged() -> None:
    assert after(replace(CLEAR, primary_id="somebody")) == AfterPurgeState(RowState.PURGED)


@pytest.mark.parametrize("spelling", ["JDOE1", "jdoe1 "])
def test_another_spelling_of_the_same_id_is_the_same_person(spelling: str) -> None:
    assert after(replace(CLEAR, primary_id=spelling)).state is RowState.KEPT_BY_ALMA


@pytest.mark.parametrize(
    ("patron", "reading"),
    [
        (None, Reading.NOT_READ),
        (CLEAR, Reading.NOT_READ),
        (None, Reading.FOUND),
        (replace(CLEAR, primary_id=" "), Reading.FOUND),
    ],
)
def test_an_answer_that_says_nothing_proves_nothing(patron: Patron | None, reading: Reading) -> None:
    assert after(patron, reading) == AfterPurgeState(RowState.UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"loans": 1}, KeptWhy.LOANS),
        ({"requests": 2}, KeptWhy.REQUESTS),
        ({"open_fees": Decimal("0.01")}, KeptWhy.FEES),
        ({"purge_date": None}, KeptWhy.PURGE_DATE),
        ({"purge_date": TODAY}, KeptWhy.PURGE_DATE),
        ({"active_roles": ("200", "52")}, KeptWhy.ROLE),
        ({}, KeptWhy.NOT_KNOWN),
        ({"loans": None, "open_fees": None}, KeptWhy.NOT_KNOWN),
    ],
)
def test_the_likely_reason_why_alma_kept_somebody(facts: dict[str, Any], why: KeptWhy) -> None:
    assert after(replace(CLEAR, **facts)) == AfterPurgeState(RowState.KEPT_BY_ALMA, why)


@pytest.mark.parametrize(
    ("facts", "why"),
    [({"requests": 1}, KeptWhy.RESOURCE_SHARING), ({"requests": 1, "loans": 1}, KeptWhy.LOANS)],
)
def test_a_resource_sharing_request_on_the_hold_shelf_is_a_reason_of_its_own(
    facts: dict[str, Any], why: KeptWhy
) -> None:
    patron = replace(CLEAR, **facts)
    answer = AfterPurge("jdoe1", Reading.FOUND, "ACTIVE", patron, resource_sharing_on_hold=True)
    found = classify_after_purge(answer, RULES, TODAY, "OKTOPURGE")
    assert found == AfterPurgeState(RowState.KEPT_BY_ALMA, why)


def test_what_alma_stops_at_is_named_before_ordinary_requests() -> None:
    patron = replace(CLEAR, requests=1, purge_date=None, active_roles=("200", "26"))
    assert after(patron).why is KeptWhy.PURGE_DATE


@pytest.mark.parametrize(
    "label", ["Requests deleted", "label.fees.waived", "Loans total", "Roles processed", "Something"]
)
def test_a_counter_of_other_things_than_people_is_not_compared(label: str) -> None:
    check = compare_counters(214, 210, 4, (JobCounter(label, 7),))[1]
    assert check.agrees is None
    assert "says 7." in check.sentence


@pytest.mark.parametrize(
    ("label", "value", "agrees"),
    [
        ("Users not purged", 4, True),
        ("Users not purged", 2, True),
        ("Users not purged", 1, False),
        ("Users not purged", 5, False),
        ("Users purged", 208, False),
        ("Records processed", 212, True),
    ],
)
def test_the_page_may_not_have_selected_people_without_a_due_purge_date(
    label: str, value: int, *, agrees: bool
) -> None:
    check = compare_counters(214, 210, 4, (JobCounter(label, value),), not_selected=2)[1]
    assert check.agrees is agrees


def test_gaps_are_the_sentences_of_counters_that_differ() -> None:
    checks = compare_counters(3, 2, 1, (JobCounter("Users purged", 1), JobCounter("Users not purged", 1)))
    assert gaps(checks) == (checks[1].sentence,)


def test_every_reason_has_words() -> None:
    assert all(why.label for why in KeptWhy)
    assert all(outcome.label for outcome in Outcome)


def test_counters_that_agree() -> None:
    counters = (
        JobCounter("Records processed", 214),
        JobCounter("label.records.failed", 4),
        JobCounter("Users not purged", 4),
        JobCounter("Users purged", 210),
    )
    checks = compare_counters(214, 210, 4, counters)
    assert checks[0].sentence == "214 sent to the job = 210 purged + 4 kept by Alma + 0 not read."
    assert [check.agrees for check in checks] == [True] * 5


def test_counters_that_differ_or_say_nothing() -> None:
    counters = (JobCounter("Users deleted", 209), JobCounter("label.bulk", 3), JobCounter("Total", None))
    checks = compare_counters(214, 210, 4, counters)
    assert [check.agrees for check in checks] == [True, False, None, None]
    assert "says 209, single reads say 210 purged: they differ" in checks[1].sentence


def test_people_who_were_not_read_do_not_add_up() -> None:
    check = compare_counters(214, 209, 4, ())[0]
    assert check.agrees is False
    assert "1 not read" in check.sentence


DONE = OutcomeFacts(
    mode=Mode.FULL,
    failed=False,
    stopped=False,
    decision=DecisionState.APPROVED,
    to_purge=210,
    left=205,
    sent=205,
    purged=205,
    unknown=0,
)
NOT_SENT: dict[str, Any] = {"sent": 0, "purged": 0}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.PURGED),
        ({"mode": Mode.PILOT}, Outcome.PURGED),
        ({"purged": 204}, Outcome.PARTLY),
        ({"purged": 0}, Outcome.ALL_KEPT),
        ({"purged": 0, "stopped": True}, Outcome.ALL_KEPT),
        ({"purged": 204, "stopped": True}, Outcome.PARTLY),
        ({"stopped": True}, Outcome.PURGED),
        ({"failed": True}, Outcome.FAILED),
        ({"unknown": 1}, Outcome.FAILED),
        ({"purged": 206}, Outcome.FAILED),
        ({"decision": DecisionState.REJECTED}, Outcome.FAILED),
        ({"decision": None}, Outcome.FAILED),
        (NOT_SENT, Outcome.NOT_SENT),
        (NOT_SENT | {"mode": Mode.PILOT}, Outcome.NOT_SENT),
        (NOT_SENT | {"left": 0}, Outcome.NOBODY_TO_PURGE),
        (NOT_SENT | {"to_purge": 0, "left": 0}, Outcome.NOBODY_TO_PURGE),
        (NOT_SENT | {"decision": None, "to_purge": None, "left": 0}, Outcome.FAILED),
        (NOT_SENT | {"decision": None, "to_purge": None, "left": 0, "stopped": True}, Outcome.STOPPED),
        (
            NOT_SENT | {"decision": None, "to_purge": None, "left": 0, "mode": Mode.REPORT_ONLY},
            Outcome.FAILED,
        ),
        (NOT_SENT | {"decision": None, "to_purge": 0}, Outcome.NOBODY_TO_PURGE),
        (NOT_SENT | {"decision": None, "mode": Mode.REPORT_ONLY}, Outcome.REPORT_ONLY),
        (NOT_SENT | {"decision": None, "mode": Mode.REPORT_ONLY, "to_purge": 0}, Outcome.REPORT_ONLY),
        (NOT_SENT | {"decision": DecisionState.REJECTED}, Outcome.REJECTED),
        (NOT_SENT | {"decision": DecisionState.TIMED_OUT}, Outcome.TIMED_OUT),
        (NOT_SENT | {"decision": None, "stopped": True}, Outcome.STOPPED),
        (NOT_SENT | {"stopped": True}, Outcome.STOPPED),
        (NOT_SENT | {"failed": True, "mode": Mode.REPORT_ONLY}, Outcome.FAILED),
        (NOT_SENT | {"decision": DecisionState.ASKED}, Outcome.FAILED),
        (NOT_SENT | {"decision": DecisionState.REFUSED}, Outcome.FAILED),
        (NOT_SENT | {"decision": None}, Outcome.FAILED),
    ],
)
def test_the_outcome_of_a_run(changes: dict[str, Any], outcome: Outcome) -> None:
    assert outcome_of(replace(DONE, **changes)) is outcome


@given(
    st.builds(
        OutcomeFacts,
        mode=st.sampled_from(Mode),
        failed=st.booleans(),
        stopped=st.booleans(),
        decision=st.one_of(st.none(), st.sampled_from(DecisionState)),
        to_purge=st.one_of(st.none(), st.integers(0, 3)),
        left=st.integers(0, 3),
        sent=st.integers(0, 3),
        purged=st.integers(0, 3),
        unknown=st.integers(0, 1),
    )
)
def test_an_outcome_never_looks_better_than_the_facts(facts: OutcomeFacts) -> None:
    outcome = outcome_of(facts)
    if outcome is Outcome.PURGED:
        assert facts.purged == facts.sent > 0
        assert facts.decision is DecisionState.APPROVED
    if facts.failed or facts.unknown:
        assert outcome is Outcome.FAILED
    if facts.purged:
        assert outcome in {Outcome.PURGED, Outcome.PARTLY, Outcome.FAILED}
    if outcome is Outcome.NOBODY_TO_PURGE:
        assert 0 in {facts.to_purge, facts.left}
    assert bool(why_failed(facts)) is (outcome is Outcome.FAILED and not facts.failed)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unknown": 1}, "It is not known what became of 1 person."),
        ({"decision": None}, "Without an approval on record, this many are gone from Alma: 205 people."),
        (
            {"purged": 206},
            "More are gone from Alma than were sent to the purge job: 206 people, and 205 sent.",
        ),
        (
            NOT_SENT | {"decision": DecisionState.ASKED},
            "There was a list, and nobody's decision about it is on record.",
        ),
        (
            NOT_SENT | {"decision": None, "to_purge": None},
            "There is no list on record, although no task has failed.",
        ),
        ({"unknown": 1, "failed": True}, ""),
        ({}, ""),
    ],
)
def test_a_failed_run_without_a_failed_task_says_why(changes: dict[str, Any], said: str) -> None:
    assert why_failed(replace(DONE, **changes)) == said
