"""Makes the workbook of a review, compared with the last run of which a ledger is left."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import PreflightResult
from alma_purge.history_file import read_history
from alma_purge.operators.base import PurgeRun, fetch
from alma_purge.run_folder import RunFolder
from patron_purge.changes import Changes, EarlierList, list_changes
from patron_purge.errors import RunFileError
from patron_purge.history import HistoryEntry, before
from patron_purge.ledger import read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.workbook import review_workbook

if TYPE_CHECKING:
    import pandas as pd


def workbook_of(context: Context, run: PurgeRun, review: Review, ledger: "pd.DataFrame") -> bytes:
    """Write the review's workbook.

    Args:
        context: The context of a task after `preflight`.
        run: The run.
        review: The review.
        ledger: The ledger as it is put before the approver.
    """
    preflight = PreflightResult.model_validate_json(fetch(context, run, files.PREFLIGHT, "preflight"))
    earlier_runs = before(read_history(run.institution.code), run.run_id)
    changes = changes_since(run.institution.code, earlier_runs, ledger)
    return review_workbook(review, ledger, changes, preflight.group_descriptions)


def changes_since(institution_code: str, history: Iterable[HistoryEntry], ledger: "pd.DataFrame") -> Changes:
    """Compare a list with the last one of which a ledger is left.

    The comparison informs and decides nothing, so an unreadable ledger of an earlier run stops nobody.

    Args:
        institution_code: Short code of the institution.
        history: Entries of the earlier runs.
        ledger: The ledger of this run.
    """
    try:
        earlier = _earlier_list(institution_code, history)
    except RunFileError:
        return Changes("Nothing is compared here: the ledger of the last run can't be read.")
    if earlier is None:
        return Changes("Nothing is compared here: no earlier run of this institution has a ledger any more.")
    return list_changes(ledger, earlier)


def _earlier_list(institution_code: str, history: Iterable[HistoryEntry]) -> EarlierList | None:
    for entry in sorted(history, key=lambda each: each.finished_at, reverse=True):
        folder = RunFolder.of_run(institution_code, entry.run_id)
        reviewed = folder.read_if_there(files.LEDGER_REVIEWED)
        if reviewed is not None:
            latest = latest_ledger(folder)
            return EarlierList(
                run_id=entry.run_id,
                finished_at=entry.finished_at,
                reviewed=read_ledger_csv(reviewed),
                latest=read_ledger_csv(reviewed if latest is None else latest),
            )
    return None


def latest_ledger(folder: RunFolder) -> bytes | None:
    """Read the ledger that a run wrote last, or None when it has none any more.

    Args:
        folder: The folder of the run.
    """
    for name in (
        files.LEDGER_RESTORED,
        files.LEDGER,
        files.LEDGER_REVIEWED,
        files.LEDGER_CHECKED,
        files.LEDGER_SELECTED,
    ):
        content = folder.read_if_there(name)
        if content is not None:
            return content
    return None
