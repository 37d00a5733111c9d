"""What people do with the approval form."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.models.hitl import HITLDetail

from alma_purge import files
from alma_purge.run_folder import RunFolder
from patron_purge.decision import Person
from patron_purge.digest import approval_code
from patron_purge.ledger import read_ledger_csv
from patron_purge.taken_off import Rest, TakenOff, read_entries, rest_of


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
    """Type the count and the code of the list as it was prepared."""
    form = dict.fromkeys(question.asked["params"])
    typed = {"count": question.review["count"], "code": question.review["code"], "comment": "checked"}
    return Reply("Approve", form | typed)


def approve_without(folder: RunFolder, question: Question, people: Iterable[str], now: datetime) -> Reply:
    """Take people off the list as the review page does, and approve the rest.

    Args:
        folder: The run folder.
        question: The approval that waits.
        people: Primary ids on the list.
        now: When; aware.
    """
    for person in people:
        by = Person(id="olga", name="Olga")
        entry = TakenOff(primary_id=person, by=by, at=now, reason="has a loan elsewhere")
        folder.append(files.TAKEN_OFF_ENTRY, entry.to_bytes())
    rest = rest_now(folder, question.review["digest"])
    form = {"count": rest.count, "code": approval_code(rest.digest)}
    return Reply("Approve", {**approve(question).form, **form})


def rest_now(folder: RunFolder, digest: str) -> Rest:
    """Return what is left of the list that was prepared, without whoever was taken off up to now.

    Args:
        folder: The run folder.
        digest: Digest of the list as it was prepared.
    """
    ledger = read_ledger_csv(folder.read(files.LEDGER_REVIEWED))
    return rest_of(ledger, digest, read_entries(folder.entries(files.TAKEN_OFF_ENTRY)))


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
