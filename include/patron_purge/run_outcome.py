"""How a whole run ended."""

from dataclasses import dataclass
from enum import StrEnum

from patron_purge.decision import DecisionState
from patron_purge.states import Mode


class Outcome(StrEnum):
    """How a run ended, as the certificate says it."""

    PURGED = "purged"
    PARTLY = "partly"
    REPORT_ONLY = "report_only"
    NOBODY_TO_PURGE = "nobody_to_purge"
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
    Outcome.REPORT_ONLY: "Report only",
    Outcome.NOBODY_TO_PURGE: "Nobody to purge",
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
        to_purge: People on the list that was put before the approver, or would have been.
        sent: People in the set when the purge job was started; 0 when it was not.
        purged: People who were verified as purged.
        unknown: Rows whose state is unknown.
    """

    mode: Mode
    failed: bool
    stopped: bool
    decision: DecisionState | None
    to_purge: int
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
    unexplained = (
        facts.failed or facts.unknown or (facts.purged and not approved) or facts.purged > facts.sent
    )
    incomplete = facts.stopped or facts.purged < facts.sent
    # The first that holds decides.
    cases: tuple[tuple[object, Outcome], ...] = (
        (unexplained, Outcome.FAILED),
        (facts.sent and incomplete, Outcome.PARTLY),
        (facts.sent, Outcome.PURGED),
        (facts.stopped, Outcome.STOPPED),
        (facts.mode is Mode.REPORT_ONLY, Outcome.REPORT_ONLY),
        (facts.decision is DecisionState.REJECTED, Outcome.REJECTED),
        (facts.decision is DecisionState.TIMED_OUT, Outcome.TIMED_OUT),
        # Everybody was taken off, by the rules or by the last check after the approval.
        (facts.to_purge == 0 or approved, Outcome.NOBODY_TO_PURGE),
    )
    return next((outcome for holds, outcome in cases if holds), Outcome.FAILED)
