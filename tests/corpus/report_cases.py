"""Every odd report with what has to become of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NINE = (
    "0",
    "Primary Identifier",
    "User Group",
    "Expiry Date",
    "Purge Date",
    "Days between Today and Purge Date",
    "User ID",
    "First Name",
    "Last Name",
    "Has Role other than Patron and Instructor",
)
FIVE = ("0", "Primary ID", "User Record Type", "User Group", "Purge Date", "Days in the Past")
FORMULA = 'TIMESTAMPDIFF(SQL_TSI_DAY, "User Details"."Purge Date", CURRENT_DATE)'
ROW = ("0", "p1", "Faculty", "2025-05-31", "2026-05-31", "180", "17", "Pat", "Sample", "N")
FIVE_ROW = ("0", "p1", "Public", "Faculty", "2026-05-31", "180")
PERSON = {
    "primary_id": "p1",
    "user_group": "Faculty",
    "expiry_date": "2025-05-31",
    "purge_date": "2026-05-31",
    "first_name": "Pat",
    "last_name": "Sample",
    "has_other_role": "N",
}
FIVE_PERSON = {
    "primary_id": "p1",
    "user_group": "Faculty",
    "purge_date": "2026-05-31",
    "record_type": "Public",
}


@dataclass(frozen=True)
class ReportCase:
    """One report: headings and cells in the order of Column0, Column1, …, and the rows or the refusal's words."""

    name: str
    headings: Sequence[str]
    cells: Sequence[Sequence[str | None]]
    expected: Sequence[Mapping[str, str]] | str
    row_cap: int = 65_000
    absent: bool = False


def replaced(values: Sequence[str], old: str, new: str) -> tuple[str, ...]:
    assert old in values
    return tuple(new if value == old else value for value in values)


def changed(place: int, cell: str | None) -> tuple[str | None, ...]:
    return tuple(cell if position == place else value for position, value in enumerate(ROW))


REPORT_CASES = (
    ReportCase("nine-columns", NINE, [ROW], [PERSON]),
    ReportCase("five-columns", FIVE, [FIVE_ROW], [FIVE_PERSON]),
    ReportCase("other-order", NINE[::-1], [ROW[::-1]], [PERSON]),
    ReportCase("other-case-and-bom", [f"\ufeff{text.upper()} " for text in NINE], [ROW], [PERSON]),
    ReportCase("formula-heading-of-a-number", replaced(NINE, NINE[5], FORMULA), [ROW], [PERSON]),
    ReportCase("formula-heading-of-column-0", replaced(NINE, "0", "s_0"), [ROW], [PERSON]),
    ReportCase(
        "formula-heading-of-the-id", replaced(NINE, NINE[1], "IFNULL(id, 0)"), [ROW], "lacks 1 needed column"
    ),
    ReportCase("renamed-purge-date", replaced(NINE, "Purge Date", "Purge On"), [ROW], '"Purge Date"'),
    ReportCase("id-heading-twice", (*NINE, NINE[1]), [(*ROW, "p2")], '2 columns headed "Primary Identifier"'),
    ReportCase(
        "date-heading-twice", (*NINE, NINE[4]), [(*ROW, "2026-01-01")], '2 columns headed "Purge Date"'
    ),
    ReportCase("unused-heading-twice", (*NINE, NINE[5]), [(*ROW, "180")], [PERSON]),
    ReportCase(
        "absent-cells",
        NINE,
        [("0", "p1", "Faculty", None, None, None, None, None, None, None)],
        [{**dict.fromkeys(PERSON, ""), "primary_id": "p1", "user_group": "Faculty"}],
        absent=True,
    ),
    ReportCase("null-cells", NINE, [changed(7, None)], [PERSON | {"first_name": ""}]),
    ReportCase("null-purge-date", NINE, [changed(4, "0001-01-01")], [PERSON | {"purge_date": ""}]),
    ReportCase("null-expiry-time", NINE, [changed(3, "0001-01-01T00:00:00")], [PERSON | {"expiry_date": ""}]),
    ReportCase("us-date", NINE, [changed(4, "5/31/2026")], [PERSON]),
    ReportCase(
        "unreadable-date",
        NINE,
        [ROW, changed(4, "soon")],
        "1 unreadable date(s) in the column purge date: row 2",
    ),
    ReportCase("id-kept-byte-for-byte", NINE, [changed(1, " 00NA ")], [PERSON | {"primary_id": " 00NA "}]),
    ReportCase("below-the-row-cap", NINE, [ROW] * 4, [PERSON] * 4, row_cap=5),
    ReportCase(
        "at-the-row-cap",
        NINE,
        [ROW] * 5,
        "has 5 rows or more, and Analytics cuts reports off at 5",
        row_cap=5,
    ),
    ReportCase("empty", NINE, [], []),
    ReportCase("no-headings", (), [], "lacks 3 needed column(s)"),
)
