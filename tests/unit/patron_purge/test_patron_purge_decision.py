from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.patron_purge.output_samples import NOW, OLGA, asked, question

from patron_purge.answers import Answer, Choice, Judgement, Terms, judge_answer, record_answer
from patron_purge.decision import Decision, DecisionState, Person, ask, require_approved, time_out
from patron_purge.digest import approval_code
from patron_purge.errors import ApprovalRefusedError
from patron_purge.states import DeleteUserPolicy

TERMS = Terms(approvers=("olga",))
HOUR = timedelta(hours=1)
DIGEST = "d" * 64
CODE = approval_code(DIGEST)


def answer(**changes: Any) -> Answer:
    usual: dict[str, Any] = {
        "try_number": 1,
        "choice": Choice.APPROVE,
        "person": OLGA,
        "answered_at": NOW + HOUR,
        "clear_number": 1,
        "count": "210",
        "code": CODE,
        "comment": " fine ",
        "policy": "Keep statistics",
        "disposal_authority": "RIMS 12",
    }
    return Answer(**(usual | changes))


def judged(given: Answer, decision: Decision | None = None) -> Decision:
    open_decision = decision or asked()
    return record_answer(open_decision, given, judge_answer(open_decision, given, TERMS))


def require(decision: Decision | None, **changes: Any) -> None:
    usual: dict[str, Any] = {
        "digest": DIGEST,
        "now": NOW + 2 * HOUR,
        "institution_code": "01DEMO_XYZ",
        "environment": "sandbox",
        "run_id": "r1",
        "clear_number": 1,
    }
    require_approved(decision, **(usual | changes))


def test_a_right_answer_is_an_approval_that_counts() -> None:
    decision = judged(answer())
    assert decision.state is DecisionState.APPROVED
    assert decision.answered_by == OLGA
    assert decision.code == CODE
    assert decision.comment == "fine"
    assert decision.valid_until == NOW + 73 * HOUR
    require(decision)


@pytest.mark.parametrize("count", ["210", " 210 ", "2 10"])
@pytest.mark.parametrize("code", [CODE.lower(), f"{CODE[:4]}-{CODE[4:]}"])
def test_count_and_code_may_be_typed_loosely(count: str, code: str) -> None:
    assert judged(answer(count=count, code=code)).state is DecisionState.APPROVED


def test_a_count_may_have_a_thousands_separator() -> None:
    large = asked().model_copy(update={"count": 1240})
    assert judged(answer(count="1,240"), large).state is DecisionState.APPROVED


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"count": "211"}, "number of people"),
        ({"count": ""}, "number of people"),
        ({"count": "-210"}, "number of people"),
        ({"count": "210.0"}, "number of people"),
        ({"code": "AAAAAAAA"}, "code is not"),
        ({"code": ""}, "code is not"),
        ({"person": Person(id="mallory", name="Mallory")}, "may approve"),
        ({"person": Person(id="Olga", name="Olga Operator")}, "may approve"),
        ({"try_number": 2}, "latest"),
        ({"answered_at": NOW + 73 * HOUR}, "deadline"),
        ({"answered_at": NOW - HOUR}, "older than the question"),
    ],
)
def test_a_wrong_answer_is_refused_with_a_sentence(changes: dict[str, Any], why: str) -> None:
    decision = judged(answer(**changes))
    assert decision.state is DecisionState.REFUSED
    assert why in decision.refusals[-1].why
    with pytest.raises(ApprovalRefusedError):
        require(decision)


def test_a_refusal_tells_neither_the_count_nor_the_code() -> None:
    for changes in ({"count": "5"}, {"code": "AAAAAAAA"}):
        why = judged(answer(**changes)).refusals[-1].why
        assert "210" not in why
        assert CODE not in why


def test_an_answer_to_an_older_try_is_refused() -> None:
    again = ask(question(try_number=2), NOW + HOUR, asked())
    assert judged(answer(answered_at=NOW + 2 * HOUR), again).state is DecisionState.REFUSED


@pytest.mark.parametrize(
    "state", [DecisionState.APPROVED, DecisionState.REJECTED, DecisionState.TIMED_OUT, DecisionState.REFUSED]
)
def test_only_an_open_question_can_be_approved(state: DecisionState) -> None:
    closed = asked().model_copy(update={"state": state})
    assert not judge_answer(closed, answer(), TERMS).accepted


def test_nobody_may_approve_where_there_are_no_approvers() -> None:
    assert not judge_answer(asked(), answer(), Terms(approvers=())).accepted


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"count": "", "code": ""},
        {"person": Person(id="mallory", name="Mallory")},
        {"answered_at": NOW + 100 * HOUR},
        {"try_number": 9},
    ],
)
def test_a_reject_is_never_refused(changes: dict[str, Any]) -> None:
    decision = judged(answer(choice=Choice.REJECT, **changes))
    assert decision.state is DecisionState.REJECTED
    with pytest.raises(ApprovalRefusedError, match="rejected"):
        require(decision)


def test_a_reject_revokes_an_approval() -> None:
    approved = judged(answer())
    rejected = record_answer(approved, answer(choice=Choice.REJECT), Judgement(accepted=True))
    with pytest.raises(ApprovalRefusedError):
        require(rejected)


def test_a_worker_whose_clock_is_a_little_behind_takes_a_fresh_approval() -> None:
    fresh = judged(answer())
    require(fresh, now=NOW + HOUR - timedelta(minutes=2))
    with pytest.raises(ApprovalRefusedError, match="future"):
        require(fresh, now=NOW + HOUR - timedelta(minutes=3))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"digest": "e" * 64}, "digests differ"),
        ({"institution_code": "01OTHER"}, "another institution"),
        ({"environment": "production"}, "another institution, environment"),
        ({"run_id": "r2"}, "or run"),
        ({"now": NOW + 74 * HOUR}, "expired"),
        ({"now": NOW}, "future"),
    ],
)
def test_an_approval_of_something_else_allows_nothing(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ApprovalRefusedError, match=why) as caught:
        require(judged(answer()), **changes)
    assert "Nothing more was sent to Alma" in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        {"answered_by": None},
        {"answered_at": None},
        {"valid_until": None},
        {"code": "AAAAAAAA"},
        {"deadline": NOW},
    ],
)
def test_a_damaged_approval_allows_nothing(damage: dict[str, Any]) -> None:
    with pytest.raises(ApprovalRefusedError):
        require(judged(answer()).model_copy(update=damage))


def test_an_open_question_marked_as_done_by_hand_allows_nothing() -> None:
    with pytest.raises(ApprovalRefusedError, match="not answered yet"):
        require(asked())


def test_no_decision_allows_nothing() -> None:
    with pytest.raises(ApprovalRefusedError, match="no decision on file"):
        require(None)


def test_silence_allows_nothing() -> None:
    silent = time_out(asked(), NOW + 72 * HOUR)
    assert silent.state is DecisionState.TIMED_OUT
    with pytest.raises(ApprovalRefusedError, match="nobody answered"):
        require(silent)


def test_asking_again_revokes_and_keeps_the_first_deadline_and_the_refusals() -> None:
    refused = judged(answer(count="1"))
    again = ask(question(try_number=2), NOW + 10 * HOUR, refused)
    assert again.state is DecisionState.ASKED
    assert again.try_number == 2
    assert again.deadline == NOW + 72 * HOUR
    assert [refusal.try_number for refusal in again.refusals] == [1]
    cleared = ask(question(try_number=2), NOW + 10 * HOUR, judged(answer()))
    assert cleared.answered_by is None
    with pytest.raises(ApprovalRefusedError):
        require(cleared)


def test_another_list_gets_a_deadline_of_its_own() -> None:
    other = ask(question(try_number=2, digest="e" * 64), NOW + 10 * HOUR, asked())
    assert other.deadline == NOW + 82 * HOUR


def test_nothing_is_valid_past_the_next_scheduled_run() -> None:
    next_run = NOW + 5 * HOUR
    decision = ask(question(not_after=next_run), NOW, None)
    assert decision.deadline == next_run
    approved = judged(answer(), decision)
    assert approved.valid_until == next_run
    require(approved, now=next_run)
    with pytest.raises(ApprovalRefusedError, match=r"expired .* so trigger a new run") as refused:
        require(approved, now=next_run + timedelta(seconds=1))
    assert "Clear approve_purge" not in str(refused.value), "nobody could answer any more"


def test_a_decision_survives_being_written_and_read() -> None:
    decision = judged(answer())
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValidationError):
        answer(answered_at=datetime(2026, 9, 2, 12, 0))  # noqa: DTZ001


def test_a_clear_after_the_approval_revokes_it() -> None:
    with pytest.raises(ApprovalRefusedError, match="were cleared after the approval"):
        require(judged(answer()), clear_number=2)


def test_an_answer_from_before_the_latest_try_is_refused() -> None:
    again = ask(question(), NOW + 10 * HOUR, judged(answer(count="1")))
    assert again.asked_at == NOW
    assert again.asked_this_try_at == NOW + 10 * HOUR
    early = answer(answered_at=NOW + 10 * HOUR - timedelta(seconds=1))
    assert "older than the question" in judged(early, again).refusals[-1].why
    assert judged(answer(answered_at=NOW + 10 * HOUR), again).state is DecisionState.APPROVED


def test_an_approval_from_before_the_latest_try_allows_nothing() -> None:
    damaged = judged(answer()).model_copy(update={"asked_this_try_at": NOW + 90 * timedelta(minutes=1)})
    with pytest.raises(ApprovalRefusedError, match="older than the question"):
        require(damaged)


FOUR_EYES = TERMS.model_copy(update={"four_eyes": True})


@pytest.mark.parametrize("triggered_by", ["olga", "Olga Operator", "OLGA"])
def test_whoever_triggered_the_run_does_not_approve_it_where_two_people_are_wanted(triggered_by: str) -> None:
    terms = FOUR_EYES.model_copy(update={"triggered_by": triggered_by})
    judgement = judge_answer(asked(), answer(), terms)
    assert not judgement.accepted
    assert "triggered this run yourself" in judgement.why
    assert judge_answer(asked(), answer(choice=Choice.REJECT), terms).accepted
    assert judge_answer(asked(), answer(), terms.model_copy(update={"four_eyes": False})).accepted


@pytest.mark.parametrize("triggered_by", ["", "oscar"])
def test_anybody_else_approves_where_two_people_are_wanted(triggered_by: str) -> None:
    terms = FOUR_EYES.model_copy(update={"triggered_by": triggered_by})
    assert judge_answer(asked(), answer(), terms).accepted
    nameless = answer(person=Person(id="olga", name=""))
    assert judge_answer(asked(), nameless, terms).accepted


@pytest.mark.parametrize("typed", ["", "  ", "Fully remove", "Keep"])
def test_another_delete_policy_is_refused_where_it_is_asked_for(typed: str) -> None:
    terms = TERMS.model_copy(update={"policy": DeleteUserPolicy.KEEP_STATISTICS})
    judgement = judge_answer(asked(), answer(policy=typed), terms)
    assert not judgement.accepted
    assert "Delete User Policy" in judgement.why
    assert judge_answer(asked(), answer(policy=typed, choice=Choice.REJECT), terms).accepted
    assert judge_answer(asked(), answer(policy=typed), TERMS).accepted


def test_the_right_delete_policy_may_be_typed_loosely() -> None:
    terms = TERMS.model_copy(update={"policy": DeleteUserPolicy.KEEP_STATISTICS})
    assert judge_answer(asked(), answer(policy=" keep  Statistics"), terms).accepted


def test_a_missing_disposal_authority_is_refused_where_it_is_asked_for() -> None:
    terms = TERMS.model_copy(update={"ask_disposal_authority": True})
    assert "disposal authority" in judge_answer(asked(), answer(disposal_authority=" "), terms).why
    assert judge_answer(asked(), answer(), terms).accepted


def test_policy_authority_and_comment_are_recorded() -> None:
    decision = judged(answer())
    assert (decision.policy, decision.disposal_authority, decision.comment) == (
        "Keep statistics",
        "RIMS 12",
        "fine",
    )


def rest(decision: Decision) -> Decision:
    """The same question after one person was taken off."""
    changes = {"digest": "f" * 64, "count": 209, "reviewed_digest": DIGEST, "taken_off_sha256": "a" * 64}
    return decision.model_copy(update=changes)


def test_taking_people_off_buys_no_time() -> None:
    fewer = question(try_number=2).model_copy(update={"digest": "f" * 64, "reviewed_digest": DIGEST})
    assert ask(fewer, NOW + 10 * HOUR, asked()).deadline == NOW + 72 * HOUR
    assert ask(question(try_number=3), NOW + 11 * HOUR, rest(asked())).deadline == NOW + 72 * HOUR


def test_the_old_count_and_code_are_refused_after_somebody_was_taken_off() -> None:
    assert judged(answer(), rest(asked())).state is DecisionState.REFUSED
    right_count = answer(count="209")
    assert "taken off" in judged(right_count, rest(asked())).refusals[-1].why
    new = answer(count="209", code=approval_code("f" * 64))
    approved = judged(new, rest(asked()))
    require(approved, digest="f" * 64, taken_off_sha256="a" * 64)


@pytest.mark.parametrize("now", ["", "b" * 64])
def test_an_approval_counts_only_for_the_people_who_were_off_the_list_then(now: str) -> None:
    approved = judged(answer(count="209", code=approval_code("f" * 64)), rest(asked()))
    with pytest.raises(ApprovalRefusedError, match="off the list"):
        require(approved, digest="f" * 64, taken_off_sha256=now)
    with pytest.raises(ApprovalRefusedError, match="off the list"):
        require(judged(answer()), taken_off_sha256="b" * 64)
