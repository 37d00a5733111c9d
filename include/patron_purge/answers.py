"""Judging what a person typed into the approval form."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from patron_purge.decision import Decision, DecisionState, Person, Refusal
from patron_purge.digest import approval_code, same_code
from patron_purge.states import DeleteUserPolicy

_LONGEST_NUMBER = 6


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


class Terms(BaseModel):
    """What the institution asks of an approval.

    Attributes:
        approvers: Airflow user ids of the people who may approve.
        four_eyes: Whether the person who triggered the run may not approve it.
        triggered_by: Name in Airflow of the person who triggered the run; empty for a scheduled run.
        policy: The Delete User Policy in force, which the approver must name; None when it need not be named.
        ask_disposal_authority: Whether the authority to dispose of the records must be named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    approvers: tuple[str, ...]
    four_eyes: bool = False
    triggered_by: str = ""
    policy: DeleteUserPolicy | None = None
    ask_disposal_authority: bool = False


class Judgement(BaseModel):
    """Whether an answer is accepted.

    Attributes:
        accepted: Whether it counts.
        why: A sentence for the person who typed it; empty when accepted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accepted: bool
    why: str = ""


def judge_answer(asked: Decision, answer: Answer, terms: Terms) -> Judgement:
    """Check an answer against what was asked.

    A reject is never refused, whoever gives it and whenever: it only keeps people.

    Args:
        asked: The decision on file.
        answer: The submitted form.
        terms: What the institution asks of an approval.

    Returns:
        Whether the answer counts, with a sentence for the person when it does not.
    """
    if answer.choice is Choice.REJECT:
        return Judgement(accepted=True)
    why = (
        _why_not_person(answer.person, terms)
        or _why_not_now(asked, answer)
        or _why_not_right(asked, answer)
        or _why_not_complete(answer, terms)
    )
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


def _why_not_person(person: Person, terms: Terms) -> str:
    """Check who answered."""
    if person.id not in terms.approvers:
        return "You are not among the people who may approve purges of this institution."
    # Airflow records only a name of whoever triggers a run; some login systems let it be typed in any case.
    names = {person.id.casefold(), person.name.casefold()}
    if terms.four_eyes and terms.triggered_by and terms.triggered_by.casefold() in names:
        return (
            "You triggered this run yourself, and this institution wants a second person to approve it. "
            "Ask another approver to answer, or reject."
        )
    return ""


def _why_not_now(asked: Decision, answer: Answer) -> str:
    """Check to which try the answer was given, and when."""
    if asked.state is not DecisionState.ASKED:
        return f"No answer is waited for: {asked.state.label}."
    if answer.try_number != asked.try_number:
        return (
            f"You answered try {answer.try_number}, but try {asked.try_number} is the latest. "
            "Read the review page again and answer the latest one."
        )
    if answer.answered_at > asked.deadline:
        return f"The deadline was {_moment(asked.deadline)}. Silence counts as a reject."
    if answer.answered_at < (asked.asked_this_try_at or asked.asked_at):
        return "The answer is older than the question. Read the review page again and answer once more."
    return ""


def _why_not_right(asked: Decision, answer: Answer) -> str:
    """Check the number and the code; neither is told, since they stand on the review page only."""
    if "".join(answer.count.replace(",", "").split()) != str(asked.count):
        return (
            f"You typed {_typed_number(answer.count)} as the number of people, which is not the number "
            "on the review page. Open the review page, read it, and type the number that stands there."
        )
    if not same_code(answer.code, approval_code(asked.digest)):
        return (
            "The code is not the one on the review page. If the list was prepared again or somebody was taken "
            "off since you opened it, reload the review page, read it again and type its code."
        )
    return ""


def _typed_number(typed: str) -> str:
    """Quote what was typed when it is a number of people; an id must get into no log, mail or certificate."""
    number = typed.strip()
    if number.replace(",", "").isdecimal() and len(number) <= _LONGEST_NUMBER:
        return repr(number)
    return "something else" if number else "nothing"


def _why_not_complete(answer: Answer, terms: Terms) -> str:
    """Check the fields that only some institutions ask for."""
    if terms.policy is not None and not _same_words(answer.policy, terms.policy):
        return (
            "The Delete User Policy in the form is not the one that the review page shows. Look it up in Alma's "
            "configuration of user management. If Alma says the same as the review page, choose it in the form; if "
            "not, reject and tell your systems staff."
        )
    if terms.ask_disposal_authority and not answer.disposal_authority.strip():
        return "The disposal authority is missing. Type under which authority these records may be deleted."
    return ""


def _same_words(typed: str, expected: str) -> bool:
    return typed.casefold().split() == expected.casefold().split()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
