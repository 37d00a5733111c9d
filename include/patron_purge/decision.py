"""What a person decided about one list, and whether that still allows anything to be sent to Alma."""

from datetime import datetime, timedelta, timezone
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from patron_purge.digest import approval_code
from patron_purge.errors import ApprovalRefusedError, ApprovalWantedError


class DecisionState(StrEnum):
    """Where the approval of a list stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _LABELS[self]


# The answer carries the time of Airflow's server, and a worker's clock may be a little behind it.
CLOCKS_MAY_DIFFER = timedelta(minutes=2)

_LABELS = {
    DecisionState.ASKED: "asked, not answered yet",
    DecisionState.APPROVED: "approved",
    DecisionState.REJECTED: "rejected",
    DecisionState.TIMED_OUT: "nobody answered in time",
    DecisionState.REFUSED: "the answer was not accepted",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Model):
    """A user of Airflow who answered; staff, never a patron.

    Attributes:
        id: Airflow's user id.
        name: Name shown in Airflow.
    """

    id: str
    name: str


class Refusal(_Model):
    """An answer that was not accepted.

    Attributes:
        try_number: The try that was answered.
        why: The sentence that the person was shown.
    """

    try_number: int
    why: str


class Decision(_Model):
    """The decision about one list, as it is written to the run folder.

    Attributes:
        state: Where the approval stands.
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        try_number: The latest try that asked; only an answer to it counts.
        digest: Digest of what was shown, without the people who were taken off.
        count: People on the list that was shown, without the people who were taken off.
        reviewed_digest: Digest of the list as it was prepared; empty when nobody was taken off.
        taken_off_sha256: Checksum of the record of people who were taken off; empty when nobody was.
        asked_at: When this list was first asked about.
        asked_this_try_at: When the latest try asked; an answer from before it counts for nothing.
        deadline: Last moment for an answer.
        not_after: Start of the next scheduled run, after which an approval is void; None without a schedule.
        approval_hours: How long an approval stays valid, in hours.
        answered_at: When it was answered.
        answered_by: Who answered; None for a timeout.
        clear_number: How often tasks of the run had been cleared when it was answered; None before an answer.
        valid_until: Last moment at which an approval allows anything to be sent.
        code: The code as it was typed.
        comment: The person's comment.
        policy: The delete policy that the person named.
        disposal_authority: Reference of the authority to dispose of the records.
        refusals: Answers that were not accepted, oldest first.
    """

    state: DecisionState
    institution: str
    institution_code: str
    environment: str
    run_id: str
    try_number: int = Field(ge=1)
    digest: str
    count: int = Field(ge=0)
    reviewed_digest: str = ""
    taken_off_sha256: str = ""
    asked_at: AwareDatetime
    asked_this_try_at: AwareDatetime | None = None
    deadline: AwareDatetime
    not_after: AwareDatetime | None = None
    approval_hours: int = Field(ge=1)
    answered_at: AwareDatetime | None = None
    answered_by: Person | None = None
    clear_number: int | None = None
    valid_until: AwareDatetime | None = None
    code: str = ""
    comment: str = ""
    policy: str = ""
    disposal_authority: str = ""
    refusals: tuple[Refusal, ...] = ()

    @property
    def prepared_digest(self) -> str:
        """Return the digest of the list as it was prepared, whoever was taken off since."""
        return self.reviewed_digest or self.digest


class Question(_Model):
    """What is put before the approver.

    Attributes:
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        try_number: Number of this try.
        digest: Digest of the purge, without the people who were taken off.
        count: People on the list, without the people who were taken off.
        reviewed_digest: Digest of the list as it was prepared; empty when nobody was taken off.
        taken_off_sha256: Checksum of the record of people who were taken off; empty when nobody was.
        approval_hours: How long an answer is waited for and an approval stays valid, in hours.
        not_after: Start of the next scheduled run; None without a schedule.
    """

    institution: str
    institution_code: str
    environment: str
    run_id: str
    try_number: int = Field(ge=1)
    digest: str
    count: int = Field(ge=0)
    reviewed_digest: str = ""
    taken_off_sha256: str = ""
    approval_hours: int = Field(ge=1)
    not_after: AwareDatetime | None = None

    @property
    def prepared_digest(self) -> str:
        """Return the digest of the list as it was prepared, whoever was taken off since."""
        return self.reviewed_digest or self.digest


def ask(question: Question, now: datetime, previous: Decision | None) -> Decision:
    """Record that an answer is waited for; whatever was decided before is void from now on.

    Args:
        question: What is put before the approver.
        now: The current time, with time zone.
        previous: The decision on file; None at the first ask.

    Returns:
        The open decision. Asking again about the same list, or about what is left of it, keeps the first
        deadline, so that wrong answers, clears and taking people off do not buy time.
    """
    same = ("prepared_digest", "run_id")
    again = previous is not None and all(getattr(previous, one) == getattr(question, one) for one in same)
    asked_at = previous.asked_at if previous is not None and again else _at_its_offset(now)
    latest = asked_at + timedelta(hours=question.approval_hours)
    deadline = _at_its_offset(_earliest(latest, question.not_after))
    if previous is not None and again:
        deadline = min(deadline, previous.deadline)
    return Decision(
        state=DecisionState.ASKED,
        asked_at=asked_at,
        asked_this_try_at=_at_its_offset(now),
        deadline=deadline,
        refusals=previous.refusals if previous is not None else (),
        **question.model_dump(),
    )


def time_out(asked: Decision, now: datetime) -> Decision:
    """Record that nobody answered in time, which counts as a reject.

    Args:
        asked: The open decision.
        now: The current time, with time zone.
    """
    return asked.model_copy(update={"state": DecisionState.TIMED_OUT, "answered_at": now})


def require_approved(
    decision: Decision | None,
    digest: str,
    now: datetime,
    *,
    institution_code: str,
    environment: str,
    run_id: str,
    clear_number: int,
    taken_off_sha256: str = "",
) -> None:
    """Make sure that there is an unexpired approval of exactly this purge.

    Args:
        decision: The decision on file; None when there is none.
        digest: Digest of what is about to be sent.
        now: The current time, with time zone.
        institution_code: Alma's institution code, as Alma itself tells it now.
        environment: Alma environment, as Alma itself tells it now.
        run_id: Run id of Airflow.
        clear_number: How often tasks of the run have been cleared by now.
        taken_off_sha256: Checksum of the record of people who were taken off; empty when nobody was.

    Raises:
        ApprovalWantedError: There is none, and there is time to ask again.
        ApprovalRefusedError: There is none, and the time for another answer is over.
    """
    why = _why_not_approved(decision, digest, now, (institution_code, environment, run_id))
    approved = decision is not None and decision.state is DecisionState.APPROVED
    if decision is not None and approved and decision.taken_off_sha256 != taken_off_sha256:
        why = "The people who are off the list are not those who were off it at the approval."
    if not why and decision is not None and decision.clear_number != clear_number:
        why = "Tasks of this run were cleared after the approval, which revokes it."
    if why and decision is not None and now > decision.deadline:
        raise ApprovalRefusedError(
            f"{why} Nothing more was sent to Alma. The time for another answer is over too, so trigger a new run."
        )
    if why:
        raise ApprovalWantedError(f"{why} Nothing more was sent to Alma.")


def _why_not_approved(
    decision: Decision | None, digest: str, now: datetime, place: tuple[str, str, str]
) -> str:
    """Find the first reason why a decision allows nothing; empty when it allows the purge."""
    if decision is None:
        return "There is no decision on file for this run."
    if decision.state is not DecisionState.APPROVED:
        return f"The list is not approved: {decision.state.label}."
    if (decision.institution_code, decision.environment, decision.run_id) != place:
        return "The approval is for another institution, environment or run."
    if decision.digest != digest:
        return "What would be sent is not what was approved: the digests differ."
    return _why_not_valid(decision, now)


def _why_not_valid(decision: Decision, now: datetime) -> str:
    """Check who approved, and the times of an approval."""
    if decision.answered_by is None or decision.answered_at is None or decision.valid_until is None:
        return "The approval on file does not say who approved and until when it is valid."
    if approval_code(decision.digest) != decision.code:
        return "The approval on file does not carry the code of this list."
    if not (decision.asked_this_try_at or decision.asked_at) <= decision.answered_at <= decision.deadline:
        return "The approval is older than the question, or it was given after the deadline."
    if now < decision.answered_at - CLOCKS_MAY_DIFFER:
        return "The approval was given in the future: the clocks of this machine and of Airflow differ."
    if now > decision.valid_until:
        return f"The approval expired at {decision.valid_until:%Y-%m-%d %H:%M %Z}."
    return ""


def _at_its_offset(moment: datetime) -> datetime:
    """Write a moment with its offset in place of its zone.

    Python adds hours to a moment in a zone by the clock on the wall, so that 72 hours would be 71 or 73 when
    the clocks change meanwhile.
    """
    return moment.astimezone(timezone(moment.utcoffset() or timedelta(0)))


def _earliest(moment: datetime, other: datetime | None) -> datetime:
    """Take the earlier of two moments, the second of which may be missing."""
    return moment if other is None else min(moment, other)
