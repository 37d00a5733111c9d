"""What people do with the approval form."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.models.hitl import HITLDetail


@dataclass(frozen=True, slots=True)
class Reply:
    """A submitted form.

    Attributes:
        option: The button.
        form: The fields, as somebody typed or sent them.
        user: Airflow user id of the person.
    """

    option: str
    form: Mapping[str, Any] = field(default_factory=dict)
    user: str = "olga"


@dataclass(frozen=True, slots=True)
class Question:
    """An approval that waits.

    Attributes:
        try_number: The try of the approval.
        review: The review as it stands in the run folder.
        asked: What the approval told Airflow to show.
    """

    try_number: int
    review: Mapping[str, Any]
    asked: Mapping[str, Any]


Answerer = Callable[[Question], Reply | None]


def approve(question: Question) -> Reply:
    """Type the right count and code."""
    form = dict.fromkeys(question.asked["params"])
    typed = {"count": question.review["count"], "code": question.review["code"], "comment": "checked"}
    return Reply("Approve", form | typed)


def reject(question: Question) -> Reply:
    """Choose Reject, leaving the form empty."""
    return Reply("Reject", dict.fromkeys(question.asked["params"]))


def mistype(question: Question) -> Reply:
    """Type a wrong code at the first try."""
    right = approve(question)
    if question.try_number > 1:
        return right
    return Reply(right.option, {**right.form, "code": "WRONGONE"})


def silence(_question: Question) -> None:
    """Leave the question unanswered until its deadline."""


def event_of(reply: Reply | None, asked: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """Return the event with which Airflow resumes the approval, made by Airflow's own code.

    Args:
        reply: The form; None when the deadline passed.
        asked: What the approval told Airflow to show.
        moment: When.
    """
    if reply is None and not asked["defaults"]:
        return {"error": "The deadline has passed.", "error_type": "timeout"}
    detail = HITLDetail(responded_at=moment)
    if reply is None:
        detail.chosen_options = list(asked["defaults"])
        detail.params_input = {key: value["value"] for key, value in asked["params"].items()}
        detail.responded_by = None
    else:
        detail.chosen_options = [reply.option]
        detail.params_input = json.loads(json.dumps(dict(reply.form)))
        detail.responded_by = {"id": reply.user, "name": reply.user}
    return detail.as_resume_event_payload(timedout=reply is None)
