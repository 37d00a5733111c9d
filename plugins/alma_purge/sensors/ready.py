"""The task `ready_to_purge`: waits until a person has time to run the purge in Alma."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowSkipException

from alma_purge import files
from alma_purge.documents import ActResult
from alma_purge.operators.base import (
    MustWaitError,
    PurgeRun,
    fail_or_retry,
    fetch,
    open_run,
    report_summary,
)
from alma_purge.sensors.refused_answer import AnswerLostError, refusal, repeat_refusal
from alma_purge.steps.right_moment import require_loud_hours
from patron_purge.decision import Decision
from patron_purge.errors import PurgeError

READY = "Ready"
STOP = "Stop: purge nobody"
SUBJECT = "{environment}: are you ready to run the purge of {name} in Alma?"
BODY = """\
## {name} - {environment}

The approved people are in the purge group. The purge itself must be run by you, on the page *Purge User Records*
in Alma; you need the role User Administrator.

1. Log in to Alma and open **Admin > User Management > Purge User Records**.
2. Choose *Ready* here. Everybody on the list is checked once more.
3. A new Required Action then shows what to enter. It must be entered **within 30 minutes**.

With *Stop*, and without an answer until the approval expires, nobody is purged and everybody gets their user group
back.

Only {approvers} may answer."""


class ReadyToPurgeSensor(HITLOperator):
    """Waits for a person who is ready to run the purge by hand, and skips the purge when nobody is.

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
            options=[READY, STOP],
            defaults=STOP,
            assigned_users=[{"id": approver, "name": approver} for approver in approvers],
            **kwargs,
        )
        self.institution_name = institution_name
        self.environment = environment
        self.approvers = list(approvers)

    def execute(self, context: Context) -> Any:
        """Ask until the approval expires."""
        try:
            run = open_run(context)
            regroup = ActResult.model_validate_json(fetch(context, run, files.REGROUP, "regroup_users"))
            if not regroup.sent:
                nobody = "Nobody is left to purge, so nobody is asked."
                report_summary(context, self, nobody)
                return None
            deadline = self._deadline(run, context)
            if datetime.now(UTC) >= deadline:
                self._stop(context, "The approval has expired, so nobody is purged.")
        except PurgeError as error:
            raise fail_or_retry(context, error) from error
        repeat_refusal(context)
        self.response_timeout = deadline - datetime.now(UTC)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on when an approver is ready; skip the purge otherwise."""
        if "error" in event:
            raise fail_or_retry(
                context, AnswerLostError("Airflow could not take the answer. The purge was not started.")
            )
        try:
            run = open_run(context)
        except PurgeError as error:
            raise fail_or_retry(context, error) from error
        person = event["responded_by_user"]
        if person is not None and str(person["id"]) not in run.institution.approvers:
            raise refusal(context, "this person is no approver any more.")
        if person is not None and list(event["chosen_options"]) == [READY]:
            self._require_loud_hours(run, context)
        if person is None:
            self._stop(context, "Nobody has answered, so nobody is purged.")
        if list(event["chosen_options"]) != [READY]:
            self._stop(context, f"{person['name']} has stopped the run, so nobody is purged.")
        report_summary(context, self, f"{person['name']} is ready to run the purge.")
        return None

    def validate_params_input(self, params_input: Mapping[str, Any]) -> None:
        """Take no fields: this form has none."""

    def _require_loud_hours(self, run: PurgeRun, context: Context) -> None:
        """Ask again later when these are quiet hours: the criteria would be shown when nobody waits for them."""
        try:
            require_loud_hours(run.institution)
        except MustWaitError as error:
            until = error.until.strftime("%H:%M")
            raise refusal(context, f"{error} Answer after {until}.") from error

    def _stop(self, context: Context, sentence: str) -> None:
        report_summary(context, self, sentence)
        raise AirflowSkipException(sentence)

    def _deadline(self, run: PurgeRun, context: Context) -> datetime:
        """Return when the approval expires, which is later than the time to answer the approval was over."""
        decision = Decision.model_validate_json(fetch(context, run, files.DECISION, "approve_purge"))
        return decision.valid_until or decision.deadline
