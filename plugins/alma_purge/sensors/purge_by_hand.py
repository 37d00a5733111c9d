"""The task `purge_users` where a person runs the purge on Alma's *Purge User Records* page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException

from alma_api.errors import AlmaError
from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.links import review_alone, review_tab
from alma_purge.operators.base import (
    TROUBLE_KEY,
    PurgeRun,
    fail_or_retry,
    open_run,
    report_summary,
    wait_or_fail,
)
from alma_purge.steps.job_book import JobBook, book_of, refused
from alma_purge.steps.job_start import JobStoppedError
from alma_purge.steps.purge_by_hand import (
    Shown,
    asked_for,
    ended_by_instance,
    ended_by_word,
    instances_since,
    page_job_ids,
)
from alma_purge.steps.purge_people import people_to_purge, write_purge_result
from alma_purge.steps.right_moment import require_alone, require_loud_hours
from patron_purge.errors import PurgeError
from patron_purge.purge_page import PageCriteria, TypedCounts, is_valid, page_criteria, read_counts

ENDED = "It has ended"
NOT_RUN = "I did not run it"
SUBJECT = "{environment}: run the purge of {name} in Alma now"
BODY = """\
## {name} - {environment} - IRREVERSIBLE

Everybody on the list was checked a moment ago. In Alma, open **Admin > User Management > Purge User Records**,
choose *Add Job*, and enter exactly this:

{criteria}

Choose *Add and Close*, then *Confirm*. **Start it within 30 minutes**; until when exactly stands on the
**[review page]({tab})**; on a phone: [review page]({alone}). Later, choose *{not_run}*: everybody gets the group
back, and a new run makes a new list.

When Alma's job has **ended**, open its report, type the two counts below, and choose *{ended}*.

Only {approvers} may answer."""


def _count(title: str, description: str) -> Param:
    return Param(None, type=["null", "integer"], source="task", title=title, description=description)


FORM = {
    "purged": _count("Number Finished", "Records deleted, as on Alma's Purge User Records page."),
    "kept": _count("Number Failed", "Records retained, as on the same page."),
}


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said about the purge.

    Attributes:
        person: Airflow user id.
        ended: Whether it has ended; otherwise it was not run.
        counts: The counts of Alma's report; None when they were not typed.
    """

    person: str
    ended: bool
    counts: TypedCounts | None


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
            if record.stage is not JobStage.INTENDED:
                report_summary(context, self, self._finish(run, context, record))
                return None
        except (PurgeError, AlmaError) as error:
            wait_or_fail(self, context, error)
        self.body = self._text(run, page_criteria(run.institution))
        self.response_timeout = timedelta(hours=run.institution.job_hours)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Take a person's word; one that contradicts Alma or lacks the counts makes Airflow ask again."""
        try:
            run = open_run(context)
            if "error" in event or event["responded_by_user"] is None:
                raise JobStoppedError(
                    "Nobody has said how the purge ended that a person was asked to run in Alma. Clear this task and "
                    "answer its Required Action; nothing else of this run happens before."
                )
            book = book_of(run, context, files.PURGE_RECORD)
            record = self._judge(run, book.read(), _word(event))
            book.write(record)
            summary = self._finish(run, context, record)
        except RefusedWordError as error:
            context["ti"].xcom_push(key=TROUBLE_KEY, value=str(error))
            raise AirflowException(f"The answer was not accepted: {error}") from error
        except (PurgeError, AlmaError) as error:
            raise fail_or_retry(context, error) from error
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
        return asked

    def _judge(self, run: PurgeRun, record: JobRecord, word: Word) -> JobRecord:
        """Compare a person's word with what Alma shows."""
        if word.person not in run.institution.approvers:
            raise RefusedWordError("this person is no approver any more.")
        if record.stage is not JobStage.INTENDED or record.intended_at is None:
            raise JobStoppedError("Nobody is asked about a purge right now. Clear this task to begin anew.")
        shown = Shown(record.job_name, record.intended_at)
        with run.client() as client:
            found = instances_since(client, shown)
        running = [one for one in found if not one.status.is_terminal]
        if running:
            raise RefusedWordError(
                f"Alma shows that {record.job_name} is still running. Wait for its end, then answer again."
            )
        if not word.ended:
            if found:
                raise RefusedWordError(
                    f"Alma shows a run of {record.job_name} since the criteria were shown. If it was yours, choose "
                    f"{ENDED}. If it was somebody else's, choose {ENDED} too: it may have purged people of this list."
                )
            return refused(record)
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
        return f"The purge was run in Alma for {result.sent:,} people ({record.said})."

    def _text(self, run: PurgeRun, criteria: PageCriteria) -> str:
        table = "\n".join(f"| {name} | **{value}** |" for name, value in criteria.fields())
        return BODY.format(
            name=self.institution_name,
            environment=self.environment.upper(),
            criteria=f"| Field | Enter |\n|---|---|\n{table}",
            tab=review_tab(run.dag_id, run.run_id),
            alone=review_alone(run.dag_id, run.run_id),
            ended=ENDED,
            not_run=NOT_RUN,
            approvers=" or ".join(self.approvers),
        )


def _word(event: Mapping[str, Any]) -> Word:
    """Read the answer, whatever its fields hold: Airflow's REST API checks nothing."""
    form = event["params_input"] or {}
    return Word(
        person=str(event["responded_by_user"]["id"]),
        ended=list(event["chosen_options"]) == [ENDED],
        counts=read_counts(form.get("purged"), form.get("kept")),
    )
