"""Who is new on the list and who is no longer on it, compared with an earlier run."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from patron_purge.amounts import number
from patron_purge.states import Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

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


class _People:
    """A ledger by primary id, read column by column; a repeated row is not its own person.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: "pd.DataFrame") -> None:
        rows = ledger.loc[ledger["state"] != RowState.DUPLICATE]
        self._columns = {name: rows[name].tolist() for name in _COLUMNS}
        self.ids = {key: place for place, key in enumerate(self._columns["primary_id"])}

    def in_state(self, state: RowState) -> set[str]:
        """Return the primary ids of everyone in a state."""
        pairs = zip(self._columns["primary_id"], self._columns["state"], strict=True)
        return {key for key, each in pairs if each == state}

    def text(self, key: str, column: str) -> str:
        """Return one value of a person."""
        value: str = self._columns[column][self.ids[key]]
        return value


def list_changes(ledger: "pd.DataFrame", earlier: EarlierList) -> Changes:
    """Compare the list with the list of an earlier run.

    People whom the earlier run has purged are counted, not listed: they left as they should.

    Args:
        ledger: The ledger of this run, as it is put before the approver.
        earlier: The earlier run.
    """
    now, then, listed_then = _People(ledger), _People(earlier.latest), _People(earlier.reviewed)
    list_then, list_now = listed_then.in_state(RowState.TO_PURGE), now.in_state(RowState.TO_PURGE)
    purged = (list_then - list_now) & then.in_state(RowState.PURGED)
    came, left = list_now - list_then, list_then - list_now - purged
    new = [_change(ChangeKind.NEW, key, now, then) for key in now.ids if key in came]
    gone = [_change(ChangeKind.GONE, key, now, then) for key in then.ids if key in left]
    note = (
        f"Compared with the run {earlier.run_id}, which ended on {earlier.finished_at:%Y-%m-%d}: "
        f"{number(len(new))} new on the list, {number(len(gone))} no longer on it; the {number(len(purged))} whom "
        "that run purged are not counted."
    )
    return Changes(note, (*new, *gone))


def _change(kind: ChangeKind, key: str, now: _People, then: _People) -> Change:
    people = now if key in now.ids else then
    return Change(
        kind=kind,
        primary_id=key,
        first_name=people.text(key, "first_name"),
        last_name=people.text(key, "last_name"),
        user_group=people.text(key, "original_group") or people.text(key, "report_group"),
        then=_standing(then, key),
        now=_standing(now, key),
    )


def _standing(people: _People, key: str) -> str:
    """Say in words where a person stands in a ledger."""
    if key not in people.ids:
        return _ABSENT
    return _label(people.text(key, "state"), people.text(key, "reason"))


@cache
def _label(state: str, reason: str) -> str:
    label = RowState(state).label
    return f"{label}: {Reason(reason).label}" if reason else label
