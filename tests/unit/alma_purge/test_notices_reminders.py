"""Reminders of an open approval."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from tests.support.config import own_config
from tests.support.mailbox import NOTICES, Mailbox, mail_server, text_of
from tests.unit.alma_purge.test_notices_events import NOW, QUESTION, answered, record

from alma_purge import files
from alma_purge.notices.records import unsent
from alma_purge.notices.reminders import NEW_LIST, RemindOperator, next_look
from alma_purge.notices.subject import NoticeSubject, subject_of
from alma_purge.run_folder import RunFolder
from patron_purge.decision import Decision, DecisionState, ask

ASKED = ask(QUESTION, NOW, None)
HALF, LATE = timedelta(hours=36), timedelta(hours=60)


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, airflow_database: None) -> Iterator[Mailbox]:
    own_config(monkeypatch, tmp_path / "config", notices=NOTICES)
    with mail_server(monkeypatch) as running:
        yield running


@pytest.fixture
def subject(folder: RunFolder) -> NoticeSubject:
    record(folder, ASKED)
    return subject_of("alma_user_purge_demo", "manual__test")


def look(subject: NoticeSubject, after: timedelta) -> timedelta | None:
    """Look some time after the question; return how long after the question the next look is."""
    following = next_look(subject, NOW + after, NOW)
    return None if following is None else following - NOW


def test_an_open_approval_is_reminded_of_at_half_of_the_time_and_twelve_hours_before_its_end(
    subject: NoticeSubject, box: Mailbox
) -> None:
    assert look(subject, timedelta()) == HALF
    assert box.mails == []
    assert look(subject, HALF) == LATE
    assert look(subject, HALF + timedelta(minutes=1)) == LATE
    assert len(box.mails) == 1
    assert look(subject, LATE) is None
    assert len(box.mails) == 2
    assert all(subject.startswith("reminder, approval wanted by ") for subject in box.subjects())
    said = text_of(box.mails[0])
    assert "Nobody has answered yet" in said
    assert "4711" not in said
    assert "/tasks/approve_purge/required_actions?map_index=-1" in said


def test_after_an_outage_only_one_reminder_is_sent(subject: NoticeSubject, box: Mailbox) -> None:
    assert look(subject, LATE + timedelta(hours=1)) is None
    assert len(box.mails) == 1


def test_no_reminder_comes_right_after_the_question_when_the_deadline_is_near(
    subject: NoticeSubject, box: Mailbox
) -> None:
    near = ASKED.model_copy(update={"deadline": NOW + timedelta(hours=20)})
    record(subject.folder, near)
    assert look(subject, timedelta(minutes=1)) == timedelta(hours=8)
    assert box.mails == []


@pytest.mark.parametrize("state", [DecisionState.APPROVED, DecisionState.REJECTED, DecisionState.TIMED_OUT])
def test_an_answered_approval_is_not_reminded_of(
    subject: NoticeSubject, box: Mailbox, state: DecisionState
) -> None:
    record(subject.folder, answered(state))
    assert look(subject, HALF) == LATE
    assert look(subject, LATE) is None
    assert box.mails == []


def test_an_approval_that_is_asked_for_again_hours_later_is_reminded_of(
    subject: NoticeSubject, box: Mailbox
) -> None:
    record(subject.folder, answered(DecisionState.APPROVED))
    assert look(subject, HALF) == LATE
    record(subject.folder, ASKED)
    assert look(subject, LATE) is None
    assert len(box.mails) == 1


def test_nothing_is_waited_for_when_the_purge_was_sent(subject: NoticeSubject, box: Mailbox) -> None:
    subject.folder.write(files.PURGE_RECORD, b"{}")
    assert look(subject, HALF) is None
    assert box.mails == []


def test_an_approval_whose_deadline_has_passed_is_not_reminded_of(
    subject: NoticeSubject, box: Mailbox
) -> None:
    assert look(subject, timedelta(hours=73)) is None
    assert box.mails == []


def test_a_question_that_has_not_come_yet_is_waited_for_until_the_run_has_ended(
    folder: RunFolder, box: Mailbox
) -> None:
    subject = subject_of("alma_user_purge_demo", "manual__test")
    assert look(subject, timedelta(minutes=5)) == timedelta(minutes=10)
    assert look(subject, timedelta(hours=49)) is None
    folder.write(files.CERTIFICATE, b"{}")
    assert look(subject, timedelta(minutes=5)) is None
    assert box.mails == []


def test_a_reminder_that_can_not_be_sent_is_on_record(subject: NoticeSubject, box: Mailbox) -> None:
    box.stop()
    assert look(subject, HALF) == LATE
    (said,) = unsent(subject.folder)
    assert said.startswith("reminder of the approval: The mail server can't be reached.")


@dataclass(frozen=True)
class Event:
    source_dag_id: str
    source_run_id: str


@dataclass(frozen=True)
class Started:
    start_date: datetime


def started_by(*events: Event) -> Context:
    made: dict[str, Any] = {"triggering_asset_events": {NEW_LIST: events}, "dag_run": Started(NOW)}
    return cast("Context", made)


def open_for(hours: float) -> Decision:
    return ask(QUESTION, datetime.now(UTC) - timedelta(hours=hours), None)


def test_the_task_sleeps_in_the_triggerer_until_the_earliest_reminder_of_its_lists(
    folder: RunFolder, box: Mailbox
) -> None:
    record(folder, open_for(37))
    later = RunFolder.of_run("demo", "manual__other")
    record(later, open_for(0))
    context = started_by(
        Event("alma_user_purge_demo", "manual__test"), Event("alma_user_purge_demo", "manual__other")
    )
    with pytest.raises(TaskDeferred) as sleeping:
        RemindOperator(task_id="remind").execute(context)
    assert isinstance(sleeping.value.trigger, DateTimeTrigger)
    assert sleeping.value.method_name == "go_on"
    expected = open_for(37).deadline - timedelta(hours=12)
    assert sleeping.value.trigger.moment.timestamp() == pytest.approx(expected.timestamp(), abs=60)
    assert len(box.mails) == 1

    for folder_of_run in (folder, later):
        folder_of_run.write(files.PURGE_RECORD, b"{}")
    RemindOperator(task_id="remind").go_on(context, None)
    assert len(box.mails) == 1


def test_broken_settings_stop_the_reminders_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_config(monkeypatch, tmp_path / "broken", aprovers=["olga"], notices=NOTICES)
    with pytest.raises(AirflowFailException, match=r"the approval is not affected. demo.yaml has 1 mistake"):
        RemindOperator(task_id="remind").execute(started_by(Event("alma_user_purge_demo", "manual__test")))


@pytest.mark.parametrize(
    ("notices", "wanted"), [(NOTICES, True), ({**NOTICES, "reminder_hours": []}, False), (None, False)]
)
def test_the_reminders_have_a_dag_when_somebody_wants_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, notices: dict[str, Any] | None, wanted: bool
) -> None:
    own_config(monkeypatch, tmp_path / "changed", notices=notices)
    bag = DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert bag.import_errors == {}
    assert ("alma_purge_reminders" in bag.dags) is wanted
    review = bag.dags["alma_user_purge_demo"].get_task("prepare_review")
    assert review.outlets == ([NEW_LIST] if wanted else [])
    if wanted:
        reminders = bag.dags["alma_purge_reminders"]
        assert not reminders.is_paused_upon_creation
        assert reminders.max_active_runs >= 2 * 90, "two lists each for a consortium of ninety"
        assert str(reminders.timetable.asset_condition) == f"AssetAll({NEW_LIST})"
