"""The notices that want something of a person or tell of an answer."""

from datetime import datetime
from decimal import Decimal

from airflow.sdk import Context

from alma_purge import files
from alma_purge.notices.delivery import Occasion
from alma_purge.notices.records import records
from alma_purge.notices.subject import NoticeSubject
from alma_purge.steps.job_book import read_job_record
from alma_purge.steps.purge_by_hand import is_typed
from patron_purge.decision import Decision, DecisionState
from patron_purge.notices import (
    Notice,
    NoticeKind,
    approval_wanted,
    approved,
    counts_wanted_again,
    purge_by_hand_wanted,
    ready_wanted,
    rejected,
    reminder,
    timed_out,
)

APPROVAL_TASK = "approve_purge"
_DECIDED = {NoticeKind.APPROVED, NoticeKind.REJECTED, NoticeKind.TIMED_OUT}


def decision_on_file(subject: NoticeSubject) -> Decision | None:
    """Return the decision of a run; None before anybody was asked.

    Args:
        subject: The run.
    """
    content = subject.folder.read_if_there(files.DECISION)
    return None if content is None else Decision.model_validate_json(content)


def is_open(decision: Decision | None, now: datetime) -> bool:
    """Tell whether an answer is still waited for.

    Args:
        decision: The decision on file.
        now: The current time, with time zone.
    """
    waiting = {DecisionState.ASKED, DecisionState.REFUSED}
    return decision is not None and decision.state in waiting and now < decision.deadline


def asked(subject: NoticeSubject, decision: Decision) -> Occasion:
    """Tell that an answer is wanted: once for a list, and again when an answer was taken back.

    Args:
        subject: The run.
        decision: The open decision.
    """
    notice = approval_wanted(subject.place, decision.deadline, subject.institution.approvers)
    return Occasion(_question(subject, decision), APPROVAL_TASK, notice)


def hand_wanted(subject: NoticeSubject, context: Context) -> Occasion:
    """Tell that a person is wanted to run the purge in Alma; a wrong answer that is asked again is no news.

    Args:
        subject: The run.
        context: The context of the task that asks.
    """
    task_id = context["ti"].task_id
    words = ready_wanted
    if task_id != "ready_to_purge":
        again = is_typed(read_job_record(subject.folder, files.PURGE_RECORD))
        words = counts_wanted_again if again else purge_by_hand_wanted
    event = f"{task_id} asked, clear {context['dag_run'].clear_number or 0}"
    return Occasion(event, task_id, words(subject.place))


def still_open(subject: NoticeSubject, decision: Decision, hours: Decimal) -> Occasion:
    """Remind that an answer is wanted.

    Args:
        subject: The run.
        decision: The open decision.
        hours: Which reminder it is: how long before the deadline it is due, in hours.
    """
    notice = reminder(subject.place, decision.deadline, subject.institution.approvers)
    return Occasion(f"{_question(subject, decision)}, {hours} hours before", "", notice)


def answered(subject: NoticeSubject, decision: Decision) -> Occasion | None:
    """Tell what the answer was; None while there is none.

    Args:
        subject: The run.
        decision: The decision on file.
    """
    notice = _about_answer(subject, decision)
    return None if notice is None else Occasion(f"answered {decision.answered_at}", APPROVAL_TASK, notice)


def _about_answer(subject: NoticeSubject, decision: Decision) -> Notice | None:
    by = decision.answered_by.id if decision.answered_by else "nobody"
    moved = subject.folder.read_if_there(files.REGROUP_RECORD) is not None
    match decision.state:
        case DecisionState.APPROVED:
            return approved(subject.place, by, decision.valid_until)
        case DecisionState.REJECTED:
            return rejected(subject.place, by, people_were_moved=moved)
        case DecisionState.TIMED_OUT:
            return timed_out(subject.place, decision.deadline, people_were_moved=moved)
        case DecisionState.ASKED | DecisionState.REFUSED:
            return None


def _question(subject: NoticeSubject, decision: Decision) -> str:
    """Name the question: wrong answers and retries do not change it, an answer that was taken back does."""
    answers = sum(one.kind in _DECIDED and one.at >= decision.asked_at for one in records(subject.folder))
    return f"asked {decision.asked_at}, after {answers} answers"
