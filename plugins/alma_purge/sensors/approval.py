"""The task `approve_purge`: a person approves exactly the list that was reviewed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from alma_purge import files
from alma_purge.operators.base import (
    PurgeRun,
    fail_or_retry,
    fetch,
    open_run,
    publish,
    report_summary,
)
from alma_purge.schedule import next_run_after
from alma_purge.steps.authority import clear_number, require_no_stop
from patron_purge.answers import Answer, Choice, judge_answer, record_answer
from patron_purge.decision import Decision, Person, Question, ask, time_out
from patron_purge.errors import ApprovalRefusedError, PurgeError
from patron_purge.review_model import Review
from patron_purge.states import Mode

SUBJECT = "{environment}: purge expired patrons of {name}?"
BODY = """\
## {name} - {environment} - IRREVERSIBLE

Whoever is purged is **deleted from Alma for good**: record, loans history, requests and lists.

1. Open the **[review page](/dags/{{{{ dag.dag_id }}}}/runs/{{{{ run_id | urlencode }}}}/plugin/purge_review)** \
and read who would be purged and why.
2. To approve, type the **count** and the **code** that stand on the review page, then choose *Approve*.
3. In doubt, choose *Reject*: nobody is purged. No answer counts as a reject.

Only {approvers} may answer."""


def _field(title: str, description: str, *types: str) -> Param:
    """Return a field that may stay empty, so that rejecting takes one click."""
    return Param(None, type=["null", *types], source="task", title=title, description=description)


FORM = {
    "count": _field("Count", "The number of people to purge, as on the review page.", "integer"),
    "code": _field("Code", "The eight letters on the review page.", "string"),
    "comment": _field("Comment", "Goes into the certificate; no patron names.", "string"),
}


class PurgeApprovalSensor(ApprovalOperator):
    """Waits for a person's approval of the reviewed list.

    It waits in Airflow's state "awaiting input" and takes no worker slot. It is no poking sensor: there is
    nothing to poke, Airflow resumes the task when somebody answers. What Airflow shows in the Required Action
    stays the text of the first try, so the text names no numbers; count and code stand on the review page
    and are compared here, because Airflow's server checks neither the form nor its completeness.

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
        shown = {
            "name": institution_name,
            "environment": environment.upper(),
            "approvers": " or ".join(approvers) or "nobody yet (the settings name no approvers)",
        }
        super().__init__(
            subject=SUBJECT.format(**shown),
            body=BODY.format(**shown),
            defaults=self.REJECT,
            params=ParamsDict(FORM),
            assigned_users=[{"id": approver, "name": approver} for approver in approvers],
            **kwargs,
        )
        self.institution_name = institution_name
        self.environment = environment
        self.approvers = list(approvers)

    def execute(self, context: Context) -> Any:
        """Record that an answer to this try is waited for, then wait."""
        try:
            run = open_run(context)
            review = self._review(run, context)
            require_no_stop(review)
            why_not = _nothing_to_approve(run, review)
            if why_not:
                report_summary(context, self, why_not)
                raise AirflowSkipException(why_not)
            decision = ask(_question(run, review, context["ti"].try_number), run.now, _on_file(run))
            publish(context, run, files.DECISION, _as_bytes(decision))
            if run.now >= decision.deadline:
                return self._timed_out(run, context, decision)
        except PurgeError as error:
            raise fail_or_retry(context, error) from error
        self.response_timeout = decision.deadline - run.now
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Judge the answer and write the decision down; a wrong answer makes Airflow ask again."""
        if "error" in event:
            raise AirflowFailException(
                "Airflow could not take the answer. Nothing was sent to Alma; clear this task to ask again."
            )
        try:
            run = open_run(context)
            asked = self._asked(run, context)
            if event["responded_by_user"] is None:
                self._record(run, context, time_out(asked, run.now))
            else:
                self._judge(run, context, asked, event)
        except PurgeError as error:
            raise fail_or_retry(context, error) from error
        return super().execute_complete(context, event)

    def validate_params_input(self, params_input: Mapping[str, Any]) -> None:
        """Leave the form to the judgement of the answer, which gives the person a reason."""

    def _judge(self, run: PurgeRun, context: Context, asked: Decision, event: dict[str, Any]) -> None:
        answer = _answer(event, context["ti"].try_number, clear_number(context))
        judgement = judge_answer(asked, answer, run.institution.approvers)
        self._record(run, context, record_answer(asked, answer, judgement))
        if not judgement.accepted:
            raise AirflowException(f"The answer was not accepted: {judgement.why}")

    def _record(self, run: PurgeRun, context: Context, decision: Decision) -> None:
        publish(context, run, files.DECISION, _as_bytes(decision))
        report_summary(context, self, f"{decision.state.label.capitalize()}.")

    def _timed_out(self, run: PurgeRun, context: Context, decision: Decision) -> None:
        """End as a reject when the task is run again after the deadline."""
        self._record(run, context, time_out(decision, run.now))
        self.skip(ti=context["ti"], tasks=context["task"].get_direct_relatives(upstream=False))

    def _review(self, run: PurgeRun, context: Context) -> Review:
        return Review.model_validate_json(fetch(context, run, files.REVIEW, "prepare_review"))

    def _asked(self, run: PurgeRun, context: Context) -> Decision:
        """Return the open question; the answer must be to it and to the review as it is now."""
        asked = Decision.model_validate_json(fetch(context, run, files.DECISION, self.task_id))
        if asked.digest != self._review(run, context).digest:
            raise ApprovalRefusedError(
                "The list was made again after this approval was asked for. Nothing was sent to Alma; clear this "
                "task to ask about the new list."
            )
        return asked


def _nothing_to_approve(run: PurgeRun, review: Review) -> str:
    """Return why nobody is asked, or an empty text."""
    if run.mode is Mode.REPORT_ONLY:
        return "Report only: nobody is asked and nothing is purged."
    return "" if review.count else "There is nobody to purge, so nobody is asked."


def _question(run: PurgeRun, review: Review, try_number: int) -> Question:
    return Question(
        institution=run.institution.code,
        institution_code=review.institution_code,
        environment=review.environment,
        run_id=run.run_id,
        try_number=try_number,
        digest=review.digest,
        count=review.count,
        approval_hours=run.institution.approval_hours,
        not_after=next_run_after(run.institution, run.now),
    )


def _answer(event: dict[str, Any], try_number: int, cleared: int) -> Answer:
    """Read the submitted form, whatever its fields hold: Airflow's REST API checks nothing."""
    form = event["params_input"] or {}
    person = event["responded_by_user"]
    answered_at = event["responded_at"]
    return Answer(
        try_number=try_number,
        choice=Choice(event["chosen_options"][0]),
        person=Person(id=str(person["id"]), name=str(person["name"])),
        answered_at=answered_at if isinstance(answered_at, datetime) else datetime.now(UTC),
        clear_number=cleared,
        count=_typed(form, "count"),
        code=_typed(form, "code"),
        comment=_typed(form, "comment"),
    )


def _typed(form: Mapping[str, Any], field: str) -> str:
    value = form.get(field)
    return "" if value is None else str(value)


def _on_file(run: PurgeRun) -> Decision | None:
    """Return the decision of an earlier try."""
    content = run.folder.read_if_there(files.DECISION)
    return None if content is None else Decision.model_validate_json(content)


def _as_bytes(decision: Decision) -> bytes:
    return decision.model_dump_json(indent=1).encode()
