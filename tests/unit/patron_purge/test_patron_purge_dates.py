from datetime import date, datetime, timedelta

import pytest
from tests.unit.patron_purge.input_samples import ZONE

from patron_purge.dates import as_of_is_unread, moments_in, parse_date, without_dates

SIX_PM = datetime(2026, 11, 30, 18, 0, tzinfo=ZONE)


@pytest.mark.parametrize(
    "text",
    [
        "as of 11/30/26 6pm",
        "Data as of 11/30/2026 6:00 PM",
        "data as of 11/30/26, 6 p.m.",
        "2026-11-30 18:00",
        "2026-11-30T18:00:00",
        "2026-11-30T18:00-06:00",
        "2026-12-01T00:00Z",
        "November 30, 2026 at 6pm",
        "Purge dates before 5/31/2022, as of 11/30/26 6pm",
    ],
)
def test_lines_with_a_time(text: str) -> None:
    assert moments_in(text, ZONE) == [SIX_PM]


@pytest.mark.parametrize(
    "text",
    [
        "11/30/2026",
        "11-30-2026",
        "2026-11-30",
        "Nov. 30, 2026",
        "30 Nov 2026",
        "30th of November, 2026",
        "30-Nov-26",
        "11.30.26",
        "as of 11.30.2026.",
        "report of 11/30/26 for XYZ",
        "11/30/26 25pm",
    ],
)
def test_lines_without_a_time(text: str) -> None:
    assert moments_in(text, ZONE) == [date(2026, 11, 30)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Users with fines",
        "13/45/2026",
        "30/11/2026",
        "1234567",
        "1/2",
        "2026-13-01",
        "30.11.26",
        "v1.2.26",
        "1.2.3.4",
    ],
)
def test_lines_without_a_date(text: str) -> None:
    assert moments_in(text, ZONE) == []


@pytest.mark.parametrize(("text", "hour"), [("12am", 0), ("12pm", 12), ("1am", 1), ("11pm", 23)])
def test_half_days(text: str, hour: int) -> None:
    assert moments_in(f"11/30/26 {text}", ZONE) == [SIX_PM.replace(hour=0) + timedelta(hours=hour)]


@pytest.mark.parametrize("text", ["2026-05-31", "2026-05-31T00:00:00", " 5/31/2026 ", "05/31/26 12:00:00 AM"])
def test_date_cells(text: str) -> None:
    assert parse_date(text) == date(2026, 5, 31)


@pytest.mark.parametrize(
    "text", ["", "31.05.2026", "2026-05-31 and more", "x 2026-05-31", "2026-02-30", "20260531"]
)
def test_unreadable_date_cells(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("Users with fines", False),
        ("as of 11/30/26 6pm", False),
        ("as of 6 p.m. on 11/30/26", False),
        ("as of", True),
        ("as of 30/11/26", True),
        ("as of 30/11/26, printed 11/30/26", True),
        ("11/30/26 as of today", True),
    ],
)
def test_whether_the_date_behind_as_of_is_read(text: str, unread: bool) -> None:
    assert as_of_is_unread(text) is unread


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Data as of 11/30/26 6pm", "Data as of"),
        ("p1 2026-11-30T18:00:00-06:00 p2", "p1 p2"),
        ("12am34 and 6:00 PM", "12am34 and"),
        ("Nov 30, 2026 at 6 p.m. 77", "at 77"),
    ],
)
def test_texts_without_their_dates(text: str, rest: str) -> None:
    assert without_dates(text).split() == rest.split()
