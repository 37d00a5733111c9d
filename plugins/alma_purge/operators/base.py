"""What every operator of the flow shares: the run it works for, and how it fails."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    TaskDeferralError,
    TaskDeferralTimeout,
)

from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaDailyLimitError,
    AlmaError,
    AlmaRateError,
    AlmaUnavailableError,
    ReportInterruptedError,
)
from alma_purge.hooks.alma import AlmaHook
from alma_purge.places import institution_of_dag
from alma_purge.remedies import if_it_stays_red, to_go_on, to_run
from alma_purge.run_folder import FileRef, RunFolder
from alma_purge.run_note import note_run
from patron_purge.errors import ConfigurationError, MendableError, PurgeError, RunFileError
from patron_purge.institution import Institution
from patron_purge.states import Mode

FILE_KEY = "file:"
SUMMARY_KEY = "summary"
STOP_KEY = "stop"
TROUBLE_KEY = "trouble"
JOB_KEY = "job"
WAITING_KEY = "waiting"

ASK_FOR_CALLS_AFTER = timedelta(hours=1)
BROKEN_WAIT = (
    "Airflow broke off the waiting of this task; the triggerer's log may say why. Nothing was started or changed "
    "by that, and a job that was started goes on in Alma. The task goes on where it was and starts no job a second "
    "time."
)


class TryAgainError(PurgeError):
    """Something that may be over at the next try; nothing was changed by this one."""


class BrokenWaitError(TryAgainError, MendableError):
    """Airflow itself broke off the waiting of a task."""


class MustWaitError(PurgeError):
    """The moment is not right: the task gives up its worker slot and begins anew later.

    Args:
        sentence: What is waited for, in plain words.
        until: When to begin anew.
    """

    def __init__(self, sentence: str, until: datetime) -> None:
        super().__init__(sentence)
        self.until = until


@dataclass(frozen=True)
class PurgeRun:
    """One run of one institution's purge, as a task sees it.

    Attributes:
        institution: The settings, read anew by each task.
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        mode: How far this run may go: the institution's mode, or the one chosen at trigger.
        guard_overrides: Guard name to its new limit, from the trigger form.
        folder: The run folder.
        now: When the task started, in the institution's time zone.
    """

    institution: Institution
    dag_id: str
    run_id: str
    mode: Mode
    guard_overrides: dict[str, Decimal]
    folder: RunFolder
    now: datetime

    def client(self) -> AlmaClient:
        """Return a client for the institution's Alma."""
        pace = float(self.institution.calls_per_second)
        return AlmaHook(self.institution.alma_connection, calls_per_second=pace).get_conn()


def open_run(context: Context) -> PurgeRun:
    """Put together the run that a task works for.

    Args:
        context: The task's context.

    Raises:
        ConfigurationError: The institution's file is missing or has mistakes.
    """
    ti = context["ti"]
    institution = institution_of_dag(ti.dag_id)
    params = context["params"]
    run = PurgeRun(
        institution=institution,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        mode=Mode(params.get("mode") or institution.mode),
        guard_overrides=_overrides(params.get("guard_overrides") or {}),
        folder=RunFolder.of_run(institution.code, ti.run_id),
        now=datetime.now(UTC).astimezone(institution.zone),
    )
    note_run(run.folder, run.dag_id, run.run_id, run.now)
    return run


def _overrides(typed: dict[str, Any]) -> dict[str, Decimal]:
    """Read the new limits from the trigger form."""
    try:
        return {str(name): Decimal(str(limit)) for name, limit in typed.items()}
    except InvalidOperation as error:
        raise ConfigurationError(
            "A new limit in guard_overrides is not a number. Correct the trigger form; nothing was changed."
        ) from error


def publish(context: Context, run: PurgeRun, name: str, content: bytes) -> FileRef:
    """Write a file to the run folder and record its checksum in XCom.

    Args:
        context: The task's context.
        run: The run.
        name: Name of the file.
        content: Its content.
    """
    ref = run.folder.write(name, content)
    context["ti"].xcom_push(key=FILE_KEY + name, value=ref.sha256)
    return ref


def fetch(context: Context, run: PurgeRun, name: str, task_id: str) -> bytes:
    """Read a file that another task published; folder and XCom must agree.

    Args:
        context: The task's context.
        run: The run.
        name: Name of the file.
        task_id: The task that wrote it.

    Raises:
        RunFileError: The task recorded no such file, or the file is not the recorded one.
    """
    ref = recorded(context, name, task_id)
    if ref is None:
        raise RunFileError(
            f"{task_id} has not recorded {name}. If it was marked success by hand, {to_run(task_id)}; nothing was "
            "sent to Alma."
        )
    return run.folder.read_checked(ref)


def recorded(context: Context, name: str, task_id: str) -> FileRef | None:
    """Return the reference that a task recorded for a file, or None."""
    sha256 = context["ti"].xcom_pull(task_ids=task_id, key=FILE_KEY + name)
    return FileRef(name=name, sha256=sha256) if isinstance(sha256, str) else None


def fail_or_retry(context: Context, error: PurgeError | AlmaError) -> AirflowException:
    """Turn an error into the exception that makes Airflow do the right thing.

    The sentence is also recorded for the certificate.

    Args:
        context: The task's context.
        error: What went wrong.

    Returns:
        An exception that is retried for trouble with the infrastructure, and one that fails at once for
        everything that another try can't mend.
    """
    ti = context["ti"]
    if isinstance(error, (AlmaUnavailableError, AlmaRateError, ReportInterruptedError, TryAgainError)):
        sentence = str(error)
        if isinstance(error, AlmaError | MendableError):
            sentence = f"{sentence} {if_it_stays_red(context)}"
        ti.xcom_push(key=TROUBLE_KEY, value=sentence)
        return AirflowException(sentence)
    # What Alma says tells what went wrong, not what to do in Airflow.
    sentence = f"{error} Mend the cause." if isinstance(error, AlmaError) else str(error)
    if isinstance(error, AlmaError | MendableError):
        sentence = f"{sentence} {to_go_on(context)}"
    ti.xcom_push(key=STOP_KEY, value=sentence)
    return AirflowFailException(sentence)


class PurgeOperator(BaseOperator):
    """Base of the operators: opens the run, does the work, and fails with a sentence."""

    @abstractmethod
    def act(self, run: PurgeRun, context: Context) -> str:
        """Do the task's work.

        Args:
            run: The run to work for.
            context: The task's context.

        Returns:
            One plain sentence about what was done, with counts and without names.
        """

    def execute(self, context: Context) -> Any:
        """Run the task."""
        self.work(context)

    def work(self, context: Context) -> None:
        """Open the run, do the task's work, and turn errors into what Airflow understands."""
        try:
            run = open_run(context)
            summary = self.act(run, context)
        except (PurgeError, AlmaError) as error:
            wait_or_fail(self, context, error)
        report_summary(context, self, summary)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a wait; a wait that Airflow itself broke off is told as what it is, and tried again."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            raise fail_or_retry(context, BrokenWaitError(BROKEN_WAIT)) from error

    def waited(self, context: Context, event: datetime) -> None:
        """Begin anew after a wait: every check is made again before anything is sent."""
        self.log.info("Going on after the wait that ended at %s", event)
        self.execute(context)


def wait_or_fail(operator: BaseOperator, context: Context, error: PurgeError | AlmaError) -> NoReturn:
    """Give up the worker slot when waiting helps; otherwise fail with the error's sentence.

    Args:
        operator: The operator of the task; its method `waited` is called after the wait.
        context: The task's context.
        error: What went wrong.
    """
    wait = _wait_for(error)
    if wait is None:
        raise fail_or_retry(context, error) from error
    until = wait.until.astimezone(UTC)
    there = until.astimezone(institution_of_dag(context["ti"].dag_id).zone)
    sentence = f"{wait} Going on at {there:%Y-%m-%d %H:%M %Z}."
    operator.log.warning("%s", sentence)
    context["ti"].xcom_push(key=WAITING_KEY, value=sentence)
    operator.defer(trigger=DateTimeTrigger(until), method_name="waited")


def _wait_for(error: PurgeError | AlmaError) -> MustWaitError | None:
    """Return what to wait for, or None when waiting does not help."""
    if isinstance(error, AlmaDailyLimitError):
        return MustWaitError(
            "The institution's Alma calls for today are used up; they return at midnight.",
            datetime.now(UTC) + ASK_FOR_CALLS_AFTER,
        )
    return error if isinstance(error, MustWaitError) else None


def report_summary(context: Context, operator: BaseOperator, summary: str) -> None:
    """Show a task's one-sentence result in its log and to whoever follows the run."""
    operator.log.info("%s", summary)
    context["ti"].xcom_push(key=SUMMARY_KEY, value=summary)
