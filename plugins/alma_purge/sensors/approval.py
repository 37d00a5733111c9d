"""The task `approve_purge`: a person approves exactly the list that was reviewed."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowSkipException

from alma_purge import files
from alma_purge.documents import JobStage
from alma_purge.operators.base import (
    PurgeRun,
    fail_or_retry,
    fetch,
    open_run,
    publish,
    report_summary,
)
from alma_purge.schedule import next_run_after
from alma_purge.sensors.approval_form import FORM, read_answer, texts
from alma_purge.sensors.refused_answer import AnswerLostError, refusal, repeat_refusal
from alma_purge.steps.authority import clear_number, require_no_stop
from alma_purge.steps.guard_restart import require_nobody_put_back
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.taken_off import seal
from patron_purge.answers import Terms, judge_answer, record_answer
from patron_purge.decision import Decision, DecisionState, Question, ask, time_out
from patron_purge.errors import ApprovalRefusedError, ApprovalWantedError, PurgeError
from patron_purge.review_model import Review
from patron_purge.states import Mode


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
        approval_hours: How long an answer is waited for, in hours.
        params: The DAG's own parameters, which Airflow passes to every operator; they are no fields of the form.
    """

    def __init__(
        self,
        *,
        institution_name: str,
        environment: str,
        approvers: Sequence[str],
        approval_hours: int,
        params: ParamsDict | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        del params  # shown in the form, they would have to be filled in again
        subject, body = texts(institution_name, environment, approvers, approval_hours)
        super().__init__(
            subject=subject,
            body=body,
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
            if self._keep_answer(run, context):
                return None
            review = self._review(run, context)
            require_no_stop(review)
            why_not = _nothing_to_approve(run, review)
            if why_not:
                report_summary(context, self, why_not)
                raise AirflowSkipException(why_not)
            decision = ask(self._question(run, context, review), run.now, _on_file(run))
            publish(context, run, files.DECISION, _as_bytes(decision))
            if run.now >= decision.deadline:
                return self._timed_out(run, context, decision)
        except PurgeError as error:
            raise fail_or_retry(context, error) from error
        repeat_refusal(context)
        self.response_timeout = decision.deadline - run.now
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Judge the answer and write the decision down; a wrong answer makes Airflow ask again."""
        if "error" in event:
            raise fail_or_retry(
                context, AnswerLostError("Airflow could not take the answer. Nothing was sent to Alma.")
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
        answer = read_answer(event, context["ti"].try_number, clear_number(context))
        judgement = judge_answer(asked, answer, _terms(run, context))
        self._record(run, context, record_answer(asked, answer, judgement))
        if not judgement.accepted:
            raise refusal(context, judgement.why)

    def _record(self, run: PurgeRun, context: Context, decision: Decision) -> None:
        publish(context, run, files.DECISION, _as_bytes(decision))
        report_summary(context, self, f"{decision.state.label.capitalize()}.")

    def _keep_answer(self, run: PurgeRun, context: Context) -> bool:
        """Tell whether the purge was sent already: its approval stays on file, whoever clears this task later."""
        decision = _on_file(run)
        if job_on_record(context, run, "purge_users", files.PURGE_RECORD).stage is JobStage.NONE:
            require_nobody_put_back(context, run)
            return False
        if decision is None or decision.state is not DecisionState.APPROVED:
            raise ApprovalRefusedError(
                "The purge of this run was already started, and no approval is on file any more, so nobody is asked. "
                "reconcile and restore_kept account for everybody; then trigger a new run."
            )
        publish(context, run, files.DECISION, _as_bytes(decision))
        report_summary(
            context, self, "The purge was already started under the approval on file; nobody is asked."
        )
        return True

    def _timed_out(self, run: PurgeRun, context: Context, decision: Decision) -> None:
        """End as a reject when the task is run again after the deadline."""
        self._record(run, context, time_out(decision, run.now))
        self.skip(ti=context["ti"], tasks=context["task"].get_direct_relatives(upstream=False))

    def _review(self, run: PurgeRun, context: Context) -> Review:
        return Review.model_validate_json(fetch(context, run, files.REVIEW, "prepare_review"))

    def _question(self, run: PurgeRun, context: Context, review: Review) -> Question:
        return Question(
            institution=run.institution.code,
            institution_code=review.institution_code,
            environment=review.environment,
            run_id=run.run_id,
            try_number=context["ti"].try_number,
            approval_hours=run.institution.approval_hours,
            not_after=next_run_after(run.institution, run.now),
            **_list_now(run, context, review),
        )

    def _asked(self, run: PurgeRun, context: Context) -> Decision:
        """Return the open question about the list as it is now, without whoever was taken off since it was asked."""
        asked = Decision.model_validate_json(fetch(context, run, files.DECISION, self.task_id))
        review = self._review(run, context)
        if asked.prepared_digest != review.digest:
            raise ApprovalWantedError(
                "The list was made again after this approval was asked for. Nothing was sent to Alma."
            )
        return asked.model_copy(update=_list_now(run, context, review))


def _nothing_to_approve(run: PurgeRun, review: Review) -> str:
    """Return why nobody is asked, or an empty text."""
    if run.mode is Mode.REPORT_ONLY:
        return "Report only: nobody is asked and nothing is purged."
    return "" if review.count else "There is nobody to purge, so nobody is asked."


def _list_now(run: PurgeRun, context: Context, review: Review) -> dict[str, Any]:
    """Return the part of a question and a decision that says which list it is about."""
    rest, taken_off = seal(context, run, review)
    return {
        "digest": rest.digest,
        "count": rest.count,
        "reviewed_digest": "" if rest.digest == review.digest else review.digest,
        "taken_off_sha256": taken_off,
    }


def _terms(run: PurgeRun, context: Context) -> Terms:
    return Terms(
        approvers=run.institution.approvers,
        four_eyes=run.institution.four_eyes,
        triggered_by=context["dag_run"].triggering_user_name or "",
        policy=run.institution.delete_user_policy,
        ask_disposal_authority=run.institution.ask_disposal_authority,
    )


def _on_file(run: PurgeRun) -> Decision | None:
    """Return the decision of an earlier try."""
    content = run.folder.read_if_there(files.DECISION)
    return None if content is None else Decision.model_validate_json(content)


def _as_bytes(decision: Decision) -> bytes:
    return decision.model_dump_json(indent=1).encode()
