from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from patron_purge.quiet_hours import parse_quiet_hours, quiet_until

CHICAGO = ZoneInfo("America/Chicago")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


@pytest.mark.parametrize(
    ("spans", "now", "end"),
    [
        (("22:00-05:30",), "2026-11-20T21:59:59", None),
        (("22:00-05:30",), "2026-11-20T22:00:00", "2026-11-21T05:30:00"),
        (("22:00-05:30",), "2026-11-21T00:00:00", "2026-11-21T05:30:00"),
        (("22:00-05:30",), "2026-11-21T05:29:59", "2026-11-21T05:30:00"),
        (("22:00-05:30",), "2026-11-21T05:30:00", None),
        (("01:00-02:00",), "2026-11-21T01:30:00", "2026-11-21T02:00:00"),
        (("01:00-02:00",), "2026-11-21T02:00:00", None),
        (("01:00-02:00", "01:30-04:00"), "2026-11-21T01:45:00", "2026-11-21T04:00:00"),
        (("22:00-05:30",), "2026-12-31T23:00:00", "2027-01-01T05:30:00"),
        ((), "2026-11-21T02:00:00", None),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(spans: tuple[str, ...], now: str, end: str | None) -> None:
    assert quiet_until(spans, at(now)) == (None if end is None else at(end))


def test_the_night_in_which_the_clock_changes_ends_at_the_same_hour() -> None:
    """On 1 November 2026 the clock goes back at 2 am, on 8 March it goes forward."""
    autumn = quiet_until(("22:00-05:30",), at("2026-10-31T22:00:00"))
    spring = quiet_until(("22:00-05:30",), at("2026-03-07T22:00:00"))
    assert autumn is not None
    assert spring is not None
    assert autumn.astimezone(UTC) == datetime(2026, 11, 1, 11, 30, tzinfo=UTC)
    assert spring.astimezone(UTC) == datetime(2026, 3, 8, 10, 30, tzinfo=UTC)
    assert autumn.astimezone(UTC) - at("2026-10-31T22:00:00").astimezone(UTC) > spring - at(
        "2026-03-07T22:00:00"
    )


@pytest.mark.parametrize(
    "text", ["", "22-5", "22:00", "24:00-05:00", "22:00-22:00", "22:00 - 05:00", "9:00-10:00"]
)
def test_a_span_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"22:00-05:30 means|begin and end are the same"):
        parse_quiet_hours(text)
