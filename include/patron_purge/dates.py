"""Dates as they stand in reports, lists and on the first line of exclusion files."""

import re
from datetime import date, datetime, time, tzinfo
from typing import Final

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)")
_US = re.compile(
    r"(?<![\d/-])(?P<month>\d{1,2})(?P<mark>[/-])(?P<day>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?![\d/-])"
)
_NAMED = re.compile(
    rf"\b(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    rf"(?<![\w/.:-])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?,?[\s-]+"
    r"(?P<year>\d{4}|(?<=-)\d{2})(?![\w:/-])",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    r"(?<![\w./-])(?P<month>\d{1,2})\.(?P<day>\d{1,2})\.(?P<year>\d{4}|\d{2})(?![\w/-]|\.\w)"
)
_PATTERNS = (_ISO, _US, _NAMED, _DAY_FIRST, _DOTTED)
_TIME = re.compile(
    r"(?:T|,?\s*(?:at\s+)?)(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_AS_OF = re.compile(r"\bas\s+of\b", re.IGNORECASE)
_TIME_ALONE = re.compile(
    r"(?<![\w.])t?\d{1,2}(?:(?::\d{2}){1,2}(?:\.\d+)?(?:\s*[ap]\.?m\b\.?)?(?:z\b|[+-]\d{2}:?\d{2})?|\s*[ap]\.?m\b\.?)",
    re.IGNORECASE,
)
_NOON: Final = 12

NULL_DATE: Final = date(1, 1, 1)
"""How Analytics writes a missing date."""


def parse_date(text: str) -> date | None:
    """Read a cell that holds one date and, perhaps, a time.

    Args:
        text: `YYYY-MM-DD` or `M/D/YYYY`, with or without a time behind it.

    Returns:
        The day, or None when the text is no date.
    """
    cleaned = text.strip()
    match = _ISO.match(cleaned) or _US.match(cleaned)
    if match is None:
        return None
    rest = cleaned[match.end() :]
    if rest and not _TIME.fullmatch(rest):
        return None
    return _day(match)


def moments_in(text: str, zone: tzinfo) -> list[datetime | date]:
    """Find every date in a line such as `… as of 11/30/26 6pm`.

    When the line says "as of", only what follows counts.

    Args:
        text: The line. Dates may be `M/D/YY`, `M/D/YYYY`, `M.D.YY`, `YYYY-MM-DD`, `November 30, 2026` or
            `30 November 2026`, each with or without a time (`6pm`, `6:00 PM`, `18:00`).
        zone: Time zone of a time that names none.

    Returns:
        An aware datetime for each date with a time, a date for each without.
    """
    as_of = _AS_OF.search(text)
    searched = text[as_of.end() :] if as_of else text
    moments: list[datetime | date] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(searched):
            day = _day(match)
            if day is not None:
                moments.append(_with_time(day, searched[match.end() :], zone))
    return moments


def as_of_is_unread(text: str) -> bool:
    """Tell whether a line says "as of", but not of when in a way that `moments_in` can read.

    Args:
        text: The line.

    Returns:
        True when no date follows, or when other digits stand between "as of" and the first date that can be
        read: that date may then be another one.
    """
    as_of = _AS_OF.search(text)
    if as_of is None:
        return False
    behind = text[as_of.end() :]
    starts = [
        match.start()
        for pattern in _PATTERNS
        for match in pattern.finditer(behind)
        if _day(match) is not None
    ]
    between = _TIME_ALONE.sub(" ", behind[: min(starts)]) if starts else ""
    return not starts or any(letter.isdigit() for letter in between)


def without_dates(text: str) -> str:
    """Return a text without the dates and times that `moments_in` reads.

    Args:
        text: The text.

    Returns:
        What is left, with a blank in place of each.
    """
    for pattern in _PATTERNS:
        text = pattern.sub(" ", text)
    return _TIME_ALONE.sub(" ", text)


def _day(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    month = _MONTHS.index(parts["name"].lower()) + 1 if "name" in parts else int(parts["month"])
    year = int(parts["year"]) if len(parts["year"]) > 2 else 2000 + int(parts["year"])  # noqa: PLR2004
    try:
        return date(year, month, int(parts["day"]))
    except ValueError:
        return None


def _with_time(day: date, rest: str, zone: tzinfo) -> datetime | date:
    match = _TIME.match(rest)
    if match is None or not (match["minute"] or match["half"]):
        return day
    hour = int(match["hour"])
    if match["half"]:
        if hour > _NOON:
            return day
        hour = hour % _NOON + (_NOON if match["half"][0].lower() == "p" else 0)
    try:
        moment = datetime.combine(day, time(hour, int(match["minute"] or 0)), tzinfo=zone)
    except ValueError:
        return day
    if not match["offset"]:
        return moment
    return datetime.fromisoformat(f"{moment:%Y-%m-%dT%H:%M}{match['offset'].upper()}").astimezone(zone)
