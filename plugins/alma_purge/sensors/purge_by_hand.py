"""The task `purge_users` where a person runs the purge on Alma's *Purge User Records* page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context
from airflow.sdk.definitions.param import ParamsDict

from alma_api.errors import AlmaError
from alma_api.models import JobInstance
from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import (
    PurgeRun,
    fail_or_retry,
    open_run,
    report_summary,
    wait_or_fail,
)
from alma_purge.sensors.purge_by_hand_form import (
    ENDED,
    FORM,
    NOT_RUN,
    SUBJECT,
    Asked,
    Wanted,
    Word,
    read_word,
    text,
    text_again,
)
from alma_purge.sensors.refused_answer import note_refusal, refusal, repeat_refusal
from alma_purge.steps.authority import clear_number
from alma_purge.steps.job_book import JobBook, book_of, refused
from alma_purge.steps.job_start import JobAwaitedError, JobStoppedError, look_last, other_engine
from alma_purge.steps.last_look import require_still_wanted, require_unexpired
from alma_purge.steps.purge_by_hand import (
    Shown,
    answered,
    asked_for,
    ended_by_instance,
    ended_by_word,
    instances_since,
    is_typed,
    page_job_ids,
    wants_correction,
)
from alma_purge.steps.purge_people import people_to_purge, write_purge_result
from alma_purge.steps.right_moment import require_alone, require_loud_hours
from patron_purge import amounts
from patron_purge.errors import PurgeError
from patron_purge.purge_page import is_valid, page_criteria


class RefusedWordError(PurgeError):
    """What a person said can't be taken yet; the question is asked again."""


class PurgeByHandSensor(HITLOperator):
    """Checks everybody once more, shows the exact criteria, and waits for a person's word on how it ended.

    It waits in Airflow's state "awaiting input" and takes no worker slot.

    Args:
        institution_name: Name shown to people.
        environment: Alma environment, shown in capitals.
        approvers: Airflow user ids who may answer.
        params: The DAG's own parameters, which Airflow passes to every operator; they are no fields of the form.
    """

    def __init__(
        self,
        *,
        institution_name: str,
        environment: str,
        approvers: Sequence[str],
        params: ParamsDict | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        del params  # shown in the form, they would have to be filled in again
        super().__init__(
            subject=SUBJECT.format(name=institution_name, environment=environment.upper()),
            body="The criteria are shown as soon as everybody on the list was checked once more.",
            options=[ENDED, NOT_RUN],
            params=ParamsDict(FORM),
            assigned_users=[{"id": approver, "name": approver} for approver in approvers],
            **kwargs,
        )
        self.institution_name = institution_name
        self.environment = environment
        self.approvers = list(approvers)

    def execute(self, context: Context) -> Any:
        """Make the last check and show the criteria, or ask again how the purge ended that was asked for."""
        try:
            run = open_run(context)
            book = book_of(run, context, files.PURGE_RECORD)
            record = book.read()
            if record.stage is JobStage.NONE:
                record = self._ask(run, context, book)
            elif not record.by_hand:
                raise other_engine(run.institution.code)
            again = wants_correction(record, clear_number(context))
            if record.stage is not JobStage.INTENDED and not again:
                report_summary(context, self, self._finish(run, context, record))
                return None
        except (PurgeError, AlmaError) as error:
            wait_or_fail(self, context, error)
        if again:
            report_summary(context, self, "The counts are asked for again; nobody starts a purge for that.")
        repeat_refusal(context)
        self.body = self._text(run, record, again=again)
        self.response_timeout = timedelta(hours=run.institution.job_hours)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Take a person's word; one that contradicts Alma or lacks the counts makes Airflow ask again."""
        try:
            run = open_run(context)
            book = book_of(run, context, files.PURGE_RECORD)
            record = book.read()
            if "error" not in event and event["responded_by_user"] is not None:
                said = self._judge(run, record, read_word(event))
                record = answered(record, said, run.now, clear_number(context))
                book.write(record)
            elif not is_typed(record):  # counts that nobody has corrected stay as they are
                raise JobStoppedError(
                    "Nobody has said how the purge ended that a person was asked to run in Alma. Clear this task and "
                    "answer its Required Action; nothing else of this run happens before."
                )
            summary = self._finish(run, context, record)
        except RefusedWordError as error:
            raise refusal(context, str(error)) from error
        except (PurgeError, AlmaError) as error:
            failure = fail_or_retry(context, error)
            note_refusal(context, f"The answer could not be used: {failure}")
            raise failure from error
        report_summary(context, self, summary)
        return None

    def waited(self, context: Context, event: datetime) -> None:
        """Begin anew after a wait: every check is made again before the criteria are shown."""
        self.log.info("Going on after the wait that ended at %s", event)
        self.execute(context)

    def validate_params_input(self, params_input: Mapping[str, Any]) -> None:
        """Leave the form to the judgement of the answer, which gives the person a reason."""

    def _ask(self, run: PurgeRun, context: Context, book: JobBook) -> JobRecord:
        """Make the last check and store that a person is asked, before the criteria are shown."""
        require_unexpired(context, run)  # nobody waits for the right moment under an approval that is over
        require_loud_hours(run.institution)
        name = run.institution.manual_purge_name
        with run.client() as client:
            require_alone(run.institution, client, page_job_ids(client, name))
            people = people_to_purge(run, context, client)
        record = book.read()
        if people is None:
            return record
        asked = asked_for(name, record.attempt + 1, people.set_id)
        book.write(asked)
        look_last(book, asked, partial(require_still_wanted, context, run, people.authority))
        return asked

    def _judge(self, run: PurgeRun, record: JobRecord, word: Word) -> JobRecord:
        """Compare a person's word with what Alma shows."""
        if word.person not in run.institution.approvers:
            raise RefusedWordError("this person is no approver any more.")
        if record.intended_at is None or not (record.stage is JobStage.INTENDED or is_typed(record)):
            raise JobAwaitedError("Nobody is asked about a purge right now.")
        with run.client() as client:
            found = instances_since(client, Shown(record.job_name, record.intended_at))
        if any(not one.status.is_terminal for one in found):
            raise RefusedWordError(
                f"Alma shows that {record.job_name} is still running. Wait for its end, then answer again."
            )
        if not word.ended:
            return _not_run(record, found)
        if len(found) == 1:
            self._warn_when_late(found[0].submit_time, record.intended_at)
            return ended_by_instance(record, found[0], word.person)
        if word.counts is None:
            raise RefusedWordError(
                "type both counts of Alma's job report, Number Finished and Number Failed, as whole numbers."
            )
        return ended_by_word(record, word.counts, word.person)

    def _warn_when_late(self, started: datetime | None, shown_at: datetime) -> None:
        if started is not None and started > shown_at and not is_valid(shown_at, started):
            self.log.warning(
                "The purge was started at %s, later than 30 minutes after the last check. Look closely at who was "
                "purged",
                started.astimezone(UTC).strftime("%H:%M UTC"),
            )

    def _finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        result = write_purge_result(run, context, record)
        if record.stage is JobStage.ENDED_BADLY:
            raise JobStoppedError(
                f"{record.job_name} ended with {record.said} in Alma. reconcile and restore_kept account for "
                "everybody; then trigger a new run."
            )
        if not result.sent:
            return "The purge was not run in Alma; everybody gets the user group back."
        return f"The purge was run in Alma for {amounts.people(result.sent)} ({record.said})."

    def _text(self, run: PurgeRun, record: JobRecord, *, again: bool) -> str:
        about = Asked(self.institution_name, self.environment, self.approvers)
        if again:
            return text_again(about, record)
        checked_at = (record.intended_at or run.now).astimezone(run.institution.zone)
        wanted = Wanted(run.dag_id, run.run_id, page_criteria(run.institution), checked_at)
        return text(about, wanted, datetime.now(UTC))


def _not_run(record: JobRecord, found: Sequence[JobInstance]) -> JobRecord:
    """Believe that the purge was not run, unless Alma or an earlier answer says that it was."""
    if is_typed(record):
        raise RefusedWordError(
            "an earlier answer says that the purge was run, and that can't be taken back. Choose "
            f"{ENDED} and type the counts of Alma's job report; if it purged nobody, 0 and the people it kept."
        )
    if found:
        raise RefusedWordError(
            f"Alma shows a run of {record.job_name} since the criteria were shown. If it was yours, choose "
            f"{ENDED}. If it was somebody else's, choose {ENDED} too: it may have purged people of this list."
        )
    return refused(record)
