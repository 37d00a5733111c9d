"""Reminds of open approvals, beside the purge and without holding a worker.

`prepare_review` announces each new list as an asset event, which starts one run of the reminders' own DAG. Its task
sleeps in the triggerer until a reminder is due, looks whether the approval is still open, and ends when there is
nothing left to remind of. So the approval itself is not touched, nothing runs hour after hour, and a restart loses
nothing. Airflow's deadline alerts would do the same with less, but they mark every run that waits for long as one with
a missed deadline, in red, before the eyes of the person who is to approve it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import Asset, BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from alma_purge import files
from alma_purge.notices.approval import decision_on_file, is_open, still_open
from alma_purge.notices.delivery import deliver
from alma_purge.notices.subject import NoticeSubject, subject_of
from alma_purge.places import institution_entries
from patron_purge.errors import PurgeError

REMINDERS_DAG: Final = "alma_purge_reminders"
NEW_LIST: Final = Asset("alma_purge_new_list")
LOOK_AGAIN: Final = timedelta(minutes=5)
GIVE_UP: Final = timedelta(days=2)


def reminders_wanted() -> bool:
    """Tell whether any institution wants reminders."""
    return any(entry.wants_reminders for entry in institution_entries())


class RemindOperator(BaseOperator):
    """Sends the reminders of the lists that have started its run."""

    def execute(self, context: Context) -> None:
        """Look once, then sleep until the next reminder may be due."""
        now = datetime.now(UTC)
        try:
            moments = [next_look(subject, now, _waits_since(context)) for subject in _subjects(context)]
        except PurgeError as error:
            raise AirflowFailException(
                f"No reminder was sent; the approval is not affected. {error}"
            ) from error
        following = [moment for moment in moments if moment is not None]
        if following:
            self.defer(trigger=DateTimeTrigger(min(following)), method_name="go_on")
        self.log.info("There is nothing left to remind of.")

    def go_on(self, context: Context, event: Any) -> None:
        """Look again after the sleep."""
        del event
        self.execute(context)


def next_look(subject: NoticeSubject, now: datetime, waits_since: datetime) -> datetime | None:
    """Send the reminder that is due, if any, and tell when to look again.

    Args:
        subject: The run that may wait for an approval.
        now: The current time, with time zone.
        waits_since: When its list was made; a question that has not come two days later is not waited for.

    Returns:
        When to look again; None when there is nothing left to remind of.
    """
    decision = decision_on_file(subject)
    if decision is None:
        ended = subject.folder.read_if_there(files.CERTIFICATE) is not None or now - waits_since > GIVE_UP
        return None if ended else now + LOOK_AGAIN
    if subject.institution.notices is None or now >= decision.deadline or _purge_is_sent(subject):
        return None
    moments = {
        decision.deadline - timedelta(hours=float(hours)): hours
        for hours in subject.institution.notices.reminder_hours
    }
    # After an outage only the latest one is sent; one that was due before the question never is.
    due = [moment for moment in moments if decision.asked_at < moment <= now]
    if due and is_open(decision, now):
        deliver(subject, still_open(subject, decision, moments[max(due)]))
    return min((moment for moment in moments if moment > now), default=None)


def _purge_is_sent(subject: NoticeSubject) -> bool:
    """Tell whether nobody can be asked again; before that an answer may be taken back by clearing the approval."""
    return subject.folder.read_if_there(files.PURGE_RECORD) is not None


def _subjects(context: Context) -> list[NoticeSubject]:
    """Return the runs whose lists have started this run."""
    events = [event for found in context["triggering_asset_events"].values() for event in found]
    runs = {(event.source_dag_id, event.source_run_id) for event in events}
    return [subject_of(dag_id, run_id) for dag_id, run_id in sorted(runs) if dag_id and run_id]


def _waits_since(context: Context) -> datetime:
    """Return when the task began to wait; it stays the same when the task is resumed."""
    started = context["dag_run"].start_date
    return started if started is not None else datetime.now(UTC)
