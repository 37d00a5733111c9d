"""What happened to one person in one run, in plain words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from patron_purge.identifiers import folded, folded_column, loose, loose_column
from patron_purge.states import GroupRestored, Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

_WHAT_HAPPENED = {
    RowState.CANDIDATE: "The rules found nothing in the report that protects this person, but the run ended before "
    "anybody was looked up in Alma. Nothing was done.",
    RowState.TO_PURGE: "No rule held this person back, so the list named this person. Nothing further is on record.",
    RowState.PURGED: "PURGED. No rule held this person back, the list was approved, and a look-up after the purge "
    "found the person gone from Alma. A purge can't be undone.",
    RowState.KEPT_BY_ALMA: "Approved for the purge, but Alma kept this person.",
    RowState.HELD_BACK: "Kept. A rule held this person back.",
    RowState.DROPPED_LIVE: "Kept. What Alma showed when everybody on the list was looked up held this person back.",
    RowState.DROPPED_LATE: "Kept. The last check, right before Alma was changed, took this person off the approved "
    "list.",
    RowState.NOT_IN_PILOT: "Kept. The run was a pilot of a few people, and this person was not among them.",
    RowState.NOT_APPROVED: "Kept. This person was on the list, but the list was not approved.",
    RowState.NOT_SENT: "Kept. This person was on the approved list, but no purge was started.",
    RowState.DUPLICATE: "This row of the report repeats another one and is not counted as a person.",
    RowState.UNKNOWN: "NOT KNOWN. The purge job was started, and Alma did not answer clearly about this person. Look "
    "the person up in Alma.",
}
_GROUP = {
    GroupRestored.NOT_NEEDED: "The user group did not have to be put back.",
    GroupRestored.RESTORED: "The user group was put back and read back.",
    GroupRestored.ALREADY_MOVED: "Somebody else had changed the user group, so it was left alone.",
    GroupRestored.FAILED: "The user group could NOT be put back: this person is still in the purge group.",
}


def rows_of_person(ledger: "pd.DataFrame", typed: str) -> list[dict[str, str]]:
    """Find a person in a ledger, matching ids as the exclusion files are matched.

    Args:
        ledger: The ledger.
        typed: An id as somebody typed it.

    Returns:
        The rows whose primary id has the same folded or the same loose key, in the order of the report.
    """
    if not folded(typed):
        return []
    keys = folded_column(ledger["primary_id"])
    hit = (keys == folded(typed)) | (loose_column(keys) == loose(typed))
    return [
        {str(name): str(value) for name, value in row.items()} for row in ledger.loc[hit].to_dict("records")
    ]


def what_happened(row: Mapping[str, str]) -> str:
    """Say what happened to the person of one row of a ledger, and why.

    Args:
        row: The row, every value as text.

    Returns:
        A few plain sentences.
    """
    state = RowState(row["state"])
    said = _WHAT_HAPPENED.get(state, f"{state.label[0].upper()}{state.label[1:]}.")
    return " ".join(part for part in (said, _why(row), _group(row)) if part)


def _why(row: Mapping[str, str]) -> str:
    reason = Reason(row["reason"]).label if row["reason"] else ""
    words = f"{reason} ({row['detail']})" if reason and row["detail"] else reason or row["detail"]
    return f"Reason: {words}." if words else ""


def _group(row: Mapping[str, str]) -> str:
    return _GROUP[GroupRestored(row["group_restored"])] if row["group_restored"] else ""
