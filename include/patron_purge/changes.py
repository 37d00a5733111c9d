"""Who is new on the list and who is no longer on it, compared with an earlier run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from patron_purge.amounts import number
from patron_purge.states import Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

    Rows = Mapping[str, Mapping[str, str]]

_COLUMNS = ("primary_id", "first_name", "last_name", "report_group", "original_group", "state", "reason")
_ABSENT = "not in the report"


class ChangeKind(StrEnum):
    """What changed about a person; the value is shown to people."""

    NEW = "new on the list"
    GONE = "no longer on the list"


@dataclass(frozen=True, slots=True)
class Change:
    """A person who is on one of two lists.

    Attributes:
        kind: What changed.
        primary_id: Primary id, as the report has it.
        first_name: First name.
        last_name: Last name.
        user_group: User group at the later look, a code or the report's words.
        then: Where the person stood at the end of the earlier run.
        now: Where the person stands now.
    """

    kind: ChangeKind
    primary_id: str
    first_name: str
    last_name: str
    user_group: str
    then: str
    now: str


@dataclass(frozen=True)
class EarlierList:
    """The list of an earlier run.

    Attributes:
        run_id: Run id of that run.
        finished_at: When it ended.
        reviewed: Its ledger as it was put before the approver.
        latest: Its ledger at the end; the reviewed one when it ended with the review.
    """

    run_id: str
    finished_at: datetime
    reviewed: "pd.DataFrame"
    latest: "pd.DataFrame"


@dataclass(frozen=True, slots=True)
class Changes:
    """The comparison of a list with an earlier one.

    Attributes:
        note: What was compared, or why nothing was; without names and ids.
        rows: The changes, those on the list first.
    """

    note: str
    rows: tuple[Change, ...] = ()


def list_changes(ledger: "pd.DataFrame", earlier: EarlierList) -> Changes:
    """Compare the list with the list of an earlier run.

    People whom the earlier run has purged are counted, not listed: they left as they should.

    Args:
        ledger: The ledger of this run, as it is put before the approver.
        earlier: The earlier run.
    """
    now, then = _people(ledger), _people(earlier.latest)
    list_then = {key for key, row in _people(earlier.reviewed).items() if row["state"] == RowState.TO_PURGE}
    list_now = {key for key, row in now.items() if row["state"] == RowState.TO_PURGE}
    purged = {key for key in list_then - list_now if key in then and then[key]["state"] == RowState.PURGED}
    new = [_change(ChangeKind.NEW, key, now, then) for key in now if key in list_now - list_then]
    gone = [_change(ChangeKind.GONE, key, now, then) for key in then if key in list_then - list_now - purged]
    note = (
        f"Compared with the run {earlier.run_id}, which ended on {earlier.finished_at:%Y-%m-%d}: "
        f"{number(len(new))} new on the list, {number(len(gone))} no longer on it; the {number(len(purged))} whom "
        "that run purged are not counted."
    )
    return Changes(note, (*new, *gone))


def _people(ledger: "pd.DataFrame") -> "Rows":
    """Return each person's row by primary id; a repeated row is not its own person."""
    rows = ledger.loc[ledger["state"] != RowState.DUPLICATE, list(_COLUMNS)]
    return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in rows.itertuples(index=False)}


def _change(kind: ChangeKind, key: str, now: "Rows", then: "Rows") -> Change:
    person = now[key] if key in now else then[key]
    return Change(
        kind=kind,
        primary_id=key,
        first_name=person["first_name"],
        last_name=person["last_name"],
        user_group=person["original_group"] or person["report_group"],
        then=_standing(then, key),
        now=_standing(now, key),
    )


def _standing(rows: "Rows", key: str) -> str:
    """Say in words where a person stands in a ledger."""
    if key not in rows:
        return _ABSENT
    state, reason = rows[key]["state"], rows[key]["reason"]
    label = RowState(state).label
    return f"{label}: {Reason(reason).label}" if reason else label
