"""How the pages write dates, times, ages and amounts."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from patron_purge.amounts import money, number
from patron_purge.states import Mode

NOTHING = "\N{EN DASH}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOURS_SHOWN_AS_HOURS = 48


def day(value: date | str | None) -> str:
    """Write a day so that nobody takes the day for the month: `2 Nov 2026`.

    Args:
        value: A day, or `YYYY-MM-DD` as in the ledger.

    Returns:
        The day; a dash for none, and text that is no day as it is.
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value) or NOTHING
    return NOTHING if value is None else f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def moment_in(zone: ZoneInfo) -> Callable[[datetime | date | None], str]:
    """Return the function that writes a moment in a time zone: `2 Nov 2026, 06:00 CST`.

    Args:
        zone: The institution's zone.
    """

    def moment(value: datetime | date | None) -> str:
        if not isinstance(value, datetime):
            return day(value)
        local = value.astimezone(zone)
        return f"{day(local.date())}, {local:%H:%M %Z}"

    return moment


def age(hours: Decimal | None) -> str:
    """Write an age: `1 hour`, `30 hours`, `3.5 days`.

    Args:
        hours: The age in hours.
    """
    if hours is None:
        return NOTHING
    if hours < _HOURS_SHOWN_AS_HOURS:
        whole = round(hours)
        return "1 hour" if whole == 1 else f"{whole} hours"
    return f"{number((hours / 24).quantize(Decimal('0.1')))} days"


def amount(text: str) -> str:
    """Write an amount of the ledger: `1,240.50`; a dash for none, and text that is no amount as it is.

    Args:
        text: A number in text.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text or NOTHING
    return money(value) if value.is_finite() else text


def change(value: int | None) -> str:
    """Write a difference with its sign: `+3`, `-12` with a true minus sign, `0`.

    Args:
        value: The difference; None when there is nothing to compare with.
    """
    if value is None:
        return NOTHING
    return f"{value:+,}".replace("-", "\N{MINUS SIGN}") if value else "0"


def mode(value: Mode) -> str:
    """Write how far a run may go: `Full`, `Pilot`, `Report only`.

    Args:
        value: The mode.
    """
    return value.label
