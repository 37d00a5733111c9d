"""The people behind a review."""

from typing import Final

from alma_purge import files
from alma_purge.web.group_names import GroupNames
from alma_purge.web.kept_results import KeptResults
from alma_purge.web.loaded_review import LoadedReview
from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.people import People
from alma_purge.web.people_query import View
from alma_purge.web.standing import Stage
from patron_purge.errors import RunFileError
from patron_purge.ledger import read_ledger_csv
from patron_purge.taken_off import rest_of

_people: Final[KeptResults[People]] = KeptResults(2)


def load_people(run: OpenedRun, loaded: LoadedReview) -> People | None:
    """Read the people behind a review.

    Args:
        run: The run.
        loaded: Its review.

    Returns:
        The people; None when the run was stopped before there was a list.

    Raises:
        RunFileError: The list is not the recorded one, or it does not fit the review.
    """
    content, recorded = run.file(files.LEDGER_REVIEWED), run.checksum(files.LEDGER_REVIEWED)
    if content is None or recorded is None:
        if loaded.standing.stage is Stage.STOPPED:
            return None
        raise RunFileError(
            "prepare_review has recorded no list of people for this review. Trigger a new run; "
            "this page changed nothing."
        )
    names = loaded.review.group_names
    people = _people.get(
        (recorded, loaded.taken_off, tuple(names.items())),
        lambda: People(rest_of(read_ledger_csv(content), "", loaded.taken_off).ledger, GroupNames(names)),
    )
    if people.count(View.TO_PURGE) != loaded.review.count:
        raise RunFileError(
            "The list of people and the count of the review differ, so neither is shown. Trigger a new run; "
            "this page changed nothing."
        )
    return people
