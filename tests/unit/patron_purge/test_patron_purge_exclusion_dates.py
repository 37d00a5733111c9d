from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.patron_purge.input_samples import (
    FIRST_LINE,
    HEADINGS,
    NOW,
    ZONE,
    fines_workbook,
    person_row,
    read_file,
    workbook,
)

from patron_purge.errors import InputRefusedError
from patron_purge.exclusion_dates import data_moment

NAIVE = datetime.fromisoformat("2026-11-30")  # as a spreadsheet has it: without a zone
NOBODY = "No XYZ users with fines at other I-Share libraries as of 11/30/26 6pm"
FRESH = "Generated 11/30/26 6pm"


@pytest.mark.parametrize(
    ("first_line", "data_as_of"),
    [
        (["as of 11/30/26 6pm"], datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)),
        (["11/30/2026"], date(2026, 11, 30)),
        (["2026-11-30"], date(2026, 11, 30)),
        ([date(2026, 11, 30)], date(2026, 11, 30)),
        ([NAIVE], date(2026, 11, 30)),
        ([NAIVE.replace(hour=17, minute=30)], datetime(2026, 11, 30, 17, 30, tzinfo=ZONE)),
        (["Users with fines", "Data as of", date(2026, 11, 30)], date(2026, 11, 30)),
        (["12/01/26"], date(2026, 12, 1)),
    ],
)
def test_data_dates(first_line: list[Any], data_as_of: date) -> None:
    found = read_file(workbook([first_line[:2], first_line[2:], HEADINGS, person_row("p1")]))
    assert found.data_as_of == data_as_of
    assert type(found.data_as_of) is type(data_as_of)


def test_a_file_without_a_data_date_is_refused() -> None:
    with pytest.raises(InputRefusedError, match="does not say in its first line"):
        read_file(workbook([["Users with fines"], HEADINGS, person_row("p1", purge="2026-11-30")]))
    with pytest.raises(InputRefusedError, match="does not say in its first line"):
        read_file(workbook([HEADINGS, person_row("p1", purge=date(2026, 11, 30))]))


def test_the_limit_of_age_is_exact() -> None:
    content = fines_workbook("p1")
    taken = datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)
    assert read_file(content, now=taken + timedelta(hours=36)).ids == ("p1",)
    with pytest.raises(InputRefusedError, match="too old: its data is of 2026-11-30 18:00"):
        read_file(content, now=taken + timedelta(hours=36, seconds=1))


def test_age_is_counted_in_real_hours_over_a_clock_change() -> None:
    content = workbook([["as of 10/31/26 6pm"], HEADINGS, person_row("p1")])
    ten_am = datetime(2026, 11, 1, 10, 0, tzinfo=ZONE)
    assert read_file(content, now=ten_am, max_age=timedelta(hours=17)).ids == ("p1",)
    with pytest.raises(InputRefusedError, match="too old"):
        read_file(content, now=ten_am, max_age=timedelta(hours=16, minutes=59))


def test_a_day_without_a_time_counts_from_six_in_the_evening() -> None:
    assert data_moment(date(2026, 11, 30), NOW) == datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)
    content = workbook([["11/30/2026"], HEADINGS, person_row("p1")])
    assert read_file(content, now=datetime(2026, 12, 2, 6, 0, tzinfo=ZONE)).ids == ("p1",)
    with pytest.raises(InputRefusedError, match="too old"):
        read_file(content, now=datetime(2026, 12, 2, 6, 1, tzinfo=ZONE))


@pytest.mark.parametrize("line", ["as of 12/01/26 6pm", "12/02/2026", "11/30/26 12/05/26"])
def test_future_data_is_refused(line: str) -> None:
    with pytest.raises(InputRefusedError, match="lies in the future"):
        read_file(workbook([[line], HEADINGS, person_row("p1")]))


def test_of_several_dates_the_oldest_counts() -> None:
    sheets = [[[FIRST_LINE], HEADINGS, person_row("p1")], [["11/20/2026"], HEADINGS, person_row("p2")]]
    with pytest.raises(InputRefusedError, match="too old: its data is of 2026-11-20"):
        read_file(workbook(*sheets))


def test_the_zone_of_the_institution_decides_what_today_is() -> None:
    content = workbook([["12/02/2026"], HEADINGS, person_row("p1")])
    late = datetime(2026, 12, 1, 23, 0, tzinfo=ZONE)
    with pytest.raises(InputRefusedError, match="future"):
        read_file(content, now=late)
    assert read_file(content, now=late.astimezone(ZoneInfo("Asia/Tokyo"))).ids == ("p1",)


def test_now_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        read_file(fines_workbook("p1"), now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("Users as of 30 Oct 2026", "2026-10-30"),
        ("Users as of Oct 30, 2026", "2026-10-30"),
        ("Users as of 10.30.26 6pm", "2026-10-30 18:00"),
        ("10.30.26 6pm", "2026-10-30 18:00"),
        ("Users as of 30-Oct-26", "2026-10-30"),
    ],
)
def test_an_old_date_in_any_known_form_is_not_hidden_by_a_fresh_one(line: str, day: str) -> None:
    with pytest.raises(InputRefusedError, match=f"too old: its data is of {day}"):
        read_file(workbook([[line], [FRESH], HEADINGS, person_row("p1")]))


@pytest.mark.parametrize(
    "line",
    [
        "Users as of yesterday",
        "Users as of 30.10.26",
        "Users as of 30/10/2026",
        "Users as of 30/10/2026, generated 11/30/26 6pm",
        "Users as of week 48",
        "Users as of",
        "Users as of: ",
    ],
)
def test_a_date_that_cannot_be_read_is_not_replaced_by_another_one(line: str) -> None:
    words = 'sheet Sheet1, row 1 says "as of", but no date that can be read follows'
    with pytest.raises(InputRefusedError, match=words):
        read_file(workbook([[line], [FRESH], HEADINGS, person_row("p1")]))
    with pytest.raises(InputRefusedError, match=words):
        read_file(workbook([[line], ["XYZ", NAIVE], HEADINGS, person_row("p1")]))
    with pytest.raises(InputRefusedError, match='sheet Sheet2, row 1 says "as of"'):
        read_file(workbook([[FRESH], HEADINGS, person_row("p1")], [[line]]))


@pytest.mark.parametrize(
    "lines",
    [
        [["Users as of", NAIVE]],
        [["Users as of:"], [], [NAIVE]],
        [["Users as of"], ["11/30/26"]],
        [["Users as of 6:00 PM on 11/30/26"]],
        [["Users as of Nov. 30, 2026"]],
        [["Users as of 30 November 2026"]],
        [["Users as of 11.30.2026"]],
    ],
)
def test_the_date_behind_as_of(lines: list[list[Any]]) -> None:
    found = read_file(workbook([*lines, HEADINGS, person_row("p1")]))
    assert (found.ids, found.data_as_of) == (("p1",), date(2026, 11, 30))


def test_the_sentence_of_an_empty_file_needs_a_date_that_can_be_read() -> None:
    with pytest.raises(InputRefusedError, match='row 3 says "as of"'):
        read_file(workbook([[FRESH], HEADINGS, [NOBODY.replace("11/30/26 6pm", "last night")]]))
