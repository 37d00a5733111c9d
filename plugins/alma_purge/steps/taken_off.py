"""The people whom the reviewer has taken off, as the tasks of a run see them."""

from typing import TYPE_CHECKING

from airflow.sdk import Context

from alma_purge import files
from alma_purge.operators.base import PurgeRun, fetch, publish, recorded
from alma_purge.run_folder import RunFolder, sha256_of
from patron_purge.ledger import read_ledger_csv
from patron_purge.review_model import Review
from patron_purge.taken_off import Rest, TakenOff, read_entries, read_record, record_of, rest_of

if TYPE_CHECKING:
    import pandas as pd

APPROVAL_TASK = "approve_purge"


def taken_off_so_far(folder: RunFolder) -> tuple[TakenOff, ...]:
    """Return everybody who was taken off up to this moment.

    Args:
        folder: The run folder.

    Raises:
        RunFileError: An entry can't be read.
    """
    return read_entries(folder.entries(files.TAKEN_OFF_ENTRY))


def checksum_of(entries: tuple[TakenOff, ...]) -> str:
    """Return the checksum that a decision names; empty when nobody was taken off."""
    return sha256_of(record_of(entries)) if entries else ""


def seal(context: Context, run: PurgeRun, review: Review) -> tuple[Rest, str]:
    """Write down who is off the list at this moment, for the tasks that come later.

    Args:
        context: The context of the task that asks.
        run: The run.
        review: The review of the whole list.

    Returns:
        What is left of the list, and the checksum of the record; empty when nobody was taken off.
    """
    entries = taken_off_so_far(run.folder)
    ledger = read_ledger_csv(fetch(context, run, files.LEDGER_REVIEWED, "prepare_review"))
    if entries:
        publish(context, run, files.TAKEN_OFF, record_of(entries))
    return rest_of(ledger, review.digest, entries), checksum_of(entries)


def sealed(context: Context, run: PurgeRun) -> tuple[TakenOff, ...]:
    """Return who was off the list when the approval was asked for or answered.

    Args:
        context: The task's context.
        run: The run.

    Raises:
        RunFileError: The record is not the one that was written down, or it can't be read.
    """
    if recorded(context, files.TAKEN_OFF, APPROVAL_TASK) is not None:
        return read_record(fetch(context, run, files.TAKEN_OFF, APPROVAL_TASK))
    return read_record(run.folder.read_if_there(files.TAKEN_OFF))


def without_taken_off(context: Context, run: PurgeRun, ledger: "pd.DataFrame") -> "pd.DataFrame":
    """Move everybody who was off the list at the approval to the state that says so.

    Args:
        context: The task's context.
        run: The run.
        ledger: The ledger with the list as it was prepared.
    """
    return rest_of(ledger, "", sealed(context, run)).ledger
