"""The workbook in which a reviewer reads the list before deciding."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from patron_purge.amounts import money, number
from patron_purge.changes import Changes
from patron_purge.ledger import LEDGER_COLUMNS
from patron_purge.review_model import Review
from patron_purge.rules import rules_table
from patron_purge.states import Reason, RowState
from patron_purge.workbook_cells import Value
from patron_purge.workbook_file import Sheet, workbook_file

if TYPE_CHECKING:
    import pandas as pd

_PERSON = (
    ("Row", 8),
    ("Primary ID", 24),
    ("First name", 18),
    ("Last name", 22),
    ("User group", 16),
    ("Description of the group", 26),
    ("Expiry date", 13),
    ("Purge date", 13),
    ("Last activity", 13),
    ("Fees", 10),
    ("Loans", 8),
)
# A spreadsheet counts days from 1900, the first two months of it wrongly.
_YEAR_ZERO = 1900
_AS_PREPARED = "The list as it was prepared. Whoever is taken off on the review page later still stands here."
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
_WHY = (("State", 28), ("Reason", 40), ("Detail", 50))


def review_workbook(
    review: Review, ledger: "pd.DataFrame", changes: Changes, group_names: Mapping[str, str]
) -> bytes:
    """Write the workbook for the reviewer.

    Args:
        review: The review.
        ledger: The ledger as it is put before the approver, all columns but `row` as text.
        changes: The comparison with an earlier run.
        group_names: Description of every user group by its code.

    Returns:
        An xlsx file with the sheets Summary, To purge, Held back, Changes, Inputs and Rules. It holds personal
        data.
    """
    on_list = ledger["state"] == RowState.TO_PURGE
    return workbook_file(
        (
            Sheet("Summary", (("What", 68), ("Value", 70), ("Remark", 40)), list(_summary(review, changes))),
            Sheet("To purge", _PERSON, list(_people(ledger.loc[on_list], group_names, with_reason=False))),
            Sheet(
                "Held back",
                (*_PERSON, *_WHY),
                list(_people(ledger.loc[~on_list], group_names, with_reason=True)),
            ),
            _changes(changes, group_names),
            _inputs(review),
            _rules(review),
        )
    )


def _summary(review: Review, changes: Changes) -> Iterator[tuple[Value, ...]]:
    """Yield what the review says, one line for each fact."""
    facts: tuple[tuple[str, Value], ...] = (
        ("Institution", f"{review.institution_name} ({review.institution_code})"),
        ("Environment", review.environment.upper()),
        ("Run", review.run_id),
        ("Mode", review.mode.label),
        ("Prepared", f"{review.created_at:%Y-%m-%d %H:%M %Z}"),
        ("What this shows", _AS_PREPARED),
        ("People to purge", review.count),
        ("Equation", review.equation.text),
        ("Changes", changes.note),
        ("Money to be waived", money(review.money.total)),
        ("Largest amount of one person", money(review.money.largest)),
        ("People who owe anything", review.money.people),
        ("Purge group", review.marker_group),
        ("Digest", review.digest),
    )
    yield from ((what, value, None) for what, value in facts)
    for group in review.by_group:
        change = "" if group.change is None else f"{group.change:+,} against the last full run"
        name = f"{group.code} {group.description}".strip()
        yield f"User group {name}", group.count, "new this time" if group.is_new else change
    yield from ((band.label, band.count, None) for band in review.by_age)
    for guard in review.guards:
        remark = "" if guard.override is None else f"limit set to {number(guard.override)} for this run"
        yield f"Limit {guard.name}: {guard.level.label}", guard.sentence, remark
    for job in review.jobs:
        yield from ((f"{job.name} ({job.id}): {each.name}", each.value, None) for each in job.parameters)


def _people(
    rows: "pd.DataFrame", group_names: Mapping[str, str], *, with_reason: bool
) -> Iterator[tuple[Value, ...]]:
    """Yield one line for each row of the ledger."""
    # The last column, whether the group was given back, is empty before a purge.
    columns = (rows[name].tolist() for name in LEDGER_COLUMNS[:-1])
    for row, key, first, last, told, group, expiry, purge, active, fees, loans, state, reason, detail in zip(
        *columns, strict=True
    ):
        person = (
            int(row),
            key,
            first,
            last,
            *_group(group or told, group_names),
            _date(expiry),
            _date(purge),
            _date(active),
            _number(fees),
            _number(loans),
        )
        yield (*person, RowState(state).label, _reason(reason), detail) if with_reason else person


def _changes(changes: Changes, group_names: Mapping[str, str]) -> Sheet:
    """Describe the changes, or say why there are none."""
    headings = (
        ("Change", 24),
        ("Primary ID", 24),
        ("First name", 18),
        ("Last name", 22),
        ("User group", 16),
        ("Description of the group", 26),
        ("In the earlier run", 50),
        ("In this run", 50),
    )
    rows: list[tuple[Value, ...]] = [
        (
            str(one.kind),
            one.primary_id,
            one.first_name,
            one.last_name,
            *_group(one.user_group, group_names),
            one.then,
            one.now,
        )
        for one in changes.rows
    ]
    return Sheet("Changes", headings, rows or [(changes.note, *(None,) * (len(headings) - 1))])


def _inputs(review: Review) -> Sheet:
    """Describe each input file."""
    headings = (
        ("File", 60),
        ("Data of (local time)", 22),
        ("Age in hours", 14),
        ("Rows", 10),
        ("Rows without primary ID", 24),
        ("People held back", 18),
        ("SHA-256", 68),
    )
    rows: list[tuple[Value, ...]] = [
        (one.name, one.data_date, one.age_hours, one.rows, one.without_id, one.matched, one.sha256)
        for one in review.inputs
    ]
    return Sheet("Inputs", headings, rows)


def _rules(review: Review) -> Sheet:
    """Describe every rule with the number of people whom it held back."""
    headings = (("Code", 26), ("Rule", 60), ("Settings", 40), ("People held back", 18))
    held = {each.code: each.count for each in review.by_reason}
    rows: list[tuple[Value, ...]] = [
        (rule.reason.value, rule.sentence, ", ".join(rule.settings), held.get(rule.reason.value, 0))
        for rule in rules_table()
    ]
    return Sheet("Rules", headings, rows)


def _group(told: str, group_names: Mapping[str, str]) -> tuple[str, str]:
    """Return code and description; the report may have told the description only."""
    if told in group_names:
        return told, group_names[told]
    return ("", told) if told in group_names.values() else (told, "")


@lru_cache(maxsize=100)
def _reason(code: str) -> str:
    """Turn the code of a reason into words."""
    return Reason(code).label if code else ""


@lru_cache(maxsize=100_000)
def _date(text: str) -> date | str:
    """Read a date of the ledger; what a spreadsheet can't show as a date stays as it is."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return text
    return found if found.year > _YEAR_ZERO else text


@lru_cache(maxsize=100_000)
def _number(text: str) -> Decimal | str:
    """Read an amount or a count of the ledger; what is none stays as it is, for the reviewer to see."""
    return Decimal(text) if _PLAIN_NUMBER.fullmatch(text) else text
