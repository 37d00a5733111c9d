"""Who on the report may be a candidate: everyone whom no exclusion file and no rule holds back.

Only the rules that the report itself can decide; the live check applies all of them to fresh records.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.identifiers import folded, folded_column
from patron_purge.institution import RuleSettings
from patron_purge.ledger import LEDGER_COLUMNS
from patron_purge.protect_list import ProtectList
from patron_purge.rules.identity import ALWAYS_PROTECTED_GROUPS
from patron_purge.states import Reason, RowState

if TYPE_CHECKING:
    import pandas as pd

    _Hits = tuple[Reason, "pd.Series[bool]", "pd.Series[str] | str"]

_NO_OTHER_ROLE: Final = frozenset({"", "n", "no", "0", "0.0", "false"})
_RECORD_TYPES: Final = {"public": "PUBLIC", "staff": "STAFF", "contact": "CONTACT"}


def select_candidates(
    report: "pd.DataFrame",
    *,
    index: ExclusionIndex,
    rules: RuleSettings,
    protect: ProtectList,
    marker_group_names: Collection[str],
    group_names: Mapping[str, str],
    today: date,
) -> "pd.DataFrame":
    """Subtract the exclusions from the report and apply the rules that the report can decide.

    The first reason in the order of `Reason` is noted. A rule whose column the report lacks is left to the
    live check. A candidate is somebody whom nothing held back.

    Args:
        report: The table of `build_report`, in any order of rows.
        index: Match keys of the exclusion files.
        rules: Settings of the rules.
        protect: The protect list.
        marker_group_names: Code and description of the marker group.
        group_names: Description of every user group by its code; the report shows one or the other.
        today: Today in the institution's time zone.

    Returns:
        The ledger by row number: each report row as `candidate`, `held_back` or `duplicate`.
    """
    import pandas as pd

    table = report.sort_values("row", kind="stable", ignore_index=True)
    keys = folded_column(table["primary_id"])
    same_as = _same_as(table, keys)
    reason = pd.Series("", index=table.index, dtype="str")
    detail = pd.Series("", index=table.index, dtype="str")
    for code, hit, value in (
        *_identifier_rules(table, keys),
        *_list_rules(table, keys, index, protect, group_names),
        *_group_rules(table, rules, marker_group_names, group_names),
        *_record_rules(table, rules, today),
    ):
        first = hit & (reason == "")
        reason = reason.mask(first, str(code))
        detail = detail.mask(first, value)
    state = pd.Series(str(RowState.CANDIDATE), index=table.index, dtype="str")
    state = state.mask(reason != "", str(RowState.HELD_BACK))
    repeated = same_as != ""
    state = state.mask(repeated, str(RowState.DUPLICATE))
    return _ledger(table, state, reason.mask(repeated, ""), detail.mask(repeated, same_as))


def _same_as(table: "pd.DataFrame", keys: "pd.Series[str]") -> "pd.Series[str]":
    """Return for each row that repeats an earlier one in every column which one it repeats."""
    import pandas as pd

    found = pd.Series("", index=table.index, dtype="str")
    columns = [name for name in table.columns if name != "row"]
    shared = (keys != "") & keys.duplicated(keep=False)
    repeats = table.loc[shared]
    if len(repeats):
        first_row = repeats.groupby(columns, sort=False)["row"].transform("min")
        later = first_row != repeats["row"]
        found.loc[repeats.index[later]] = "same as row " + first_row[later].astype("str")
    return found


def _identifier_rules(table: "pd.DataFrame", keys: "pd.Series[str]") -> Iterator["_Hits"]:
    yield Reason.NO_IDENTIFIER, keys == "", ""
    # An identifier that stands twice is held back: a report that lists a person twice has joined or paged
    # wrongly, and nobody knows in which row. Plain repeats of a row are not people of their own.
    conflicting = (keys != "") & keys.duplicated(keep=False)
    yield Reason.DUPLICATE_ROW, conflicting, ""


def _list_rules(
    table: "pd.DataFrame",
    keys: "pd.Series[str]",
    index: ExclusionIndex,
    protect: ProtectList,
    group_names: Mapping[str, str],
) -> Iterator["_Hits"]:
    files = index.files_of_column(keys)
    yield Reason.IN_EXCLUSION_FILE, files != "", files
    if {"first_name", "last_name"}.issubset(table.columns):
        files = index.files_of_names(table["first_name"], table["last_name"])
        yield Reason.NAME_IN_EXCLUSION_FILE, files != "", files
    protected = _protected_details(table, keys, protect, group_names)
    yield Reason.PROTECT_LIST, protected.notna(), protected.fillna("")


def _protected_details(
    table: "pd.DataFrame", keys: "pd.Series[str]", protect: ProtectList, group_names: Mapping[str, str]
) -> "pd.Series[str]":
    """Return the protect list's detail for each row, missing where nothing matches."""
    import pandas as pd

    by_group: dict[str, str | None] = {}
    for group in table["user_group"].unique():
        finding = protect.match((), groups=_names_of(group, group_names))
        by_group[group] = None if finding is None else finding.detail
    details = [by_group[group] for group in table["user_group"]]
    if protect.ids or protect.patterns:
        entries = [protect.entry_of_identifier(key) for key in keys]
        details = [
            entry.finding.detail if entry else detail for entry, detail in zip(entries, details, strict=True)
        ]
    return pd.Series(details, index=table.index, dtype="str")


def _group_rules(
    table: "pd.DataFrame",
    rules: RuleSettings,
    marker_group_names: Collection[str],
    group_names: Mapping[str, str],
) -> Iterator["_Hits"]:
    groups = table["user_group"]
    for reason, wanted in (
        (Reason.PROTECTED_GROUP, (*ALWAYS_PROTECTED_GROUPS, *rules.protected_groups)),
        (Reason.IN_MARKER_GROUP, tuple(marker_group_names)),
    ):
        held = {name for each in wanted for name in _names_of(each, group_names)}
        in_held = {group: not held.isdisjoint(_names_of(group, group_names)) for group in groups.unique()}
        yield reason, groups.map(in_held).astype(bool), groups


def _names_of(group: str, group_names: Mapping[str, str]) -> set[str]:
    """Return the folded code and description of a group given by either."""
    given = folded(group)
    names = {given}
    for code, description in group_names.items():
        pair = {folded(code), folded(description)}
        if given in pair:
            names |= pair
    return names - {""}


def _record_rules(table: "pd.DataFrame", rules: RuleSettings, today: date) -> Iterator["_Hits"]:
    if "record_type" in table.columns:
        types = table["record_type"]
        allowed = {text: _record_type_allowed(text, rules) for text in types.unique()}
        yield Reason.RECORD_TYPE, ~types.map(allowed).astype(bool), types
    if "expiry_date" in table.columns:
        expiry = table["expiry_date"]
        yield Reason.EXPIRY_DATE, (expiry == "") | (expiry >= today.isoformat()), expiry
    purge = table["purge_date"]
    last_due = (today - timedelta(days=rules.days_after_purge_date)).isoformat()
    yield Reason.PURGE_DATE, (purge == "") | (purge > last_due), purge
    if "has_other_role" in table.columns:
        roles = table["has_other_role"]
        harmless = {text: folded(text) in _NO_OTHER_ROLE for text in roles.unique()}
        yield Reason.STAFF_ROLE, ~roles.map(harmless).astype(bool), roles


def _record_type_allowed(text: str, rules: RuleSettings) -> bool:
    """Tell whether a record type may be purged; an empty one is left to the live check."""
    key = folded(text)
    return not key or _RECORD_TYPES.get(key) in rules.record_types


def _ledger(
    table: "pd.DataFrame", state: "pd.Series[str]", reason: "pd.Series[str]", detail: "pd.Series[str]"
) -> "pd.DataFrame":
    import pandas as pd

    empty = pd.Series("", index=table.index, dtype="str")
    given = {
        **{name: table[name] for name in table.columns},
        "report_group": table["user_group"],
        "state": state,
        "reason": reason,
        "detail": detail,
    }
    return pd.DataFrame({name: given.get(name, empty) for name in LEDGER_COLUMNS})
