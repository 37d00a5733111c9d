import itertools
import tracemalloc
from collections.abc import Iterator

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.patron_purge.input_samples import (
    FIVE_COLUMNS,
    NINE_COLUMNS,
    REPORT_SETTINGS,
    headings,
    report_of,
    report_row,
)

from patron_purge.errors import InputRefusedError, RunFileError
from patron_purge.institution import ReportSettings
from patron_purge.report_table import REPORT_COLUMNS, build_report, read_report_csv, report_csv, require_ids


def test_nine_columns_become_the_table() -> None:
    report = report_of([report_row("00123"), report_row("NA", purge="2026-05-31T00:00:00", first=None)])
    assert report.to_dict("records") == [
        {
            "row": 1,
            "primary_id": "00123",
            "user_group": "Undergraduate",
            "expiry_date": "2025-05-31",
            "purge_date": "2026-05-31",
            "first_name": "Alex",
            "last_name": "Reader",
            "has_other_role": "N",
        },
        {
            "row": 2,
            "primary_id": "NA",
            "user_group": "Undergraduate",
            "expiry_date": "2025-05-31",
            "purge_date": "2026-05-31",
            "first_name": "",
            "last_name": "Reader",
            "has_other_role": "N",
        },
    ]


def test_five_columns_become_the_table_without_the_others() -> None:
    row = {
        "Primary ID": "p1",
        "User Record Type": "Public",
        "User Group": "Faculty",
        "Purge Date": "2026-05-31",
    }
    report = report_of([row], FIVE_COLUMNS)
    assert report.to_dict("records") == [
        {
            "row": 1,
            "primary_id": "p1",
            "user_group": "Faculty",
            "purge_date": "2026-05-31",
            "record_type": "Public",
        }
    ]


def test_columns_are_found_by_heading_in_any_order_and_spelling() -> None:
    columns = headings([" purge date ", "USER GROUP", "primary_identifier"])
    report = build_report(
        columns, [{"Column0": "2026-05-31", "Column1": "Faculty", "Column2": "p1"}], settings=REPORT_SETTINGS
    )
    assert report[["primary_id", "user_group", "purge_date"]].to_numpy().tolist() == [
        ["p1", "Faculty", "2026-05-31"]
    ]


def test_the_first_accepted_id_heading_wins() -> None:
    columns = headings(["Primary ID", "Primary Identifier", "User Group", "Purge Date"])
    row = {"Column0": "second", "Column1": "first", "Column2": "Faculty", "Column3": "2026-05-31"}
    assert build_report(columns, [row], settings=REPORT_SETTINGS)["primary_id"].tolist() == ["first"]


@pytest.mark.parametrize(
    "text", ["Primary Identifier", "Purge Date", "Has Role other than Patron and Instructor"]
)
def test_a_heading_twice_is_refused(text: str) -> None:
    with pytest.raises(InputRefusedError, match=f'2 columns headed "{text}"'):
        report_of([report_row("p1")], (*NINE_COLUMNS, text))


def test_missing_columns_are_refused_with_both_lists() -> None:
    with pytest.raises(InputRefusedError) as caught:
        report_of([], ("0", "User Name", "Purge Date"))
    message = str(caught.value)
    assert 'lacks 2 needed column(s): "Primary Identifier" or "Primary ID"; "User Group" or' in message
    assert 'It has: "0", "User Name", "Purge Date"' in message


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00:00", "", " ", None])
def test_a_null_date_is_missing(text: str | None) -> None:
    report = report_of([report_row("p1", expiry=text, purge=text)])
    assert report[["expiry_date", "purge_date"]].to_numpy().tolist() == [["", ""]]


def test_an_unreadable_date_is_refused_with_its_rows() -> None:
    rows = [report_row("p1"), report_row("p2", expiry="31.05.2025"), report_row("p3", expiry="soon")]
    with pytest.raises(
        InputRefusedError, match=r"2 unreadable date\(s\) in the column expiry date: row 2, 3"
    ):
        report_of(rows)


@pytest.mark.parametrize(("count", "refused"), [(4, False), (5, True), (6, True)])
def test_the_row_cap(count: int, refused: bool) -> None:
    setting = ReportSettings(path="/shared/x", row_cap=5)
    cells = [{"Column1": str(number)} for number in range(count)]
    if not refused:
        assert len(build_report(headings(NINE_COLUMNS), cells, settings=setting)) == count
        return
    with pytest.raises(
        InputRefusedError, match=f"has {count} rows or more, and Analytics cuts reports off at 5"
    ):
        build_report(headings(NINE_COLUMNS), cells, settings=setting)


def test_rows_beyond_the_cap_are_not_even_asked_for() -> None:
    asked = []

    def endless() -> Iterator[dict[str, str | None]]:
        for number in itertools.count():
            asked.append(number)
            yield {"Column1": str(number)}

    with pytest.raises(InputRefusedError, match="cuts reports off at 5,000"):
        build_report(
            headings(NINE_COLUMNS), endless(), settings=ReportSettings(path="/shared/x", row_cap=5000)
        )
    assert len(asked) == 5000


def peak_and_rest(pages: int) -> tuple[int, int]:
    """Build a table from pages as they come; return the most memory that it took and what the table takes."""

    def rows() -> Iterator[dict[str, str | None]]:
        for number in range(1000 * pages):
            # As a parser gives them: every cell is a text of its own.
            yield {
                f"Column{place}": "".join(text)
                for place, text in enumerate(
                    ("0", f"patron-{number}", "Faculty ", "2025-05-31", "2026-05-31 ")
                )
            }

    tracemalloc.start()
    try:
        table = build_report(headings(NINE_COLUMNS), rows(), settings=REPORT_SETTINGS)
        rest, peak = tracemalloc.get_traced_memory()
        assert len(table) == 1000 * pages
        return peak, rest
    finally:
        tracemalloc.stop()


def test_rows_are_not_held_as_they_come() -> None:
    peak_and_rest(1)
    (few, few_rest), (many, many_rest) = peak_and_rest(5), peak_and_rest(40)
    assert many - few < 3 * (many_rest - few_rest)


@pytest.mark.parametrize(("empty", "refused"), [(0, False), (2, False), (3, True), (4, True)])
@pytest.mark.parametrize("nothing", [None, "", " \u00a0"])
def test_an_id_column_that_is_mostly_empty_is_refused(
    empty: int, nothing: str | None, *, refused: bool
) -> None:
    rows = [report_row(nothing) for _ in range(empty)] + [report_row(f"p{n}") for n in range(4 - empty)]
    report, columns = report_of(rows), headings(NINE_COLUMNS)
    if not refused:
        require_ids(report, columns, settings=REPORT_SETTINGS)
        return
    with pytest.raises(
        InputRefusedError, match=f'no primary id in {empty} of its 4 rows: its column "Primary Identifier"'
    ) as stop:
        require_ids(report, columns, settings=REPORT_SETTINGS)
    assert "report.id_headings" in str(stop.value)
    assert "Nothing was changed" in str(stop.value)


def test_a_report_without_rows_is_a_table_without_rows() -> None:
    report = report_of([])
    require_ids(report, headings(NINE_COLUMNS), settings=REPORT_SETTINGS)
    assert len(report) == 0
    assert list(report.columns) == [name for name in REPORT_COLUMNS if name != "record_type"]
    pd.testing.assert_frame_equal(read_report_csv(report_csv(report)), report)


CELL = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "NA",
        "nan",
        "null",
        "00123",
        "1e5",
        '"',
        "a,b",
        "a\r\nb",
        "\r",
        "#N/A",
        "True",
        "=1+1",
        "\ufeffx",
        "-0.0",
        "\x00",
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=6))
def test_nothing_is_lost_in_the_file(rows: list[tuple[str, str, str]]) -> None:
    report = report_of([report_row(one, group=two, last=three) for one, two, three in rows])
    assert report["primary_id"].tolist() == [row[0] for row in rows]
    pd.testing.assert_frame_equal(read_report_csv(report_csv(report)), report)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b'"row","primary_id"\n1,"a"\n',
        b'"a","row"\n1,x\n',
        b'"row","primary_id","x"\n1,"a","b","c"\n',
    ],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(RunFileError, match=r"report\.csv in the run folder is damaged"):
        read_report_csv(content)


def test_a_file_with_a_foreign_column_is_refused() -> None:
    report = report_of([report_row("p1")])
    with pytest.raises(RunFileError, match="damaged"):
        read_report_csv(report_csv(report.assign(extra="x")))
