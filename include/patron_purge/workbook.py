"""The workbook in which a reviewer reads the list before deciding."""

from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from patron_purge.amounts import money, number
from patron_purge.review_model import Review
from patron_purge.rules import rules_table
from patron_purge.states import Reason, RowState
from patron_purge.workbook_cells import Sheet

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook

_PERSON = (
    ("Row", 8),
    ("Primary ID", 24),
    ("First name", 18),
    ("Last name", 22),
    ("User group", 18),
    ("Expiry date", 13),
    ("Purge date", 13),
    ("Last activity", 13),
    ("Fees", 10),
    ("Loans", 8),
)


def review_workbook(review: Review, ledger: "pd.DataFrame") -> bytes:
    """Write the workbook for the reviewer.

    Args:
        review: The review.
        ledger: The ledger after the live check, all columns as text.

    Returns:
        An xlsx file with the sheets Summary, To purge, Held back, Inputs and Rules. It holds personal data.
    """
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    _summary(workbook, review)
    _people(workbook, "To purge", ledger.loc[ledger["state"] == RowState.TO_PURGE.value], with_reason=False)
    _people(workbook, "Held back", ledger.loc[ledger["state"] != RowState.TO_PURGE.value], with_reason=True)
    _inputs(workbook, review)
    _rules(workbook, review)
    content = BytesIO()
    workbook.save(content)
    return content.getvalue()


def _summary(workbook: "Workbook", review: Review) -> None:
    """Write what the review says, one line for each fact."""
    sheet = Sheet(workbook.create_sheet("Summary"), (("What", 40), ("Value", 60), ("Remark", 60)))
    for what, value in (
        ("Institution", f"{review.institution_name} ({review.institution_code})"),
        ("Environment", review.environment.upper()),
        ("Run", review.run_id),
        ("Mode", review.mode.value),
        ("Prepared", f"{review.created_at:%Y-%m-%d %H:%M %Z}"),
        ("People to purge", review.count),
        ("Equation", review.equation.text),
        ("Money to be waived", money(review.money.total)),
        ("Largest amount of one person", money(review.money.largest)),
        ("People who owe anything", review.money.people),
        ("Marker group", review.marker_group),
        ("Digest", review.digest),
    ):
        sheet.add(what, value)
    for group in review.by_group:
        change = "" if group.change is None else f"{group.change:+,} against the last full run"
        name = f"{group.code} {group.description}".strip()
        sheet.add(f"User group {name}", group.count, "new this time" if group.is_new else change)
    for band in review.by_age:
        sheet.add(band.label, band.count)
    for guard in review.guards:
        remark = "" if guard.override is None else f"limit set to {number(guard.override)} for this run"
        sheet.add(f"Guard {guard.name}: {guard.level.value}", guard.sentence, remark)
    for job in review.jobs:
        for parameter in job.parameters:
            sheet.add(f"{job.name} ({job.id}): {parameter.name}", parameter.value)


def _people(workbook: "Workbook", title: str, rows: "pd.DataFrame", *, with_reason: bool) -> None:
    """Write one line for each row of the ledger."""
    why = (("State", 26), ("Reason", 40), ("Detail", 50)) if with_reason else ()
    sheet = Sheet(workbook.create_sheet(title), (*_PERSON, *why))
    for person in rows.to_dict("records"):
        cells = {str(column): str(value) for column, value in person.items()}
        reason = _reason(cells["reason"])
        state = RowState(cells["state"]).label
        sheet.add(
            int(cells["row"]),
            cells["primary_id"],
            cells["first_name"],
            cells["last_name"],
            cells["original_group"] or cells["report_group"],
            _date(cells["expiry_date"]),
            _date(cells["purge_date"]),
            _date(cells["last_activity"]),
            cells["fees"],
            cells["loans"],
            *((state, reason, cells["detail"]) if with_reason else ()),
        )


def _inputs(workbook: "Workbook", review: Review) -> None:
    """Write one line for each input file."""
    headings = (
        ("File", 60),
        ("Data of", 18),
        ("Age in hours", 14),
        ("Rows", 10),
        ("Rows without primary ID", 24),
        ("People held back", 18),
        ("SHA-256", 60),
    )
    sheet = Sheet(workbook.create_sheet("Inputs"), headings)
    for item in review.inputs:
        when: date | datetime | None = item.data_date
        age, rows = item.age_hours, item.rows
        sheet.add(item.name, when, age, rows, item.without_id, item.matched, item.sha256)


def _rules(workbook: "Workbook", review: Review) -> None:
    """Write every rule with the number of people whom it held back."""
    headings = (("Code", 26), ("Rule", 60), ("Settings", 40), ("People held back", 18))
    sheet = Sheet(workbook.create_sheet("Rules"), headings)
    held = {each.code: each.count for each in review.by_reason}
    for rule in rules_table():
        sheet.add(rule.reason.value, rule.sentence, ", ".join(rule.settings), held.get(rule.reason.value, 0))


def _reason(code: str) -> str:
    """Turn the code of a reason into words."""
    return Reason(code).label if code else ""


def _date(text: str) -> date | str:
    """Read a date of the ledger; what is no date stays as it is, for the reviewer to see."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text
