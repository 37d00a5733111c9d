"""The hours of the day in which nothing is started in Alma, such as those of the campus load."""

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta

_FORM = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$")


def parse_quiet_hours(text: str) -> tuple[time, time]:
    """Read a span of hours.

    Args:
        text: Start and end on a 24-hour clock, such as `22:00-05:30`; it may pass midnight.

    Returns:
        The start, which is quiet, and the end, which is not.

    Raises:
        ValueError: The text has another form, or the span is empty.
    """
    found = _FORM.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no span of hours; 22:00-05:30 means from 10 pm to 5:30 am")
    begin_hour, begin_minute, end_hour, end_minute = (int(part) for part in found.groups())
    begin, end = time(begin_hour, begin_minute), time(end_hour, end_minute)
    if begin == end:
        raise ValueError(f"{text!r} is empty: begin and end are the same")
    return begin, end


def quiet_until(spans: Iterable[str], now: datetime) -> datetime | None:
    """Return when the quiet hours that hold now are over, by the clock on the wall.

    Args:
        spans: Spans such as `22:00-05:30`.
        now: A moment with the institution's time zone.

    Returns:
        The end, in the same zone; None when this is no quiet hour.

    Raises:
        ValueError: A span has a wrong form.
    """
    ends = [end for end in (_end_of(*parse_quiet_hours(span), now) for span in spans) if end is not None]
    return max(ends, default=None)


def _end_of(begin: time, end: time, now: datetime) -> datetime | None:
    """Return when one span is over, or None when it does not hold now."""
    clock = now.time()
    if begin < end:
        return _at(now, end) if begin <= clock < end else None
    if clock >= begin:
        return _at(now + timedelta(days=1), end)
    return _at(now, end) if clock < end else None


def _at(day: datetime, clock: time) -> datetime:
    return day.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0, fold=0)
