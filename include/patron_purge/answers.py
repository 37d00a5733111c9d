"""Judging what a person typed into the approval form."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from patron_purge.decision import Decision, DecisionState, Person, Refusal
from patron_purge.digest import approval_code, same_code


class Choice(StrEnum):
    """The two buttons of the approval form."""

    APPROVE = "Approve"
    REJECT = "Reject"


class Answer(BaseModel):
    """One submitted form.

    Attributes:
        try_number: The try whose form was submitted.
        choice: The button.
        person: Who submitted it.
        answered_at: When it was submitted.
        clear_number: How often tasks of the run had been cleared by then.
        count: The number as it was typed.
        code: The code as it was typed.
        comment: Comment.
        policy: The delete policy that is in force.
        disposal_authority: Reference of the authority to dispose of the records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    try_number: int
    choice: Choice
    person: Person
    answered_at: AwareDatetime
    clear_number: int
    count: str = ""
    code: str = ""
    comment: str = ""
    policy: str = ""
    disposal_authority: str = ""


class Judgement(BaseModel):
    """Whether an answer is accepted.

    Attributes:
        accepted: Whether it counts.
        why: A sentence for the person who typed it; empty when accepted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accepted: bool
    why: str = ""


def judge_answer(asked: Decision, answer: Answer, approvers: tuple[str, ...]) -> Judgement:
    """Check an answer against what was asked.

    A reject is never refused, whoever gives it and whenever: it only keeps people.

    Args:
        asked: The decision on file.
        answer: The submitted form.
        approvers: Airflow user ids of the people who may approve.

    Returns:
        Whether the answer counts, with a sentence for the person when it does not.
    """
    if answer.choice is Choice.REJECT:
        return Judgement(accepted=True)
    why = _why_not_allowed(asked, answer, approvers) or _why_not_right(asked, answer)
    return Judgement(accepted=not why, why=why)


def record_answer(asked: Decision, answer: Answer, judgement: Judgement) -> Decision:
    """Write an answer and its judgement into the decision.

    Args:
        asked: The decision on file.
        answer: The submitted form.
        judgement: What `judge_answer` said about it.

    Returns:
        The decision, approved, rejected or refused. An approval is valid for the institution's approval hours
        and never past the next scheduled run.
    """
    if not judgement.accepted:
        refusal = Refusal(try_number=answer.try_number, why=judgement.why)
        return asked.model_copy(
            update={"state": DecisionState.REFUSED, "refusals": (*asked.refusals, refusal)}
        )
    update: dict[str, object] = {
        "answered_at": answer.answered_at.astimezone(asked.asked_at.tzinfo),
        "answered_by": answer.person,
        "clear_number": answer.clear_number,
        "comment": answer.comment.strip(),
        "policy": answer.policy.strip(),
        "disposal_authority": answer.disposal_authority.strip(),
    }
    if answer.choice is Choice.REJECT:
        return asked.model_copy(update=update | {"state": DecisionState.REJECTED})
    # By the clock of the library, whose moment the question carries; Airflow gives the answer's in UTC.
    answered_at = answer.answered_at.astimezone(UTC)
    valid_until = (answered_at + timedelta(hours=asked.approval_hours)).astimezone(asked.asked_at.tzinfo)
    if asked.not_after is not None:
        valid_until = min(valid_until, asked.not_after)
    approved = {
        "state": DecisionState.APPROVED,
        "code": approval_code(asked.digest),
        "valid_until": valid_until,
    }
    return asked.model_copy(update=update | approved)


def _why_not_allowed(asked: Decision, answer: Answer, approvers: tuple[str, ...]) -> str:
    """Check who answered, to which try and when."""
    if answer.person.id not in approvers:
        return "You are not among the people who may approve purges of this institution."
    if asked.state is not DecisionState.ASKED:
        return f"No answer is waited for: {asked.state.label}."
    if answer.try_number != asked.try_number:
        return (
            f"You answered try {answer.try_number}, but try {asked.try_number} is the latest. "
            "Read the review page again and answer the latest one."
        )
    if answer.answered_at > asked.deadline:
        return f"The deadline was {_moment(asked.deadline)}. Silence counts as a reject."
    if answer.answered_at < asked.asked_at:
        return "The answer is older than the question. Read the review page again and answer once more."
    return ""


def _why_not_right(asked: Decision, answer: Answer) -> str:
    """Check the number and the code; neither is told, since they stand on the review page only."""
    if "".join(answer.count.replace(",", "").split()) != str(asked.count):
        return (
            f"You typed {answer.count.strip()[:20]!r} as the number of people, which is not the number "
            "on the review page. Open the review page, read it, and type the number that stands there."
        )
    if not same_code(answer.code, approval_code(asked.digest)):
        return (
            "The code is not the one on the review page. If the list was prepared again since you opened it, "
            "reload the review page, read it again and type its code."
        )
    return ""


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
