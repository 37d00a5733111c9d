"""The ledger: one line for each row of the report, with its state and the reason for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from patron_purge.errors import AccountingError, RunFileError
from patron_purge.patron import Finding
from patron_purge.states import Reason, RowState
from patron_purge.tables import read_table_csv, table_csv

if TYPE_CHECKING:
    import pandas as pd

LEDGER_COLUMNS: Final = (
    "row",
    "primary_id",
    "first_name",
    "last_name",
    "report_group",
    "original_group",
    "expiry_date",
    "purge_date",
    "last_activity",
    "fees",
    "loans",
    "state",
    "reason",
    "detail",
    "group_restored",
)
"""`row` is a whole number, everything else text; dates are `YYYY-MM-DD`, an unknown value is empty."""

_OPEN_ENDS: Final = frozenset({RowState.HELD_BACK, RowState.NOT_IN_PILOT, RowState.NOT_APPROVED})
ALLOWED: Final[Mapping[RowState, frozenset[RowState]]] = {
    RowState.CANDIDATE: _OPEN_ENDS | {RowState.TO_PURGE, RowState.DROPPED_LIVE, RowState.UNKNOWN},
    RowState.TO_PURGE: _OPEN_ENDS
    | {
        RowState.PURGED,
        RowState.KEPT_BY_ALMA,
        RowState.TAKEN_OFF,
        RowState.DROPPED_LATE,
        RowState.NOT_SENT,
        RowState.UNKNOWN,
    },
    RowState.UNKNOWN: frozenset({RowState.PURGED, RowState.KEPT_BY_ALMA}),
}
"""The states that may follow a state; one that is not listed is final."""


@dataclass(frozen=True, slots=True)
class Equation:
    """The sum over the ledger.

    Attributes:
        read: Rows of the report.
        parts: Ledger rows by state, without states that no row has.
        rows_once: Whether every report row stands in the ledger exactly once.
    """

    read: int
    parts: Mapping[RowState, int]
    rows_once: bool

    @property
    def closes(self) -> bool:
        """Tell whether every report row is accounted for in exactly one final state."""
        settled = all(state.is_final and state is not RowState.UNKNOWN for state in self.parts)
        return self.rows_once and settled and sum(self.parts.values()) == self.read

    @property
    def text(self) -> str:
        """Return the equation for a person, such as `88 read = 85 purged + 3 kept by Alma`."""
        parts = " + ".join(f"{count:,} {state.label}" for state, count in self.parts.items())
        return f"{self.read:,} read = {parts or 0}"


def ledger_csv(ledger: "pd.DataFrame") -> bytes:
    """Write the ledger as CSV.

    Args:
        ledger: The ledger.

    Returns:
        UTF-8 bytes in which every text is quoted.
    """
    return table_csv(ledger)


def read_ledger_csv(content: bytes) -> "pd.DataFrame":
    """Read a ledger written by `ledger_csv`.

    Args:
        content: The file's bytes.

    Returns:
        The ledger.

    Raises:
        RunFileError: The bytes are not such a file.
    """
    ledger = read_table_csv(content, "ledger.csv")
    if tuple(ledger.columns) != LEDGER_COLUMNS or not ledger["state"].isin(list(RowState)).all():
        raise RunFileError(
            "ledger.csv in the run folder has other columns or states than this package writes, so it was "
            "edited or belongs to another version. Clear the task that wrote it; nothing was changed."
        )
    return ledger


def set_state(
    ledger: "pd.DataFrame",
    ids: Collection[str],
    state: RowState,
    reason: Reason | None = None,
    detail: str = "",
) -> "pd.DataFrame":
    """Move people to another state.

    Args:
        ledger: The ledger.
        ids: Primary ids, byte for byte.
        state: The new state.
        reason: Why, when a rule decided; None otherwise.
        detail: The value that decided.

    Returns:
        A new ledger.

    Raises:
        AccountingError: Somebody is not in the ledger, or may not go from their state to this one.
    """
    detail_of = dict.fromkeys(ids, detail)
    return _moved(ledger, state, dict.fromkeys(ids, reason or ""), detail_of)


def hold_back(ledger: "pd.DataFrame", findings: Mapping[str, Finding], state: RowState) -> "pd.DataFrame":
    """Move people to a state, each for their own reason.

    Args:
        ledger: The ledger.
        findings: What was found, by primary id.
        state: The new state, such as `dropped_live`.

    Returns:
        A new ledger.

    Raises:
        AccountingError: Somebody is not in the ledger, or may not go from their state to this one.
    """
    reason_of: dict[str, str] = {key: finding.reason for key, finding in findings.items()}
    return _moved(ledger, state, reason_of, {key: finding.detail for key, finding in findings.items()})


def ids_in_state(ledger: "pd.DataFrame", state: RowState) -> tuple[str, ...]:
    """Return the primary ids of everyone in a state.

    Args:
        ledger: The ledger.
        state: The state.

    Returns:
        The ids, sorted.
    """
    return tuple(sorted(ledger.loc[ledger["state"] == state, "primary_id"]))


def counts_by_state(ledger: "pd.DataFrame") -> dict[RowState, int]:
    """Count the rows of each state.

    Args:
        ledger: The ledger.

    Returns:
        The counts in the order of the states, without zeros.
    """
    counts = ledger["state"].value_counts()
    return {state: int(counts[state]) for state in RowState if state in counts.index}


def counts_by_reason(ledger: "pd.DataFrame") -> dict[Reason, int]:
    """Count the rows of each reason.

    Args:
        ledger: The ledger.

    Returns:
        The counts in the order of the rules, without zeros.
    """
    counts = ledger["reason"].value_counts()
    return {reason: int(counts[reason]) for reason in Reason if reason in counts.index}


def equation(ledger: "pd.DataFrame", *, read: int | None = None) -> Equation:
    """Add up the ledger.

    Args:
        ledger: The ledger.
        read: Rows of the report; the highest row number of the ledger when not given.

    Returns:
        The equation, which may not close.
    """
    rows = ledger["row"]
    expected = read if read is not None else int(rows.max()) if len(rows) else 0
    once = sorted(rows.tolist()) == list(range(1, expected + 1))
    return Equation(expected, counts_by_state(ledger), once)


def require_closed(ledger: "pd.DataFrame", *, read: int | None = None) -> Equation:
    """Add up the ledger and insist that it closes.

    Args:
        ledger: The ledger.
        read: Rows of the report; the highest row number of the ledger when not given.

    Returns:
        The equation.

    Raises:
        AccountingError: A row is missing, there twice, unknown, or without a final state.
    """
    found = equation(ledger, read=read)
    if not found.closes:
        raise AccountingError(
            f"The ledger does not add up: {found.text}. Every report row must stand there once, in a final "
            "state, and none may be unknown. Do not start another purge; run the reconcile task again, and "
            "look up in Alma whoever stays unknown."
        )
    return found


def _moved(
    ledger: "pd.DataFrame", state: RowState, reason_of: Mapping[str, str], detail_of: Mapping[str, str]
) -> "pd.DataFrame":
    moved = ledger.copy()
    rows = rows_of(moved, reason_of)
    before = {RowState(text) for text in moved.loc[rows, "state"].unique()}
    refused = [old.label for old in before if state not in ALLOWED.get(old, frozenset())]
    if refused:
        raise AccountingError(
            f"Somebody who stands in the ledger as {', '.join(sorted(refused))} can't become {state.label}. "
            "The ledger was left as it was; start the task that wrote it again."
        )
    ids = moved.loc[rows, "primary_id"]
    moved.loc[rows, "state"] = str(state)
    moved.loc[rows, "reason"] = ids.map({key: str(reason) for key, reason in reason_of.items()})
    moved.loc[rows, "detail"] = ids.map(dict(detail_of))
    return moved


def rows_of(ledger: "pd.DataFrame", ids: Collection[str]) -> "pd.Series[bool]":
    """Return the rows of people; a repeated row is not its own person.

    Args:
        ledger: The ledger.
        ids: Primary ids, byte for byte.

    Returns:
        A column of booleans.

    Raises:
        AccountingError: Somebody is not in the ledger.
    """
    rows = ledger["primary_id"].isin(list(ids)) & (ledger["state"] != RowState.DUPLICATE)
    missing = len(set(ids)) - ledger.loc[rows, "primary_id"].nunique()
    if missing:
        raise AccountingError(
            f"{missing:,} person(s) are not in the ledger, which may belong to another run. "
            "It was left as it was."
        )
    return rows
