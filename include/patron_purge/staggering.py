"""A monthly schedule for each institution that spreads a consortium's runs over days and hours."""

import hashlib
from typing import Final

# Every month has these days, and the last ones are left free for a run that has to be repeated.
_DAYS: Final = range(2, 23)
# In the institution's own zone: after the night's loads, and early enough to be approved on the same day.
_HOURS: Final = range(5, 9)
_MINUTES: Final = range(0, 60, 10)


def staggered_schedule(code: str) -> str:
    """Choose day, hour and minute of an institution's monthly run.

    The choice depends on the code alone: it stays the same on every machine and whoever joins later.

    Args:
        code: The institution's code.

    Returns:
        A cron expression, to be read in the institution's own zone.
    """
    number = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big")
    number, minute = divmod(number, len(_MINUTES))
    number, hour = divmod(number, len(_HOURS))
    return f"{_MINUTES[minute]} {_HOURS[hour]} {_DAYS[number % len(_DAYS)]} * *"
