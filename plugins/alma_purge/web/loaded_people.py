"""The people behind a review."""

from typing import Final

from alma_purge import files
from alma_purge.web.group_names import GroupNames
from alma_purge.web.kept_results import KeptResults
from alma_purge.web.list_now import rest_now
from alma_purge.web.loaded_review import LoadedReview
from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.people import People
from alma_purge.web.people_query import View
from alma_purge.web.standing import Stage
from patron_purge.errors import RunFileError

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
    recorded = run.checksum(files.LEDGER_REVIEWED)
    if recorded is None and loaded.standing.stage is Stage.STOPPED:
        return None
    rest = rest_now(run, loaded.prepared_digest, loaded.taken_off)
    names = loaded.review.group_names
    people = _people.get(
        (recorded, loaded.taken_off, tuple(names.items())),
        lambda: People(rest.ledger, GroupNames(names)),
    )
    if people.count(View.TO_PURGE) != loaded.review.count:
        raise RunFileError(
            "The list of people and the count of the review differ, so neither is shown. Trigger a new run; "
            "this page changed nothing."
        )
    return people
