"""What the Required Action shows and asks, and how the submitted form is read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Param

from alma_purge.links import airflow_address
from patron_purge.answers import Answer, Choice
from patron_purge.decision import Person
from patron_purge.states import DeleteUserPolicy

# Airflow fills these in for each run, as part of the text.
_TAB = "/dags/{{ dag.dag_id }}/runs/{{ run_id | urlencode }}/plugin/purge_review"
_ALONE = "/alma-purge/review?dag_id={{ dag.dag_id }}&run_id={{ run_id | urlencode }}"

SUBJECT = "{environment}: purge expired patrons of {name}?"
BODY = """\
## {name} - {environment} - IRREVERSIBLE

Whoever is purged is **deleted from Alma for good**: record, loans history, requests and lists.

1. Open the **[review page]({tab})** \
and read who would be purged and why. On a phone: \
[review page]({alone}).
2. To approve, type the **count** and the **code** that stand on the review page, then choose *Approve*.
3. In doubt, choose *Reject*: nobody is purged.

Only {approvers} may answer, within {hours} hours of the first question and before the next scheduled run; the exact \
deadline is on the review page. No answer counts as a reject."""


def _field(title: str, description: str, *types: str, **schema: Any) -> Param:
    """Return a field that may stay empty, so that rejecting takes one click."""
    return Param(None, type=["null", *types], source="task", title=title, description=description, **schema)


FORM = {
    "count": _field("Count", "The number of people to purge, as on the review page.", "integer"),
    "code": _field("Code", "The eight letters on the review page.", "string"),
    "comment": _field("Comment", "Goes into the certificate; no patron names.", "string"),
    "policy": _field(
        "Delete User Policy in force",
        "What Alma leaves of a deleted user. Needed only if the review page asks for it.",
        "string",
        examples=[policy.value for policy in DeleteUserPolicy],
    ),
    "disposal_authority": _field(
        "Disposal authority",
        "What allows these records to be deleted. Needed only if the review page asks for it.",
        "string",
    ),
}


def texts(
    institution_name: str, environment: str, approvers: Sequence[str], approval_hours: int
) -> tuple[str, str]:
    """Return subject and body of the Required Action.

    Airflow keeps showing the texts of the first question of a run, so they hold nothing about its list.

    Args:
        institution_name: Name shown to people.
        environment: Alma environment, shown in capitals.
        approvers: Airflow user ids who may answer.
        approval_hours: How long an answer is waited for, in hours.
    """
    shown = {
        "name": institution_name,
        "environment": environment.upper(),
        "approvers": " or ".join(approvers) or "nobody yet (the settings name no approvers)",
        "hours": approval_hours,
        "tab": airflow_address() + _TAB,
        "alone": airflow_address() + _ALONE,
    }
    return SUBJECT.format(**shown), BODY.format(**shown)


def read_answer(event: dict[str, Any], try_number: int, clear_number: int) -> Answer:
    """Read the submitted form, whatever its fields hold: Airflow's REST API checks nothing.

    Args:
        event: What Airflow hands over when somebody has answered.
        try_number: The try that was answered.
        clear_number: How often tasks of the run have been cleared by now.
    """
    form = event["params_input"] or {}
    person = event["responded_by_user"]
    answered_at = event["responded_at"]
    return Answer(
        try_number=try_number,
        choice=Choice(event["chosen_options"][0]),
        person=Person(id=str(person["id"]), name=str(person["name"])),
        answered_at=answered_at if isinstance(answered_at, datetime) else datetime.now(UTC),
        clear_number=clear_number,
        count=_typed(form, "count"),
        code=_typed(form, "code"),
        comment=_typed(form, "comment"),
        policy=_typed(form, "policy"),
        disposal_authority=_typed(form, "disposal_authority"),
    )


def _typed(form: Mapping[str, Any], field: str) -> str:
    value = form.get(field)
    return "" if value is None else str(value)
