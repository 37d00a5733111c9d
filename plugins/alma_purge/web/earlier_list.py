"""The comparison of a run's list with that of the run before it."""

from typing import TYPE_CHECKING, Final

from alma_purge import files
from alma_purge.history_file import read_history
from alma_purge.web.kept_results import KeptResults
from alma_purge.web.loaded_review import LoadedReview
from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.people import News, People
from patron_purge.changes import Changes, EarlierList, list_changes
from patron_purge.errors import RunFileError
from patron_purge.history import HistoryEntry
from patron_purge.ledger import read_ledger_csv

if TYPE_CHECKING:
    import pandas as pd

_LATEST_FIRST: Final = (files.LEDGER_RESTORED, files.LEDGER, files.LEDGER_REVIEWED)
_UNKNOWN: Final = "So this page can't tell who is new on the list and who is no longer on it."
_NO_RUN: Final = "There was no run before this one to compare with."
_NO_HISTORY: Final = f"The history of past runs can't be read. {_UNKNOWN}"
_NO_RECORD: Final = f"Airflow has no record any more that vouches for the list of the last run. {_UNKNOWN}"
_DELETED: Final = (
    f"The list of the last run is no longer on file; lists of people are kept for a while only. {_UNKNOWN}"
)
_CHANGED: Final = f"The list of the last run on file is not the one that its task recorded. {_UNKNOWN}"
_news: Final[KeptResults[News]] = KeptResults(2)


def news_of(run: OpenedRun, loaded: LoadedReview, people: People) -> News:
    """Find out what is new on the list since earlier runs.

    The comparison informs and decides nothing, so a list that can't be read hides nothing else.

    Args:
        run: The run.
        loaded: Its review.
        people: Its people.
    """
    new_groups = [group.code for group in loaded.review.by_group if group.is_new]
    try:
        entry = _run_before(run, loaded)
    except RunFileError:
        return people.news(Changes(_NO_HISTORY), new_groups)
    if entry is None:
        return people.news(Changes(_NO_RUN), new_groups)
    earlier = run.sibling(entry.run_id)
    if earlier is None or earlier.checksum(files.LEDGER_REVIEWED) is None:
        return people.news(Changes(_NO_RECORD), new_groups)
    latest = next(name for name in _LATEST_FIRST if earlier.checksum(name) is not None)
    key = (loaded.review.digest, run.checksum(files.LEDGER_REVIEWED), entry.run_id, earlier.checksum(latest))
    try:
        return _news.get(key, lambda: people.news(_compared(people, earlier, entry, latest), new_groups))
    except RunFileError as error:
        return people.news(Changes(str(error)), new_groups)


def _run_before(run: OpenedRun, loaded: LoadedReview) -> HistoryEntry | None:
    """Return the last run that had ended when this list was made."""
    earlier = [
        entry
        for entry in read_history(run.institution.code)
        if entry.run_id != run.run_id and entry.finished_at < loaded.review.created_at
    ]
    return max(earlier, key=lambda entry: entry.finished_at, default=None)


def _compared(people: People, earlier: OpenedRun, entry: HistoryEntry, latest: str) -> Changes:
    """Compare with the list that was reviewed then, and with what became of it.

    Raises:
        RunFileError: The list is gone or was changed.
    """
    if earlier.folder.read_if_there(files.LEDGER_REVIEWED) is None:
        raise RunFileError(_DELETED)
    reviewed = _ledger(earlier, files.LEDGER_REVIEWED)
    final = reviewed if latest == files.LEDGER_REVIEWED else _ledger(earlier, latest)
    return list_changes(people.ledger, EarlierList(entry.run_id, entry.finished_at, reviewed, final))


def _ledger(run: OpenedRun, name: str) -> "pd.DataFrame":
    try:
        content = run.file(name)
    except RunFileError as error:
        raise RunFileError(_CHANGED) from error
    if content is None:
        raise RunFileError(_NO_RECORD)
    return read_ledger_csv(content)
