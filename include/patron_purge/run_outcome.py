"""How a whole run ended."""

from dataclasses import dataclass
from enum import StrEnum

from patron_purge.amounts import number, people
from patron_purge.decision import DecisionState
from patron_purge.states import Mode


class Outcome(StrEnum):
    """How a run ended, as the certificate says it."""

    PURGED = "purged"
    PARTLY = "partly"
    ALL_KEPT = "all_kept"
    REPORT_ONLY = "report_only"
    NOBODY_TO_PURGE = "nobody_to_purge"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _LABELS[self]


_LABELS = {
    Outcome.PURGED: "Purged",
    Outcome.PARTLY: "Partly purged",
    Outcome.ALL_KEPT: "Alma kept everybody",
    Outcome.REPORT_ONLY: "Report only",
    Outcome.NOBODY_TO_PURGE: "Nobody to purge",
    Outcome.NOT_SENT: "Approved, but not purged",
    Outcome.REJECTED: "Rejected",
    Outcome.TIMED_OUT: "Not answered in time",
    Outcome.STOPPED: "Stopped by a check",
    Outcome.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    """What decides the outcome.

    Attributes:
        mode: How far the run was allowed to go.
        failed: Whether a task failed for a technical reason, or a group could not be restored.
        stopped: Whether a guard, a refused input or another check stopped the run.
        decision: State of the decision; None when nobody was asked.
        to_purge: People on the list that was decided about, or would have been: without whoever was taken off it;
            None without a list.
        left: Of them, people whom no last check after the approval took off.
        sent: People in the set when the purge job was started; 0 when it was not.
        purged: People who were verified as purged.
        unknown: Rows whose state is unknown.
    """

    mode: Mode
    failed: bool
    stopped: bool
    decision: DecisionState | None
    to_purge: int | None
    left: int
    sent: int
    purged: int
    unknown: int


def outcome_of(facts: OutcomeFacts) -> Outcome:
    """Decide how a run ended.

    Args:
        facts: What happened.

    Returns:
        The outcome. Whatever the facts do not explain is `failed`: somebody unknown, a purge without an
        approval, or a list that nobody decided about.
    """
    approved = facts.decision is DecisionState.APPROVED
    nobody_listed = facts.to_purge == 0 and facts.decision is None
    no_list = facts.to_purge is None and not facts.stopped
    # The first that holds decides.
    cases: tuple[tuple[object, Outcome], ...] = (
        (facts.failed or no_list or _contradiction(facts), Outcome.FAILED),
        (facts.sent and not facts.purged, Outcome.ALL_KEPT),
        (facts.purged < facts.sent, Outcome.PARTLY),
        (facts.sent, Outcome.PURGED),
        (facts.stopped, Outcome.STOPPED),
        (facts.mode is Mode.REPORT_ONLY, Outcome.REPORT_ONLY),
        (facts.decision is DecisionState.REJECTED, Outcome.REJECTED),
        (facts.decision is DecisionState.TIMED_OUT, Outcome.TIMED_OUT),
        # Everybody was taken off, by the rules, or by the last check after the approval.
        (nobody_listed or (approved and facts.left == 0), Outcome.NOBODY_TO_PURGE),
        (approved, Outcome.NOT_SENT),
    )
    return next((outcome for holds, outcome in cases if holds), Outcome.FAILED)


def why_failed(facts: OutcomeFacts) -> str:
    """Say why a run counts as failed although no task says so.

    Args:
        facts: What happened.

    Returns:
        One sentence; empty when the run has not failed, or when a task has failed, which says why itself.
    """
    if facts.failed or outcome_of(facts) is not Outcome.FAILED:
        return ""
    if facts.to_purge is None:
        return "There is no list on record, although no task has failed."
    return _contradiction(facts) or "There was a list, and nobody's decision about it is on record."


def _contradiction(facts: OutcomeFacts) -> str:
    """Find what can't be or must not be; empty when there is nothing of the kind."""
    if facts.unknown:
        return f"It is not known what became of {people(facts.unknown)}."
    if facts.purged and facts.decision is not DecisionState.APPROVED:
        return f"Without an approval on record, this many are gone from Alma: {people(facts.purged)}."
    if facts.purged > facts.sent:
        return (
            f"More are gone from Alma than were sent to the purge job: {people(facts.purged)}, and "
            f"{number(facts.sent)} sent."
        )
    return ""
