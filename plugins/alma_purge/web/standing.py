"""Where a run stands between the review and its end, in words for the person at the screen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from alma_purge.web.opened_run import APPROVAL_TASK, LAST_TASK, REVIEW_TASK
from alma_purge.web.records import RunRecords
from patron_purge.certificate import Certificate
from patron_purge.decision import Decision, DecisionState
from patron_purge.review_model import Review
from patron_purge.states import Mode

_WAITING = frozenset({"", "none", "scheduled", "queued", "running", "up_for_retry", "restarting"})


class Stage(StrEnum):
    """Where a run stands, as far as an approval is concerned."""

    STOPPED = "stopped"
    REPORT = "report"
    NOBODY = "nobody"
    COMING = "coming"
    ASKED = "asked"
    EMPTY = "empty"
    VOID = "void"
    APPROVED = "approved"
    REJECTED = "rejected"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands.

    Attributes:
        stage: Where.
        headline: A few words.
        text: One or two sentences: what it means and what to do.
    """

    stage: Stage
    headline: str
    text: str

    @property
    def wants_answer(self) -> bool:
        """Tell whether somebody may need the code now."""
        return self.stage in {Stage.ASKED, Stage.COMING}


_NOBODY_LEFT: Final = Standing(
    Stage.EMPTY,
    "Nobody is left; choose Reject",
    "Everybody was taken off the list, so there is nothing to approve and no code. Choose Reject in the form of the "
    "task approve_purge; nobody is purged then. No answer does the same.",
)


def standing_of(
    review: Review,
    decision: Decision | None,
    certificate: Certificate | None,
    records: RunRecords,
    now: datetime,
    *,
    left: int,
) -> Standing:
    """Find out where a run stands.

    Args:
        review: The review of the whole list.
        decision: The decision on file; None before anybody was asked.
        certificate: The certificate; None before there is one.
        records: What Airflow has on record.
        now: The current time, with time zone.
        left: People who are left on the list when those who were taken off are not counted.
    """
    if certificate is not None and records.state(LAST_TASK) not in _WAITING:
        return Standing(Stage.ENDED, f"This run has ended: {certificate.outcome.label}", certificate.headline)
    before = _nobody_is_asked(review, records)
    if before is not None:
        return before
    if decision is None:
        return _not_asked_yet(records, left)
    if decision.prepared_digest != review.digest:
        return Standing(
            Stage.VOID,
            "The answer on file is about another list",
            "The list was made again after the question was asked, so that answer allows nothing. "
            "Clear approve_purge to ask about this list.",
        )
    if decision.state in {DecisionState.ASKED, DecisionState.REFUSED}:
        return _open(decision, records, now, left)
    return _answered(decision, records.state(APPROVAL_TASK), now)


def _nobody_is_asked(review: Review, records: RunRecords) -> Standing | None:
    """Find the reasons for which there is no question."""
    if records.state(REVIEW_TASK) == "failed":
        return Standing(
            Stage.STOPPED,
            "The run was stopped before the approval",
            "Nobody is asked, and nothing was changed in Alma. What stopped it stands below under "
            "Limits, and in the log of prepare_review.",
        )
    if review.mode is Mode.REPORT_ONLY:
        return Standing(
            Stage.REPORT,
            "Report only",
            "This run ends with this list. Nobody is asked, and nobody is purged.",
        )
    if review.count == 0:
        return Standing(
            Stage.NOBODY, "There is nobody to purge", "Nobody is asked, and nothing is changed in Alma."
        )
    return None


def _not_asked_yet(records: RunRecords, left: int) -> Standing:
    state = records.state(APPROVAL_TASK)
    if state in _WAITING and not left:
        return _NOBODY_LEFT
    if state in _WAITING:
        return Standing(
            Stage.COMING, "The question comes next", "Airflow is about to ask for an approval of this list."
        )
    return _not_by_a_person(records)


def _not_by_a_person(records: RunRecords) -> Standing:
    """Say that the task moved on without an answer, for example because somebody marked it by hand."""
    state, said = records.state(APPROVAL_TASK), records.said(APPROVAL_TASK)
    if state == "failed" and said:
        return Standing(
            Stage.VOID, "The question has ended without an answer that counts", f"{APPROVAL_TASK}: {said}"
        )
    return Standing(
        Stage.VOID,
        "There is no answer",
        f"The task approve_purge is set to {state or 'no state'}, but nobody answered on its form. Nothing is sent "
        "to Alma without the count and the code. Clear approve_purge to ask again.",
    )


def _answered(decision: Decision, task_state: str, now: datetime) -> Standing:
    match decision.state:
        case DecisionState.REJECTED:
            return Standing(Stage.REJECTED, "Rejected", "Nobody is purged. To try again, trigger a new run.")
        case DecisionState.TIMED_OUT:
            return Standing(
                Stage.REJECTED,
                "Nobody answered in time",
                "No answer counts as a reject: nobody is purged. To try again, trigger a new run.",
            )
    return _approved(decision, task_state, now)


def _approved(decision: Decision, task_state: str, now: datetime) -> Standing:
    if task_state not in {"success", "running"}:
        return Standing(
            Stage.VOID,
            "The approval was taken back",
            "It was given, but the task approve_purge was cleared or marked since. "
            "Airflow asks again when the task runs.",
        )
    if decision.valid_until is not None and now > decision.valid_until:
        return Standing(
            Stage.APPROVED,
            "Approved, but the approval has expired",
            "Nothing more is sent to Alma because of it. What was done before stands in the table below.",
        )
    return Standing(
        Stage.APPROVED,
        "Approved",
        "Everybody on the list is checked again right before each step; that can only take people off.",
    )


def _open(decision: Decision, records: RunRecords, now: datetime, left: int) -> Standing:
    if records.state(APPROVAL_TASK) not in _WAITING | {"awaiting_input", "deferred"}:
        return _not_by_a_person(records)
    if now > decision.deadline:
        return Standing(
            Stage.REJECTED, "The deadline has passed", "No answer counts as a reject: nobody is purged."
        )
    if not left:
        return _NOBODY_LEFT
    if decision.refusals:
        return Standing(
            Stage.ASKED,
            "Asked again: the last answer was not accepted",
            "Read why, then answer once more. Nothing was sent to Alma.",
        )
    return Standing(
        Stage.ASKED,
        "Waiting for your answer",
        "Read this page and the list, then approve or reject. In doubt, reject.",
    )
