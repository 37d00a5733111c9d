"""Starts one Alma job at most once and waits for its end without a worker slot."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_api.errors import AlmaError, AlmaRequestError
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import (
    WAITING_KEY,
    PurgeOperator,
    PurgeRun,
    open_run,
    report_summary,
    wait_or_fail,
)
from alma_purge.steps.job_book import JobBook, book_of
from alma_purge.steps.job_start import (
    JobAwaitedError,
    JobOrder,
    JobStoppedError,
    adopt,
    ended,
    look_up,
    other_engine,
    start_once,
)
from alma_purge.steps.last_look import require_unexpired
from alma_purge.steps.right_moment import require_right_moment
from alma_purge.triggers.alma_job import AlmaJobEndTrigger, AlmaJobLookUpTrigger, JobNews
from patron_purge.errors import PurgeError

LOOK_UP_FOR = timedelta(minutes=15)
TRIGGER_GRACE = timedelta(minutes=30)
LOOK_FOR_IT = "It is not sent again. Look at the Monitor Jobs page in Alma, 15 minutes after the start."
IF_MISSING = (
    'If it is not there or has ended, an approver says so on the review page under "Was this job started?". After '
    "that, or an hour after the start, clear reconcile with everything after it, which puts everybody back, and "
    "trigger a new run."
)
ONLY_A_PERSON = (
    'An approver must say on the review page, under "Was this job started?", that it is not there or has ended: until '
    "then restore_kept puts nobody back. Then clear reconcile with everything after it, and trigger a new run."
)


class AlmaJobOperator(PurgeOperator):
    """Base of the two tasks that start a job in Alma.

    Every execution begins with the record of the job, which survives retries and clears: a job that was
    started is waited for, an intended one is looked up by its unique name, one that ended is reported, and
    only one that was never sent is prepared and sent. A job that ended badly is never started again by this
    run.
    """

    record_file: str

    @abstractmethod
    def job_id(self, run: PurgeRun, context: Context) -> str:
        """Return the id of the job."""

    @abstractmethod
    def prepare(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        """Check everything again, and make the job ready; nothing is started here.

        Returns:
            The job to start right after this call, or None when nobody is left to act on.
        """

    @abstractmethod
    def finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        """Write down how the job ended.

        Returns:
            One plain sentence with counts.
        """

    def name_is_echoed(self, run: PurgeRun, context: Context) -> bool | None:
        """Tell whether an earlier job of this run showed the name it was given; None when nothing is known."""
        del run, context
        return None

    def require_leave(self, run: PurgeRun, context: Context) -> None:
        """Make sure that nobody waits for the right moment under an approval that is over."""
        require_unexpired(context, run)

    def act(self, run: PurgeRun, context: Context) -> str:
        """Do whatever the record of the job calls for."""
        book = book_of(run, context, self.record_file)
        record = book.read()
        if record.stage is not JobStage.NONE and record.by_hand:
            raise other_engine(run.institution.code)
        if record.stage is not JobStage.NONE and not book.holds(record):
            book.write(
                record
            )  # one of the two places has lost it; the later tasks look for it in the run folder
        if record.stage is JobStage.NONE:
            with run.client() as client:
                order = self._order(run, context, client)
                if order is None:
                    return self.finish(run, context, record)
                record = self._start(client, book, order)
        if record.stage is JobStage.ENDED_WELL:
            return self.finish(run, context, record)
        if record.stage is JobStage.ENDED_BADLY:
            raise self._ended_badly(record)
        return self._wait(run, context, record)

    def job_news(self, context: Context, event: dict[str, Any]) -> None:
        """Go on after the trigger has news about the job."""
        try:
            run = open_run(context)
            summary = self._use_news(run, context, JobNews(event["news"]), str(event["reason"]))
        except (PurgeError, AlmaError) as error:
            wait_or_fail(self, context, error)
        report_summary(context, self, summary)

    def on_kill(self) -> None:
        """Say that an Alma job can't be cancelled from here."""
        self.log.warning("This task was stopped; a job that was already started goes on in Alma.")

    def _order(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        """Make the job ready at a moment at which it may be started; the check of the people may take long."""
        self.require_leave(run, context)
        job_id = self.job_id(run, context)
        require_right_moment(run.institution, client, job_id)
        order = self.prepare(run, context, client)
        if order is not None:
            require_right_moment(run.institution, client, job_id, order.job_name)
        return order

    def _start(self, client: AlmaClient, book: JobBook, order: JobOrder) -> JobRecord:
        """Start the job; a refusal says what a person can do about it."""
        try:
            return start_once(client, book, order)
        except AlmaRequestError as error:
            raise JobStoppedError(
                f"{error} The job {order.job_id} was not started. Compare its payload file with the API information "
                "that Alma shows for the job, and ask Ex Libris whether it may be started by API; then trigger a "
                "new run."
            ) from error

    def _use_news(self, run: PurgeRun, context: Context, news: JobNews, reason: str) -> str:
        book = book_of(run, context, self.record_file)
        record = book.read()
        if news is JobNews.DEADLINE:
            raise JobAwaitedError(
                f"The Alma job {record.job_name} has not ended in {run.institution.job_hours} hours. It goes on "
                "in Alma and can't be cancelled; wait for its end there."
            )
        if news is JobNews.NOT_FOUND:
            raise JobAwaitedError(
                f"It is not known whether the Alma job {record.job_name} was started: the answer was unclear, and "
                f"no job of this name has appeared. {LOOK_FOR_IT} "
                f"{IF_MISSING} If it is there, wait for its end."
            )
        if news is JobNews.FAILED:
            raise JobAwaitedError(
                f"Waiting for the Alma job {record.job_name} failed: {reason} The job may go on in Alma and is not "
                "started again. Mend the cause."
            )
        with run.client() as client:
            if news is JobNews.FOUND:
                instance = look_up(client, record)
                if instance is not None:
                    record = adopt(book, record, instance)
                self._wait(run, context, record)
            instance = client.jobs.instance(record.job_id, record.instance_id)
            if not instance.status.is_terminal:
                self._wait(run, context, record)
            record = ended(book, record, instance)
        if record.stage is JobStage.ENDED_BADLY:
            raise self._ended_badly(record)
        return self.finish(run, context, record)

    def _wait(self, run: PurgeRun, context: Context, record: JobRecord) -> NoReturn:
        """Give up the worker slot until there is news."""
        now = datetime.now(UTC)
        connection, pause = run.institution.alma_connection, run.institution.poll_seconds
        since, pace = record.intended_at or now, float(run.institution.calls_per_second)
        if record.stage is JobStage.INTENDED:
            if self.name_is_echoed(run, context) is False:
                raise JobStoppedError(
                    f"It is not known whether the Alma job {record.job_name} was started: the answer was unclear, "
                    "and this Alma does not show the names of its jobs, so it can't be looked up. "
                    f"{LOOK_FOR_IT} {ONLY_A_PERSON}"
                )
            deadline = since + LOOK_UP_FOR
            trigger: Any = AlmaJobLookUpTrigger(
                connection,
                pause,
                deadline.isoformat(),
                record.model_dump_json(),
                calls_per_second=pace,
            )
        else:
            deadline = since + timedelta(hours=run.institution.job_hours)
            trigger = AlmaJobEndTrigger(
                connection,
                pause,
                deadline.isoformat(),
                record.job_id,
                record.instance_id,
                calls_per_second=pace,
            )
        context["ti"].xcom_push(key=WAITING_KEY, value=f"Alma runs the job {record.job_name}.")
        # The trigger keeps the deadline itself; this is for a trigger that Airflow never brings to life.
        limit = max(deadline - now, timedelta(0)) + TRIGGER_GRACE
        self.defer(trigger=trigger, method_name="job_news", timeout=limit)

    def _ended_badly(self, record: JobRecord) -> JobStoppedError:
        return JobStoppedError(
            f"The Alma job {record.job_name} ended with {record.said}. This run never starts it again; "
            "reconcile and restore_kept account for everybody. Look at the job's report in Alma, then trigger a "
            "new run."
        )
