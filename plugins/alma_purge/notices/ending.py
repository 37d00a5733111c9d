"""The notices about what stopped a run and how it ended."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.notices.delivery import Occasion
from alma_purge.notices.records import records
from alma_purge.notices.subject import NoticeSubject
from alma_purge.operators.base import STOP_KEY, TROUBLE_KEY
from alma_purge.steps.upstream import FOLLOWED_KEY, failed_before
from patron_purge.certificate import Certificate
from patron_purge.errors import GuardStopError
from patron_purge.notices import (
    Notice,
    NoticeKind,
    failed,
    nobody_to_purge,
    report_ready,
    run_ended,
    stopped_by_guard,
)
from patron_purge.run_outcome import Outcome


def task_failed(subject: NoticeSubject, context: Context) -> Occasion | None:
    """Tell why the task failed; None when it failed only because another one had.

    Args:
        subject: The run.
        context: The context of the failed task.
    """
    ti = context["ti"]
    if ti.xcom_pull(task_ids=ti.task_id, key=FOLLOWED_KEY):
        return None
    said = _said(context, ti.task_id)
    cause = getattr(context.get("exception"), "__cause__", None)
    by_guard = isinstance(cause, GuardStopError)
    notice = stopped_by_guard(subject.place, said) if by_guard else failed(subject.place, ti.task_id, said)
    return _failure(context, ti.task_id, notice)


def untold_failures(subject: NoticeSubject, context: Context) -> tuple[Occasion, ...]:
    """Tell of earlier tasks that failed without a word, as when the machine has killed their process.

    Args:
        subject: The run.
        context: The context of the certifying task.
    """
    failures = {NoticeKind.FAILED, NoticeKind.STOPPED_BY_GUARD}
    told = {one.task_id for one in records(subject.folder) if one.kind in failures}
    return tuple(
        _failure(context, task_id, failed(subject.place, task_id, _said(context, task_id)))
        for task_id in failed_before(context)
        if task_id not in told
    )


def ended(subject: NoticeSubject, context: Context) -> Occasion | None:
    """Tell how the run ended, unless an earlier notice has told it.

    Args:
        subject: The run.
        context: The context of the certifying task.
    """
    content = subject.folder.read_if_there(files.CERTIFICATE)
    if content is None:
        return None
    certificate = Certificate.model_validate_json(content)
    notice = _about_end(subject, certificate)
    if notice is None:
        return None
    told = (
        certificate.outcome,
        certificate.sent,
        certificate.purged,
        *certificate.problems,
        *(certificate.restored or ()),
    )
    return Occasion(f"ended {told}", context["ti"].task_id, notice)


def _about_end(subject: NoticeSubject, certificate: Certificate) -> Notice | None:
    if certificate.instances or certificate.outcome is Outcome.NOT_SENT:
        return run_ended(subject.place, certificate)
    if certificate.outcome is Outcome.REPORT_ONLY:
        return report_ready(subject.place)
    if certificate.outcome is Outcome.NOBODY_TO_PURGE:
        return nobody_to_purge(subject.place)
    return None


def _said(context: Context, task_id: str) -> str:
    """Return the sentence that a task left, which names nobody; never the text of an exception."""
    ti = context["ti"]
    said = (ti.xcom_pull(task_ids=task_id, key=key) for key in (STOP_KEY, TROUBLE_KEY))
    return next((str(one) for one in said if one), "")


def _failure(context: Context, task_id: str, notice: Notice) -> Occasion:
    """A failure after a clear is another event than the one before it."""
    return Occasion(f"{task_id} failed, clear {context['dag_run'].clear_number or 0}", task_id, notice)
