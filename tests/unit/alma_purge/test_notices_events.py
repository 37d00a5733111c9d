"""Which mail is sent when something happens to a task."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.support.config import own_config
from tests.support.mailbox import NOTICES, Mailbox, mail_server, text_of
from tests.support.task_context import RunStandIn, TaskStandIn, task_context
from tests.unit.patron_purge.test_patron_purge_certificate import certificate

from alma_purge import files
from alma_purge.notices.notifiers import (
    AnswerNotifier,
    ApprovalWantedNotifier,
    EndNotifier,
    FailureNotifier,
    HandWantedNotifier,
    PurgeNotifier,
)
from alma_purge.operators.base import STOP_KEY, SUMMARY_KEY, TROUBLE_KEY
from alma_purge.run_folder import RunFolder
from alma_purge.steps.purge_by_hand import asked_for, ended_by_word
from alma_purge.steps.upstream import FOLLOWED_KEY
from patron_purge.certificate import Certificate
from patron_purge.decision import Decision, DecisionState, Person, Question, Refusal, ask
from patron_purge.errors import GuardStopError
from patron_purge.purge_page import TypedCounts
from patron_purge.run_outcome import Outcome

NOW = datetime.now(UTC)
QUESTION = Question(
    institution="demo",
    institution_code="01DEMO_XYZ",
    environment="sandbox",
    run_id="manual__test",
    try_number=1,
    digest="d" * 64,
    count=4711,
    approval_hours=72,
)
ASKED = ask(QUESTION, NOW, None)


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, airflow_database: None) -> Iterator[Mailbox]:
    own_config(monkeypatch, tmp_path / "config", notices=NOTICES)
    with mail_server(monkeypatch) as running:
        yield running


def record(folder: RunFolder, decision: Decision) -> None:
    folder.write(files.DECISION, decision.model_dump_json().encode())


def answered(state: DecisionState, minutes: int = 1) -> Decision:
    by = None if state is DecisionState.TIMED_OUT else Person(id="olga", name="Olga Surname")
    at = NOW + timedelta(minutes=minutes)
    return ASKED.model_copy(
        update={"state": state, "answered_at": at, "answered_by": by, "comment": "for Jane Doe"}
    )


def tell(
    notifier: PurgeNotifier,
    task_id: str,
    said: dict[str, Any] | None = None,
    *,
    cleared: int = 0,
    error: Exception | None = None,
) -> TaskStandIn:
    """Call a notifier as Airflow does, for a task that has pushed values."""
    xcoms = {(task_id, key): value for key, value in (said or {}).items()}
    ti = TaskStandIn(task_id, dag_run=RunStandIn(cleared), xcoms=xcoms)
    context = task_context(ti)
    if error is not None:
        context["exception"] = error
    notifier(context)
    return ti


def stopped(sentence: str, cause: Exception) -> AirflowFailException:
    error = AirflowFailException(sentence)
    error.__cause__ = cause
    return error


def test_a_wrong_answer_that_is_asked_again_sends_no_second_mail(folder: RunFolder, box: Mailbox) -> None:
    record(folder, ASKED)
    tell(ApprovalWantedNotifier(), "approve_purge")
    again = ask(
        QUESTION.model_copy(update={"try_number": 2}),
        NOW + timedelta(hours=1),
        ASKED.model_copy(
            update={"state": DecisionState.REFUSED, "refusals": (Refusal(try_number=1, why="no"),)}
        ),
    )
    record(folder, again)
    tell(ApprovalWantedNotifier(), "approve_purge", cleared=1)
    assert len(box.mails) == 1
    assert "4711" not in text_of(box.mails[0])


def test_an_answer_that_was_taken_back_is_asked_for_again(folder: RunFolder, box: Mailbox) -> None:
    for minutes in (1, 2):
        record(folder, ASKED)
        tell(ApprovalWantedNotifier(), "approve_purge")
        record(folder, answered(DecisionState.APPROVED, minutes))
        tell(AnswerNotifier(), "approve_purge")
        tell(AnswerNotifier(), "approve_purge")
    assert [subject.split(" by ")[0] for subject in box.subjects()] == ["approval wanted", "approved"] * 2


@pytest.mark.parametrize(
    ("state", "subject"),
    [
        (DecisionState.APPROVED, "approved by olga"),
        (DecisionState.REJECTED, "rejected by olga, nobody is purged"),
        (DecisionState.TIMED_OUT, "nobody answered in time, nobody is purged"),
    ],
)
def test_an_answer_is_told_with_the_user_id_and_without_the_comment(
    folder: RunFolder, box: Mailbox, state: DecisionState, subject: str
) -> None:
    record(folder, answered(state))
    tell(AnswerNotifier(), "approve_purge")
    assert box.subjects() == [subject]
    said = text_of(box.mails[0])
    assert "Surname" not in said
    assert "Jane Doe" not in said
    assert "purge group get" not in said


def test_a_reject_after_people_were_moved_says_that_they_come_back(folder: RunFolder, box: Mailbox) -> None:
    record(folder, answered(DecisionState.REJECTED))
    folder.write(files.REGROUP_RECORD, b"{}")
    tell(AnswerNotifier(), "approve_purge")
    assert "had already moved to the purge group get their user group back" in text_of(box.mails[0])


def test_a_question_that_could_not_be_mailed_is_shown_to_whoever_opens_the_run(
    folder: RunFolder, box: Mailbox
) -> None:
    box.stop()
    record(folder, ASKED)
    ti = tell(ApprovalWantedNotifier(), "approve_purge")
    shown = ti.said(SUMMARY_KEY)
    assert shown.startswith(
        "The mail that asks for this approval could not be sent. The mail server can't be reached."
    )
    assert shown.endswith("Tell the approvers.")


def test_whoever_is_to_run_the_purge_by_hand_is_asked_once_for_each_question(box: Mailbox) -> None:
    for _ in range(2):
        tell(HandWantedNotifier(), "ready_to_purge")
        tell(HandWantedNotifier(), "purge_users")
    tell(HandWantedNotifier(), "ready_to_purge", cleared=1)
    wanted, now = "somebody is wanted to run the purge in Alma", "run the purge in Alma now"
    assert box.subjects() == [wanted, now, wanted]


def test_whoever_corrects_typed_counts_is_not_asked_to_run_the_purge_again(
    folder: RunFolder, box: Mailbox
) -> None:
    asked = asked_for("Purge User Records", 1, "set-1")
    folder.write(files.PURGE_RECORD, ended_by_word(asked, TypedCounts(5, 2), "olga").to_bytes())
    tell(HandWantedNotifier(), "purge_users", cleared=1)
    assert box.subjects() == ["the counts of the purge in Alma are asked for again"]
    assert "Do not run the purge again" in text_of(box.mails[0])


def test_a_guard_stop_is_told_with_its_sentence(box: Mailbox) -> None:
    said = "max_count: 900 people, 500 at most. Trigger a new run with new limits in guard_overrides."
    tell(FailureNotifier(), "prepare_review", {STOP_KEY: said}, error=stopped(said, GuardStopError(said)))
    assert box.subjects() == ["stopped by a limit, nobody is purged"]
    assert said in text_of(box.mails[0])


@pytest.mark.parametrize("key", [STOP_KEY, TROUBLE_KEY])
def test_a_failure_is_told_with_what_the_task_said(box: Mailbox, key: str) -> None:
    tell(FailureNotifier(), "pull_report", {key: "Analytics did not answer. Clear the task."})
    assert box.subjects() == ["pull_report failed"]
    assert "Analytics did not answer. Clear the task." in text_of(box.mails[0])


def test_the_text_of_an_unforeseen_error_is_never_mailed(box: Mailbox) -> None:
    tell(FailureNotifier(), "check_live", error=KeyError("Jane Doe apikey=secret"))
    assert box.subjects() == ["check_live failed"]
    whole = box.mails[0].as_string()
    assert "Jane" not in whole
    assert "secret" not in whole
    assert "its log holds one" in text_of(box.mails[0])


def test_a_failure_is_told_once_and_again_after_a_clear(box: Mailbox) -> None:
    for cleared in (0, 0, 1):
        tell(FailureNotifier(), "pull_report", {STOP_KEY: "No."}, cleared=cleared)
    tell(FailureNotifier(), "fetch_exclusions", {STOP_KEY: "No."}, cleared=1)
    assert box.subjects() == ["pull_report failed"] * 2 + ["fetch_exclusions failed"]


def test_a_task_that_failed_only_because_of_another_is_not_told(box: Mailbox) -> None:
    tell(FailureNotifier(), "reconcile", {FOLLOWED_KEY: True})
    assert box.mails == []


def end(folder: RunFolder, states: dict[str, str] | None = None, **changes: Any) -> None:
    document = certificate(institution="demo", **changes)
    assert isinstance(document, Certificate)
    folder.write(files.CERTIFICATE, document.model_dump_json().encode())
    EndNotifier()(task_context(TaskStandIn("certify", states=states or {})))


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome.REPORT_ONLY, ["the report is ready, nothing was changed"]),
        (Outcome.NOBODY_TO_PURGE, ["nobody to purge"]),
        (Outcome.NOT_SENT, ["approved, but not purged, the certificate is ready"]),
        (Outcome.REJECTED, []),
        (Outcome.TIMED_OUT, []),
        (Outcome.STOPPED, []),
        (Outcome.FAILED, []),
    ],
)
def test_the_end_of_a_run_that_sent_nothing_is_told_when_nothing_else_has_told_it(
    folder: RunFolder, box: Mailbox, outcome: Outcome, told: list[str]
) -> None:
    end(folder, outcome=outcome, instances=())
    assert box.subjects() == told


def test_the_end_of_a_run_that_sent_something_is_told_again_only_when_it_has_changed(
    folder: RunFolder, box: Mailbox
) -> None:
    for purged in (1200, 1200, 1201):
        end(folder, outcome=Outcome.PARTLY, purged=purged)
    assert box.subjects() == [
        "1,200 of 1,205 people purged, the certificate is ready",
        "1,201 of 1,205 people purged, the certificate is ready",
    ]


def test_a_task_whose_process_was_killed_is_told_of_at_the_end(folder: RunFolder, box: Mailbox) -> None:
    tell(FailureNotifier(), "pull_report", {STOP_KEY: "No."})
    states = {"pull_report": "failed", "fetch_exclusions": "failed", "select_candidates": "upstream_failed"}
    for _ in range(2):
        end(folder, states, outcome=Outcome.FAILED, instances=())
    assert box.subjects() == ["pull_report failed", "fetch_exclusions failed"]


@pytest.mark.parametrize(
    "notifier", [ApprovalWantedNotifier(), AnswerNotifier(), FailureNotifier(), EndNotifier()]
)
def test_broken_settings_and_files_never_reach_the_run(
    folder: RunFolder,
    box: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    notifier: PurgeNotifier,
) -> None:
    for name in (files.DECISION, files.CERTIFICATE):
        folder.write(name, b"no json")
    if not isinstance(notifier, FailureNotifier):
        tell(notifier, "certify")
    own_config(monkeypatch, tmp_path / "broken", aprovers=["olga"], notices=NOTICES)
    tell(notifier, "certify")
    assert box.mails == []
