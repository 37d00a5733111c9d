"""Who on the report may be a candidate: everyone whom no exclusion file and no rule holds back.

Only the rules that the report itself can decide; the live check applies all of them to fresh records.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.identifiers import folded, folded_all
from patron_purge.institution import RuleSettings
from patron_purge.ledger import LEDGER_COLUMNS
from patron_purge.protect_list import ProtectList
from patron_purge.states import Reason, RowState
from patron_purge.user_groups import group_keys, is_always_protected

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    _Flags = NDArray[np.bool_]
    _Texts = NDArray[np.object_]
    _Hits = tuple[Reason, _Flags, _Texts | None]

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
    table = _in_order(report)
    keys = folded_all(table["primary_id"].tolist())
    reason, detail = _empty(table), _empty(table)
    free = reason == ""
    shared = _shared(keys)
    for code, hit, value in (
        *_identifier_rules(keys, shared),
        *_list_rules(table, keys, index, protect, group_names),
        *_group_rules(table, rules, marker_group_names, group_names),
        *_record_rules(table, rules, today),
    ):
        first = hit & free
        reason[first] = str(code)
        if value is not None:
            detail[first] = value[first]
        free &= ~hit
    state = _empty(table)
    state[free], state[~free] = str(RowState.CANDIDATE), str(RowState.HELD_BACK)
    same_as = _same_as(table, shared)
    repeated = same_as != ""
    state[repeated], reason[repeated], detail[repeated] = str(RowState.DUPLICATE), "", same_as[repeated]
    return _ledger(table, {"state": state, "reason": reason, "detail": detail})


def _in_order(report: "pd.DataFrame") -> "pd.DataFrame":
    if report["row"].is_monotonic_increasing:
        return report.reset_index(drop=True)
    return report.sort_values("row", kind="stable", ignore_index=True)


def _empty(table: "pd.DataFrame") -> "_Texts":
    import numpy as np

    return np.full(len(table), "", dtype=object)


def _texts(texts: Sequence[str]) -> "_Texts":
    import numpy as np

    return np.array(texts, dtype=object)


def _flags(texts: Sequence[str], decide: Callable[[str], bool]) -> "_Flags":
    """Decide about every text of a column; few of them differ in most columns, so each is judged once."""
    import numpy as np

    answers = {text: decide(text) for text in set(texts)}
    if not any(answers.values()):
        return np.zeros(len(texts), dtype=bool)
    return np.fromiter(map(answers.__getitem__, texts), dtype=bool, count=len(texts))


def _shared(keys: Sequence[str]) -> "_Flags":
    """Tell which rows share their identifier with another row."""
    import numpy as np
    import pandas as pd

    if len(set(keys)) == len(keys):
        return np.zeros(len(keys), dtype=bool)
    column = pd.Series(keys, dtype=object)
    return ((column != "") & column.duplicated(keep=False)).to_numpy()


def _same_as(table: "pd.DataFrame", shared: "_Flags") -> "_Texts":
    """Return for each row that repeats an earlier one in every column which one it repeats."""
    found = _empty(table)
    columns = [name for name in table.columns if name != "row"]
    repeats = table.loc[shared]
    if len(repeats):
        first_row = repeats.groupby(columns, sort=False)["row"].transform("min")
        later = first_row != repeats["row"]
        found[repeats.index[later]] = "same as row " + first_row[later].astype("str")
    return found


def _identifier_rules(keys: Sequence[str], shared: "_Flags") -> Iterator["_Hits"]:
    yield Reason.NO_IDENTIFIER, _texts(keys) == "", None
    # An identifier that stands twice is held back: a report that lists a person twice has joined or paged
    # wrongly, and nobody knows in which row. Plain repeats of a row are not people of their own.
    yield Reason.DUPLICATE_ROW, shared, None


def _list_rules(
    table: "pd.DataFrame",
    keys: Sequence[str],
    index: ExclusionIndex,
    protect: ProtectList,
    group_names: Mapping[str, str],
) -> Iterator["_Hits"]:
    yield _where_found(Reason.IN_EXCLUSION_FILE, index.files_of_keys(keys))
    if {"first_name", "last_name"}.issubset(table.columns):
        files = index.files_of_names(table["first_name"], table["last_name"])
        yield _where_found(Reason.NAME_IN_EXCLUSION_FILE, files.tolist())
    yield _protected(table["user_group"].tolist(), keys, protect, group_names)


def _where_found(reason: Reason, files: Sequence[str]) -> "_Hits":
    found = _texts(files)
    return reason, found != "", found


def _protected(
    groups: Sequence[str], keys: Sequence[str], protect: ProtectList, group_names: Mapping[str, str]
) -> "_Hits":
    """Apply the protect list: entries for the identifier before entries for the group."""
    by_group: dict[str, str] = {}
    for group in set(groups):
        finding = protect.match((), groups=group_keys(group, group_names))
        by_group[group] = finding.detail if finding else ""
    found = [by_group[group] for group in groups]
    if protect.ids or protect.patterns:
        entries = map(protect.entry_of_identifier, keys)
        found = [
            entry.finding.detail if entry else detail for entry, detail in zip(entries, found, strict=True)
        ]
    return _where_found(Reason.PROTECT_LIST, found)


def _group_rules(
    table: "pd.DataFrame",
    rules: RuleSettings,
    marker_group_names: Collection[str],
    group_names: Mapping[str, str],
) -> Iterator["_Hits"]:
    groups = table["user_group"]
    keys_of = {group: group_keys(group, group_names) for group in groups.unique()}
    for reason, wanted, always in (
        (Reason.PROTECTED_GROUP, rules.protected_groups, is_always_protected),
        (Reason.IN_MARKER_GROUP, marker_group_names, lambda _keys: False),
    ):
        held = {key for each in wanted for key in group_keys(each, group_names)}
        in_held = [group for group, keys in keys_of.items() if always(keys) or not held.isdisjoint(keys)]
        yield _by_value(reason, groups, in_held.__contains__)


def _by_value(reason: Reason, column: "pd.Series[str]", holds: Callable[[str], bool]) -> "_Hits":
    """Apply a rule that looks at one column, and note the value that did it."""
    return reason, _flags(column.tolist(), holds), column.to_numpy()


def _record_rules(table: "pd.DataFrame", rules: RuleSettings, today: date) -> Iterator["_Hits"]:
    last_expired = (today - timedelta(days=1)).isoformat()
    last_due = (today - timedelta(days=rules.days_after_purge_date)).isoformat()
    checks: tuple[tuple[Reason, str, Callable[[str], bool]], ...] = (
        (Reason.RECORD_TYPE, "record_type", lambda text: not _record_type_allowed(text, rules)),
        (Reason.EXPIRY_DATE, "expiry_date", lambda day: day == "" or day > last_expired),
        (Reason.PURGE_DATE, "purge_date", lambda day: day == "" or day > last_due),
        (Reason.STAFF_ROLE, "has_other_role", lambda text: folded(text) not in _NO_OTHER_ROLE),
    )
    for reason, name, holds in checks:
        if name in table.columns:
            yield _by_value(reason, table[name], holds)


def _record_type_allowed(text: str, rules: RuleSettings) -> bool:
    """Tell whether a record type may be purged; an empty one is left to the live check."""
    key = folded(text)
    return not key or _RECORD_TYPES.get(key) in rules.record_types


def _ledger(table: "pd.DataFrame", found: Mapping[str, "_Texts"]) -> "pd.DataFrame":
    import pandas as pd

    empty = pd.Series("", index=table.index, dtype="str")
    given = {
        **{name: table[name] for name in table.columns},
        "report_group": table["user_group"],
        **{name: pd.Series(texts, index=table.index, dtype="str") for name, texts in found.items()},
    }
    # Columns share their memory with the report until somebody writes to one (pandas copies on write).
    return pd.DataFrame({name: given.get(name, empty) for name in LEDGER_COLUMNS}, copy=False)
