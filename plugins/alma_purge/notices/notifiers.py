"""Airflow notifiers: each finds out what to tell when something happens to a task, and tells it once."""

from abc import abstractmethod

from airflow.providers.common.compat.notifier import BaseNotifier
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException
from jinja2 import TemplateError

from alma_purge.notices import approval, ending
from alma_purge.notices.delivery import Occasion, deliver
from alma_purge.notices.subject import NoticeSubject, subject_of
from alma_purge.operators.base import SUMMARY_KEY
from patron_purge.errors import PurgeError


class PurgeNotifier(BaseNotifier):
    """Base of the notifiers: nothing that goes wrong here reaches the run."""

    @abstractmethod
    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return what there is to tell.

        Args:
            subject: The run.
            context: The task's context.
        """

    def notify(self, context: Context) -> None:
        """Send what there is to tell.

        Args:
            context: The task's context.
        """
        try:
            subject = subject_of(context["ti"].dag_id, context["ti"].run_id)
            if subject.institution.notices is None:
                return
            troubles = [deliver(subject, one) for one in self.occasions(subject, context) if one is not None]
            self.not_sent(context, [trouble for trouble in troubles if trouble])
        except PurgeError as error:
            self.log.warning("No mail was sent about this task: %s The run goes on.", error)
        except (OSError, ValueError, TemplateError, AirflowException) as error:
            # The text of such an error may hold what a file holds; its kind is enough to find it.
            self.log.warning(
                "No mail was sent about this task (%s). Check the run folder and the settings under notices; the "
                "run goes on.",
                type(error).__name__,
            )

    def not_sent(self, context: Context, troubles: list[str]) -> None:
        """Show to people that mails could not be sent; the log and the certificate say it anyway.

        Args:
            context: The task's context.
            troubles: Why, for each mail that could not be sent.
        """
        del context, troubles


class ApprovalWantedNotifier(PurgeNotifier):
    """Asks for the approval; what can't be mailed is said on the review page."""

    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return the question."""
        del context
        decision = approval.decision_on_file(subject)
        return () if decision is None else (approval.asked(subject, decision),)

    def not_sent(self, context: Context, troubles: list[str]) -> None:
        """Say on the review page that nobody was told of the question."""
        if troubles:
            said = f"The mail that asks for this approval could not be sent. {' '.join(troubles)} Tell the approvers."
            context["ti"].xcom_push(key=SUMMARY_KEY, value=said)


class HandWantedNotifier(PurgeNotifier):
    """Asks for a person where the purge is run by hand in Alma."""

    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return the question of the task."""
        return (approval.hand_wanted(subject, context),)


class AnswerNotifier(PurgeNotifier):
    """Tells what was answered, or that nobody answered."""

    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return the answer."""
        del context
        decision = approval.decision_on_file(subject)
        return () if decision is None else (approval.answered(subject, decision),)


class FailureNotifier(PurgeNotifier):
    """Tells why a task failed for good, with the remedy."""

    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return the failure."""
        return (ending.task_failed(subject, context),)


class EndNotifier(PurgeNotifier):
    """Tells how the run ended, and of failures that nobody could tell of."""

    def occasions(self, subject: NoticeSubject, context: Context) -> tuple[Occasion | None, ...]:
        """Return what is left to tell."""
        return (*ending.untold_failures(subject, context), ending.ended(subject, context))
