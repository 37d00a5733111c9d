"""What is left of a reviewed list at this moment."""

from functools import lru_cache

from alma_purge import files
from alma_purge.web.opened_run import OpenedRun
from patron_purge.errors import RunFileError
from patron_purge.ledger import read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.review_rest import review_of_rest
from patron_purge.taken_off import Rest, TakenOff, rest_of

_KEPT = 4


def review_now(run: OpenedRun, review: Review, taken_off: tuple[TakenOff, ...]) -> Review:
    """Leave out of the numbers of a review whoever was taken off since.

    Args:
        run: The run.
        review: The review of the whole list.
        taken_off: Who was taken off.
    """
    return review_of_rest(review, rest_now(run, review.digest, taken_off)) if taken_off else review


def rest_now(run: OpenedRun, digest: str, taken_off: tuple[TakenOff, ...]) -> Rest:
    """Return what is left of the list.

    Args:
        run: The run.
        digest: Digest of the whole list.
        taken_off: Who was taken off.

    Raises:
        RunFileError: prepare_review has recorded no list, or the file is another one.
    """
    content = run.file(files.LEDGER_REVIEWED)
    if content is None:
        raise RunFileError(
            "prepare_review has recorded no list of people for this review. Trigger a new run; "
            "this page changed nothing."
        )
    return _rest(content, digest, taken_off)


@lru_cache(maxsize=_KEPT)
def _rest(content: bytes, digest: str, taken_off: tuple[TakenOff, ...]) -> Rest:
    return rest_of(read_ledger_csv(content), digest, taken_off)
