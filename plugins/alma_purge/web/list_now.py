"""What is left of a reviewed list at this moment."""

from typing import TYPE_CHECKING, Final

from alma_purge import files
from alma_purge.web.kept_results import KeptResults
from alma_purge.web.opened_run import OpenedRun
from patron_purge.errors import RunFileError
from patron_purge.ledger import read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.review_rest import review_of_rest
from patron_purge.taken_off import Rest, TakenOff, rest_of

if TYPE_CHECKING:
    import pandas as pd

# When somebody is taken off, the list is not read again: only what is left of it is worked out.
_ledgers: "Final[KeptResults[pd.DataFrame]]" = KeptResults(1)
_rests: Final[KeptResults[Rest]] = KeptResults(2)
_reviews: Final[KeptResults[Review]] = KeptResults(4)


def review_now(run: OpenedRun, review: Review, taken_off: tuple[TakenOff, ...]) -> Review:
    """Leave out of the numbers of a review whoever was taken off since.

    Args:
        run: The run.
        review: The review of the whole list.
        taken_off: Who was taken off.
    """
    if not taken_off:
        return review
    rest = rest_now(run, review.digest, taken_off)
    key = (run.checksum(files.REVIEW), run.checksum(files.LEDGER_REVIEWED), taken_off)
    return _reviews.get(key, lambda: review_of_rest(review, rest))


def rest_now(run: OpenedRun, digest: str, taken_off: tuple[TakenOff, ...]) -> Rest:
    """Return what is left of the list.

    Args:
        run: The run.
        digest: Digest of the whole list.
        taken_off: Who was taken off.

    Raises:
        RunFileError: prepare_review has recorded no list, or the file is another one.
    """
    content, recorded = run.file(files.LEDGER_REVIEWED), run.checksum(files.LEDGER_REVIEWED)
    if content is None or recorded is None:
        raise RunFileError(
            "prepare_review has recorded no list of people for this review. Trigger a new run; "
            "this page changed nothing."
        )
    key = (recorded, digest, taken_off)
    return _rests.get(
        key, lambda: rest_of(_ledgers.get(recorded, lambda: read_ledger_csv(content)), digest, taken_off)
    )


def forget_lists() -> None:
    """Drop every list that is kept."""
    for kept in (_ledgers, _rests, _reviews):
        kept.forget()
