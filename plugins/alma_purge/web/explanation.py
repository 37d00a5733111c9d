"""Why a person is on or off the list, in plain words, rule by rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from alma_purge.web.formats import amount, day
from patron_purge.amounts import money, number
from patron_purge.institution import RuleSettings
from patron_purge.rules import RULES
from patron_purge.states import Reason, RowState
from patron_purge.user_groups import ALWAYS_PROTECTED_GROUPS


class Result(StrEnum):
    """What one rule said; the value is shown to people."""

    PASSED = "does not hold back"
    HELD = "holds back"
    OFF = "not used here"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that was looked at.

    Attributes:
        about: What it is about.
        result: What it said.
        text: With which facts.
    """

    about: str
    result: Result
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one person is on or off the list.

    Attributes:
        on_list: Whether the person is on the list.
        verdict: The answer in one sentence.
        note: What can't be told, and why; empty when everything can.
        lines: The rules that were looked at.
        not_reached: What the rules are about that were not looked at any more.
    """

    on_list: bool
    verdict: str
    note: str
    lines: tuple[RuleLine, ...]
    not_reached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """By what a list was made.

    Attributes:
        rules: The settings of the rules.
        today: The day on which the list was made, in the institution's zone.
        marker_group: The purge group, as people know it.
    """

    rules: RuleSettings
    today: date
    marker_group: str


_FROM_REPORT: Final = (
    "This was decided with what the report and the files say; Alma was not asked about this person."
)
# The live check applies these two together: a row without an id is matched by the name.
_RULE_OF: Final = {Reason.NAME_IN_EXCLUSION_FILE: Reason.IN_EXCLUSION_FILE}
_SURE: Final = frozenset({RowState.TO_PURGE, RowState.NOT_IN_PILOT})
_LIVE_ORDER: Final = tuple(rule.reason for rule in RULES)
_REPORT_ORDER: Final = (
    Reason.NO_IDENTIFIER,
    Reason.DUPLICATE_ROW,
    Reason.IN_EXCLUSION_FILE,
    Reason.PROTECT_LIST,
    Reason.PROTECTED_GROUP,
    Reason.IN_MARKER_GROUP,
    Reason.RECORD_TYPE,
    Reason.EXPIRY_DATE,
    Reason.PURGE_DATE,
    Reason.STAFF_ROLE,
)
_ABOUT: Final = {
    Reason.NO_IDENTIFIER: "Primary id",
    Reason.OTHER_PRIMARY_ID: "The same person in Alma",
    Reason.DUPLICATE_ROW: "Listed once in the report",
    Reason.IN_EXCLUSION_FILE: "Exclusion files",
    Reason.PROTECT_LIST: "Protect lists",
    Reason.PROTECTED_GROUP: "Protected user groups",
    Reason.LINKED_COPY: "Home institution",
    Reason.IN_MARKER_GROUP: "Purge group",
    Reason.RECORD_TYPE: "Record type",
    Reason.EXPIRY_DATE: "Expiry date",
    Reason.PURGE_DATE: "Purge date",
    Reason.STAFF_ROLE: "Staff roles",
    Reason.INSTRUCTOR: "Instructors",
    Reason.ACTIVE_LOANS: "Loans",
    Reason.ACTIVE_REQUESTS: "Requests",
    Reason.OPEN_FEES: "Fees",
    Reason.CREDIT_BALANCE: "Credit",
    Reason.BLOCKED: "Blocks",
    Reason.NOTE_TEXT: "Notes",
    Reason.PROXY: "Proxies",
    Reason.RECENT_ACTIVITY: "Recent activity",
}


def explain(cells: Mapping[str, str], basis: Basis | None) -> Explanation:
    """Explain one row of the ledger.

    Args:
        cells: The row: state, reason, detail, dates, group, fees and loans, as text.
        basis: By what the list was made; None when that is not on file.
    """
    state = RowState(cells["state"])
    reason = Reason(cells["reason"]) if cells["reason"] else None
    on_list = state is RowState.TO_PURGE
    verdict = _verdict(state, reason, cells["detail"])
    if basis is None:
        note = (
            "The settings with which this list was made are not on file, so the single rules are not shown."
        )
        return Explanation(on_list, verdict, note, ())
    order, stop = _looked_at(state, reason)
    if order is None:
        return Explanation(on_list, verdict, "Which rules had been looked at before is not on file.", ())
    reached = order[: stop + 1]
    lines = tuple(_line(each, index == stop, cells, basis) for index, each in enumerate(reached))
    left = tuple(_ABOUT[each] for each in dict.fromkeys((*order, *_LIVE_ORDER)) if each not in reached)
    return Explanation(on_list, verdict, _FROM_REPORT if state is RowState.HELD_BACK else "", lines, left)


def _verdict(state: RowState, reason: Reason | None, detail: str) -> str:
    more = f" ({detail})" if detail else ""
    why = f"{reason.label}{more}" if reason else detail
    match state:
        case RowState.TO_PURGE:
            return "On the list: no rule holds this person back."
        case RowState.NOT_IN_PILOT:
            return "Not on the list: this run is a pilot of a few people, and this person is not among them."
        case RowState.DUPLICATE:
            return f"Not counted as a person: this row of the report only repeats another one{more}."
        case RowState.TAKEN_OFF:
            return f"Not on the list: taken off by the reviewer{more}."
        case RowState.DROPPED_LIVE:
            return f"Not on the list, because of what Alma showed when everybody was looked up: {why}."
    return f"Not on the list ({state.label}): {why}." if why else f"Not on the list: {state.label}."


def _looked_at(state: RowState, reason: Reason | None) -> tuple[tuple[Reason, ...] | None, int]:
    """Return the rules in the order of looking, and the place of the one that held the person back."""
    if state in _SURE or reason is Reason.TAKEN_OFF:
        return _LIVE_ORDER, len(_LIVE_ORDER)
    order = {RowState.HELD_BACK: _REPORT_ORDER, RowState.DROPPED_LIVE: _LIVE_ORDER}.get(state, ())
    rule = _RULE_OF.get(reason, reason) if reason else None
    return (order, order.index(rule)) if rule in order else (None, 0)


def _line(rule: Reason, holds: bool, cells: Mapping[str, str], basis: Basis) -> RuleLine:  # noqa: FBT001
    about = _ABOUT[rule]
    if _is_off(rule, basis.rules):
        return RuleLine(about, Result.OFF, "The institution's settings do not ask for this.")
    if not holds:
        return RuleLine(about, Result.PASSED, _PASSED[rule](cells, basis))
    reason = Reason(cells["reason"])
    text = f"{reason.label[0].upper()}{reason.label[1:]}"
    return RuleLine(about, Result.HELD, f"{text}: {cells['detail']}." if cells["detail"] else f"{text}.")


def _is_off(rule: Reason, rules: RuleSettings) -> bool:
    switches = {
        Reason.INSTRUCTOR: rules.hold_instructors,
        Reason.BLOCKED: rules.hold_blocked,
        Reason.NOTE_TEXT: bool(rules.hold_note_texts),
        Reason.PROXY: rules.hold_proxies,
        Reason.RECENT_ACTIVITY: rules.recent_activity_days > 0,
    }
    return not switches.get(rule, True)


def _days_before(cells: Mapping[str, str], column: str, basis: Basis, what: str = "") -> str:
    """Write a date, from the report or from Alma, with its distance from the day of the list."""
    try:
        days = (basis.today - date.fromisoformat(cells[column])).days
    except ValueError:
        return "The date is not on file here."
    return f"{what}{day(cells[column])}, {_days(days)} before this list was made."


def _days(count: int) -> str:
    return f"{number(count)} {'day' if count == 1 else 'days'}"


def _expiry_date(cells: Mapping[str, str], basis: Basis) -> str:
    return _days_before(cells, "expiry_date", basis, "Expired ")


def _purge_date(cells: Mapping[str, str], basis: Basis) -> str:
    least = _days(basis.rules.days_after_purge_date)
    return f"{_days_before(cells, 'purge_date', basis)} At least {least} must have passed."


def _protected_group(cells: Mapping[str, str], basis: Basis) -> str:
    protected = ", ".join((*ALWAYS_PROTECTED_GROUPS, *basis.rules.protected_groups))
    return f"{cells.get('group') or 'This group'} is not protected. Protected: {protected}."


def _fees(cells: Mapping[str, str], basis: Basis) -> str:
    return f"Owes {amount(cells['fees'])}; up to {money(basis.rules.waive_threshold)} may be waived."


def _recent(cells: Mapping[str, str], basis: Basis) -> str:
    limit = _days(basis.rules.recent_activity_days)
    return f"{_days_before(cells, 'last_activity', basis, 'Last activity ')} The limit is {limit}."


def _said(text: str) -> Callable[[Mapping[str, str], Basis], str]:
    return lambda cells, basis: text


_PASSED: Final[Mapping[Reason, Callable[[Mapping[str, str], Basis], str]]] = {
    Reason.NO_IDENTIFIER: _said("The report has one."),
    Reason.OTHER_PRIMARY_ID: _said("Alma knows this person by exactly this primary id."),
    Reason.DUPLICATE_ROW: _said("No other row has this primary id."),
    Reason.IN_EXCLUSION_FILE: _said(
        "In none of them, neither by an id nor by name where a row there has no id."
    ),
    Reason.PROTECT_LIST: _said("In none of them."),
    Reason.PROTECTED_GROUP: _protected_group,
    Reason.LINKED_COPY: _said("This institution, not a copy of another one's record."),
    Reason.IN_MARKER_GROUP: lambda cells, basis: f"Was not in {basis.marker_group} before this run.",
    Reason.RECORD_TYPE: lambda cells, basis: (
        f"A type that may be purged ({', '.join(basis.rules.record_types)})."
    ),
    Reason.EXPIRY_DATE: _expiry_date,
    Reason.PURGE_DATE: _purge_date,
    Reason.STAFF_ROLE: _said("No active staff role."),
    Reason.INSTRUCTOR: _said("No active Instructor role."),
    Reason.ACTIVE_LOANS: _said("No active loan."),
    Reason.ACTIVE_REQUESTS: _said("No active request."),
    Reason.OPEN_FEES: _fees,
    Reason.CREDIT_BALANCE: _said("The library owes this person nothing."),
    Reason.BLOCKED: _said("No active block."),
    Reason.NOTE_TEXT: _said("No note with one of the texts in the settings."),
    Reason.PROXY: _said("Not a proxy for anybody."),
    Reason.RECENT_ACTIVITY: _recent,
}
