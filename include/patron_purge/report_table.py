"""The Analytics report of people whose purge date has passed, as a table with fixed column names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from patron_purge.dates import NULL_DATE, parse_date
from patron_purge.errors import InputRefusedError
from patron_purge.identifiers import folded_column, folded_heading
from patron_purge.institution import ReportSettings
from patron_purge.tables import damaged, read_table_csv, table_csv
from patron_purge.wording import numbers_quoted

if TYPE_CHECKING:
    import pandas as pd

_ALIASES: Final = {
    "user_group": ("User Group", "User Group Description", "User Group Code"),
    "expiry_date": ("Expiry Date", "Expiration Date"),
    "purge_date": ("Purge Date",),
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "has_other_role": (
        "Has Role other than Patron and Instructor",
        "Has Roles other than Patron and Instructor",
        "Has Role other than Patron or Instructor",
    ),
    "record_type": ("User Record Type", "Record Type"),
}
_REQUIRED: Final = ("primary_id", "user_group", "purge_date")
_DATES: Final = ("expiry_date", "purge_date")
_NO_DATES: Final = ("", NULL_DATE.isoformat())

_ROWS_AT_ONCE: Final = 1000

REPORT_COLUMNS: Final = ("row", "primary_id", *_ALIASES)
"""Every column the table may have, in this order; optional ones only stand there when the report has them."""


@dataclass(frozen=True, slots=True)
class ReportHeading:
    """One column of the report as Analytics sends it.

    Attributes:
        key: Name of the cell in each row, such as `Column3`; the number says nothing about the meaning.
        heading: Heading shown to people, such as `Primary Identifier`.
    """

    key: str
    heading: str


def build_report(
    columns: Sequence[ReportHeading], rows: Iterable[Mapping[str, str | None]], *, settings: ReportSettings
) -> "pd.DataFrame":
    """Turn the report's cells into a table, without ever holding more than a few of the rows as they came.

    Columns are found by heading, never by position (Analytics may change the order, and headings do drift).
    The CARLI report exists with nine columns and, older, with five: without names, expiry date and roles.

    Args:
        columns: The report's columns.
        rows: Cells by column key; an empty cell may be missing or None. They are taken as they come and not
            taken any further once the row cap is reached.
        settings: Headings of the id column and the number of rows at which Analytics cuts a report off.

    Returns:
        A table with `row` (whole number from 1) and text columns `primary_id` (byte for byte), `user_group`,
        `purge_date`, and those of `expiry_date`, `first_name`, `last_name`, `has_other_role` and
        `record_type` that the report has. Dates are `YYYY-MM-DD`, or empty when missing.

    Raises:
        InputRefusedError: A needed column is missing or there twice, a date is unreadable, or the report
            reached the row cap.
    """
    import pandas as pd

    keys = {name: column.key for name, column in _columns_found(columns, settings).items()}
    parts = list(_parts(keys, rows, settings))
    table = pd.concat(parts, ignore_index=True) if parts else _table(keys, [])
    for name in _DATES:
        if name in keys:
            table[name] = _iso_dates(table[name], name)
    table.insert(0, "row", range(1, len(table) + 1))
    return table.astype({"row": "int64"})


def _parts(
    keys: Mapping[str, str], rows: Iterable[Mapping[str, str | None]], settings: ReportSettings
) -> "Iterator[pd.DataFrame]":
    """Yield the rows as small tables."""
    remaining = iter(rows)
    # The same few groups, dates and names stand in many rows; each text is held once.
    texts: dict[str, str] = {}
    total = 0
    while cells := [_cells(keys, row, texts) for row in islice(remaining, _ROWS_AT_ONCE)]:
        total += len(cells)
        if total >= settings.row_cap:
            raise _refusal(
                f"has {total:,} rows or more, and Analytics cuts reports off at {settings.row_cap:,}, so people "
                "may be missing. Filter the report in Analytics so that it is shorter, or raise "
                "report.row_cap if your Analytics returns more"
            )
        yield _table(keys, cells)


def _cells(keys: Mapping[str, str], row: Mapping[str, str | None], texts: dict[str, str]) -> list[str]:
    given = ((name, row.get(key) or "") for name, key in keys.items())
    return [text if name == "primary_id" else texts.setdefault(text, text) for name, text in given]


def _table(keys: Mapping[str, str], cells: list[list[str]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(cells, columns=list(keys), dtype="str")


def require_ids(
    report: "pd.DataFrame", columns: Sequence[ReportHeading], *, settings: ReportSettings
) -> None:
    """Make sure that the id column holds ids: a few people may lack one, but not most of them.

    Args:
        report: The table of `build_report`.
        columns: The report's columns.
        settings: Headings of the id column.

    Raises:
        InputRefusedError: The id column is empty in every row or in more than half of the rows.
    """
    empty = int((folded_column(report["primary_id"]) == "").sum())
    if 2 * empty > len(report):
        heading = _columns_found(columns, settings)["primary_id"].heading.strip()
        raise _refusal(
            f'has no primary id in {empty:,} of its {len(report):,} rows: its column "{heading}" is empty there. '
            "Correct the column in Analytics, or name the column that holds the primary ids in "
            "report.id_headings"
        )


def report_csv(report: "pd.DataFrame") -> bytes:
    """Write the table as CSV.

    Args:
        report: A table of `build_report`.

    Returns:
        UTF-8 bytes in which every text is quoted.
    """
    return table_csv(report)


def read_report_csv(content: bytes) -> "pd.DataFrame":
    """Read a table written by `report_csv`; ids such as `00123` and `NA` stay what they are.

    Args:
        content: The file's bytes.

    Returns:
        The table.

    Raises:
        RunFileError: The bytes are not such a file.
    """
    table = read_table_csv(content, "report.csv")
    names = list(table.columns)
    known = [name for name in REPORT_COLUMNS if name in names]
    if names != known or not {"row", *_REQUIRED}.issubset(names):
        raise damaged("report.csv")
    return table


def _columns_found(columns: Sequence[ReportHeading], settings: ReportSettings) -> dict[str, ReportHeading]:
    """Return the report's column for each canonical column that it has."""
    aliases = {"primary_id": settings.id_headings, **_ALIASES}
    columns_found: dict[str, ReportHeading] = {}
    for name, accepted in aliases.items():
        found = _columns_headed(columns, accepted)
        if len(found) > 1:
            raise _refusal(
                f'has {len(found)} columns headed "{found[0].heading.strip()}", so the right one is unknown. '
                "Give one of them another heading in Analytics"
            )
        if found:
            columns_found[name] = found[0]
    missing = [name for name in _REQUIRED if name not in columns_found]
    if missing:
        wanted = "; ".join(" or ".join(f'"{heading}"' for heading in aliases[name]) for name in missing)
        present = ", ".join(f'"{column.heading.strip()}"' for column in columns) or "none"
        raise _refusal(
            f"lacks {len(missing)} needed column(s): {wanted}. It has: {present}. Rename the column in "
            "Analytics, or correct report.id_headings"
        )
    return columns_found


def _columns_headed(columns: Sequence[ReportHeading], accepted: Sequence[str]) -> list[ReportHeading]:
    """Return every column under the first accepted heading that the report has."""
    for heading in accepted:
        found = [column for column in columns if folded_heading(column.heading) == folded_heading(heading)]
        if found:
            return found
    return []


def _iso_dates(texts: "pd.Series[str]", name: str) -> "pd.Series[str]":
    """Return dates as ISO text; there are few different ones, so each is read once."""
    stripped = texts.str.strip()
    iso = {text: _iso_date(text) for text in stripped.unique()}
    unreadable = texts.index[stripped.map(lambda text: iso[text] is None).astype(bool)]
    if len(unreadable):
        numbers = [int(position) + 1 for position in unreadable]
        raise _refusal(
            f"has {len(numbers):,} unreadable date(s) in the column {name.replace('_', ' ')}: row "
            f"{numbers_quoted(numbers)}. Dates must read YYYY-MM-DD; correct the column's format in Analytics"
        )
    return stripped.map(iso).astype("str")


def _iso_date(text: str) -> str | None:
    if not text:
        return ""
    day = parse_date(text)
    if day is None:
        return None
    return "" if day.isoformat() in _NO_DATES else day.isoformat()


def _refusal(problem: str) -> InputRefusedError:
    return InputRefusedError(f"The Analytics report {problem}. Nothing was changed.")
