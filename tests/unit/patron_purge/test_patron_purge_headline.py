"""The words on how a run ended, for every outcome, and for one person as well as for many."""

import re
from typing import Any

import pytest
from tests.unit.patron_purge.test_notices_wording import PLACE
from tests.unit.patron_purge.test_patron_purge_certificate import certificate, text_of

from patron_purge.certificate_page import certificate_html
from patron_purge.decision import DecisionState
from patron_purge.notices import mail_of, run_ended
from patron_purge.review_model import Count, Money
from patron_purge.run_outcome import Outcome
from patron_purge.states import Engine

NOT_SENT: dict[str, Any] = {"sent": 0, "purged": 0, "kept_by_alma": ()}
NOBODY_ACCOUNTED_FOR: dict[str, Any] = {
    "purged": 0,
    "equation": None,
    "by_reason": None,
    "kept_by_alma": None,
    "money_waived": None,
    "restored": None,
}
HOME = (Count(code="restored", label="back in their user group, read back", count=3),)
# Outcome, what else, headline, end of the mail's subject.
ENDS: list[tuple[Outcome, dict[str, Any], str, str]] = [
    (
        Outcome.PURGED,
        {"sent": 205, "purged": 205, "approved": 206},
        "All 205 people who were sent to the purge job were purged; 206 were approved.",
        "all 205 people purged",
    ),
    (
        Outcome.PURGED,
        {"sent": 1, "purged": 1, "approved": 1},
        "The one person who was sent to the purge job was purged; 1 was approved.",
        "1 person purged",
    ),
    (
        Outcome.PARTLY,
        {"sent": 3, "purged": 1},
        "1 of 3 people who were sent to the purge job was purged.",
        "1 of 3 people purged",
    ),
    (
        Outcome.PARTLY,
        {"sent": 3, "purged": 2},
        "2 of 3 people who were sent to the purge job were purged.",
        "2 of 3 people purged",
    ),
    (
        Outcome.ALL_KEPT,
        {"sent": 40, "purged": 0},
        "All 40 people who were sent to the purge job are still in Alma; nobody was purged.",
        "nobody purged, Alma kept all 40 people",
    ),
    (
        Outcome.ALL_KEPT,
        {"sent": 1, "purged": 0},
        "The one person who was sent to the purge job is still in Alma; nobody was purged.",
        "nobody purged, Alma kept 1 person",
    ),
    (
        Outcome.NOT_SENT,
        NOT_SENT | {"engine": Engine.MANUAL},
        "The list was approved, but nobody ran the purge in Alma. Nobody was purged.",
        "approved, but not purged",
    ),
    (
        Outcome.NOT_SENT,
        NOT_SENT,
        "The list was approved, but the purge was not started. Nobody was purged.",
        "approved, but not purged",
    ),
    (
        Outcome.NOBODY_TO_PURGE,
        NOT_SENT,
        "The last check took everybody off the approved list. Nobody was purged.",
        "nobody to purge",
    ),
    (
        Outcome.NOBODY_TO_PURGE,
        NOT_SENT | {"approved": 0},
        "There was nobody to purge. Nobody was purged.",
        "nobody to purge",
    ),
    (Outcome.REJECTED, NOT_SENT, "The list was rejected. Nobody was purged.", "rejected, nobody purged"),
    (
        Outcome.TIMED_OUT,
        NOT_SENT,
        "Nobody answered in time, which counts as a reject. Nobody was purged.",
        "not answered in time, nobody purged",
    ),
    (
        Outcome.STOPPED,
        NOT_SENT,
        "A check stopped the run. Nobody was purged.",
        "stopped by a check, nobody purged",
    ),
    (Outcome.REPORT_ONLY, NOT_SENT, "This run was a report. Nothing was changed in Alma.", "report only"),
    (Outcome.FAILED, NOT_SENT, "The run failed. Nobody was sent to the purge job.", "failed"),
    (
        Outcome.FAILED,
        {"sent": 40, "purged": 1},
        "The run failed. 1 person was verified as purged.",
        "failed",
    ),
    (Outcome.FAILED, {"sent": 40, "purged": 0}, "The run failed. Nobody was verified as purged.", "failed"),
    (
        Outcome.FAILED,
        NOBODY_ACCOUNTED_FOR | {"sent": 40},
        "The run failed. It is not known yet what became of the 40 people who were to be purged.",
        "failed",
    ),
]
PLANNED = [Outcome.NOT_SENT, Outcome.NOBODY_TO_PURGE, Outcome.REJECTED, Outcome.TIMED_OUT]


def test_every_outcome_is_among_them() -> None:
    assert {outcome for outcome, *_ in ENDS} == set(Outcome)


@pytest.mark.parametrize(("outcome", "changes", "headline", "subject"), ENDS)
def test_certificate_and_mail_say_how_the_run_ended(
    outcome: Outcome, changes: dict[str, Any], headline: str, subject: str
) -> None:
    made = certificate(outcome=outcome, **changes)
    assert made.headline == headline
    assert f"{outcome.label}. {headline}" in text_of(certificate_html(made))
    mail = mail_of(run_ended(PLACE, made))
    assert mail.subject.endswith(f"user purge: {subject}, the certificate is ready")
    assert headline in mail.text


@pytest.mark.parametrize(("outcome", "changes", "headline", "subject"), ENDS)
@pytest.mark.parametrize("problems", [(), ("purge_users: it broke.",)])
def test_a_mail_says_that_something_stands_below_only_when_something_does(
    outcome: Outcome, changes: dict[str, Any], headline: str, subject: str, problems: tuple[str, ...]
) -> None:
    del headline, subject
    mail = mail_of(run_ended(PLACE, certificate(outcome=outcome, problems=problems, **changes)))
    assert ("stands below" in mail.text) is bool(problems)
    went_wrong = bool(problems) or outcome in {Outcome.FAILED, Outcome.STOPPED}
    assert ("Not everything went as planned" in mail.text) is went_wrong


@pytest.mark.parametrize("outcome", PLANNED)
def test_a_planned_end_without_a_purge_says_that_nobody_is_left_behind(outcome: Outcome) -> None:
    left_there = "Nobody whom this run had moved to the purge group is left there."
    assert left_there in mail_of(run_ended(PLACE, certificate(outcome=outcome, restored=HOME))).text
    for restored in ((), None, (*HOME, Count(code="failed", label="still in the purge group", count=1))):
        assert (
            left_there not in mail_of(run_ended(PLACE, certificate(outcome=outcome, restored=restored))).text
        )


@pytest.mark.parametrize(("outcome", "changes", "headline", "subject"), ENDS)
def test_one_is_not_many(outcome: Outcome, changes: dict[str, Any], headline: str, subject: str) -> None:
    del headline, subject
    made = certificate(
        outcome=outcome,
        **{"restored": (HOME[0].model_copy(update={"count": 1}),)} | changes,
        money=Money(total=1, largest=1, people=1),
    )
    for text in (text_of(certificate_html(made)), mail_of(run_ended(PLACE, made)).text):
        assert not re.search(r"\b1 (people|rows|were)\b", text)


def test_what_nobody_has_accounted_for_is_not_said_to_be_nobody() -> None:
    made = certificate(outcome=Outcome.FAILED, **NOBODY_ACCOUNTED_FOR)
    text = text_of(certificate_html(made))
    for false in (
        "ended before",
        "Nobody was held back",
        "Alma kept nobody",
        "Nobody had to be put back",
        "purged 0",
        "Money waived 0",
    ):
        assert false not in text
    unknown = "Not known: reconcile has not accounted for anybody yet."
    assert f"Everyone accounted for {unknown}" in text
    assert f"Held back, by reason {unknown}" in text
    assert f"Kept by Alma, by likely reason {unknown}" in text
    assert "moved Not known: restore_kept has not said yet who has the user group back." in text
    assert "People verified as purged none yet; reconcile has not accounted for anybody" in text
    assert "Money waived not known yet" in text
    assert "not known yet whether everybody who was moved" in mail_of(run_ended(PLACE, made)).text


def test_zero_is_said_where_it_is_known() -> None:
    text = text_of(certificate_html(certificate(by_reason=(), kept_by_alma=(), restored=(), money_waived=0)))
    assert "Nobody was held back." in text
    assert "Alma kept nobody." in text
    assert "Nobody had to be put back." in text
    assert "Money waived 0.00" in text
    assert "Not known" not in text


def test_a_start_that_was_unclear_is_not_said_to_have_been_one() -> None:
    usual = certificate(outcome=Outcome.FAILED, **NOBODY_ACCOUNTED_FOR)
    unclear = usual.model_copy(
        update={"instances": (usual.instances[0].model_copy(update={"status": "intended"}),)}
    )
    assert "sent to the purge job 1,205, if it was started" in text_of(certificate_html(unclear))
    assert "Started by this run; whether Alma started it was not clear" in text_of(certificate_html(unclear))
    assert "if it was started" not in text_of(certificate_html(usual))


def test_only_an_approved_list_has_the_digest_of_an_approved_purge() -> None:
    approved = certificate()
    assert approved.decision is not None
    assert "Digest of the approved purge" in text_of(certificate_html(approved))
    rejected = approved.decision.model_copy(update={"state": DecisionState.REJECTED, "valid_until": None})
    for decision in (rejected, None):
        text = text_of(certificate_html(certificate(decision=decision)))
        assert f"Digest of the list {approved.digest}" in text
        assert "approved purge" not in text


def test_a_list_on_which_nobody_owes_anything() -> None:
    money = Money(total=0, largest=0, people=0)
    text = text_of(certificate_html(certificate(money=money)))
    assert "Nobody on the list owed anything." in text
    assert "owed anything." in text_of(certificate_html(certificate()))
