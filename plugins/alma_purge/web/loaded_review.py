"""The review of a run with everything that belongs to it, read together and held against each other."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alma_purge import files
from alma_purge.steps.taken_off import taken_off_so_far
from alma_purge.web.list_now import review_now
from alma_purge.web.opened_run import REVIEW_TASK, OpenedRun
from alma_purge.web.standing import Standing, standing_of
from patron_purge.certificate import Certificate
from patron_purge.decision import Decision
from patron_purge.digest import approval_code
from patron_purge.errors import RunFileError
from patron_purge.review_model import Review
from patron_purge.taken_off import TakenOff

# A failed prepare_review may have left a review that says which limit stopped the run.
_FINISHED: Final = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class LoadedReview:
    """A review, and where its run stands.

    Attributes:
        review: The review, without whoever was taken off.
        decision: The decision on file; None before anybody was asked.
        standing: Where the run stands.
        prepared_digest: Digest of the list as it was prepared.
        taken_off: Who was taken off, oldest first.
    """

    review: Review
    decision: Decision | None
    standing: Standing
    prepared_digest: str
    taken_off: tuple[TakenOff, ...]


def load_review(run: OpenedRun) -> LoadedReview | None:
    """Read the review of a run.

    Args:
        run: The run.

    Returns:
        The review, or None while it is being prepared.

    Raises:
        RunFileError: A file is not the recorded one, or the review is about another run.
    """
    if run.records.state(REVIEW_TASK) not in _FINISHED:
        return None
    review = run.document(files.REVIEW, Review)
    if review is None:
        return None
    _check_place(review, run)
    decision = run.document(files.DECISION, Decision)
    certificate = run.document(files.CERTIFICATE, Certificate)
    taken_off = taken_off_so_far(run.folder)
    rest = review_now(run, review, taken_off)
    return LoadedReview(
        rest,
        decision,
        standing_of(review, decision, certificate, run.records, datetime.now(UTC), left=rest.count),
        review.digest,
        taken_off,
    )


def _check_place(review: Review, run: OpenedRun) -> None:
    """Refuse a review of another institution, run or list."""
    place = (review.institution, review.run_id)
    if place != (run.institution.code, run.run_id) or review.code != approval_code(review.digest):
        raise RunFileError(
            "The review in the run folder is about another run, so it is not shown. Trigger a new run; "
            "this page changed nothing."
        )
