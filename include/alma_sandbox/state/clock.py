"""The tenant's clock: real time plus an offset, or standing still."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


class Clock:
    """Tells the tenant's time, which can be moved.

    Args:
        start: Time (UTC) to start at; real time when left out.
        frozen: Whether the clock stands still until it is moved.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._offset = timedelta(0)
        self._standing: datetime | None = None
        self.set(start or datetime.now(UTC), frozen=frozen)

    def now(self) -> datetime:
        """Return the tenant's current time in UTC."""
        return self._standing or datetime.now(UTC) + self._offset

    def today(self) -> date:
        """Return the tenant's current date (UTC)."""
        return self.now().date()

    def set(self, moment: datetime, *, frozen: bool | None = None) -> None:
        """Move the clock to a moment.

        Args:
            moment: Time with a zone; without one it is taken as UTC.
            frozen: Whether the clock stands still from now on; unchanged when left out.
        """
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        stands = self.frozen if frozen is None else frozen
        self._offset = moment - datetime.now(UTC)
        self._standing = moment.astimezone(UTC) if stands else None

    def advance(self, seconds: float) -> None:
        """Move the clock forward by a number of seconds."""
        self.set(self.now() + timedelta(seconds=seconds))

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._standing is not None


def stamp(moment: datetime | None) -> str | None:
    """Write a time the way Alma does: `2025-12-01T14:05:12.480Z`."""
    return (
        None
        if moment is None
        else moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


def day(moment: date | None) -> str | None:
    """Write a date the way Alma's user record does: `2025-12-01Z`."""
    return None if moment is None else f"{moment.isoformat()}Z"


def parse_day(text: object) -> date | None:
    """Read a date as the user record writes it, with or without the trailing Z.

    Raises:
        ValueError: If the text is not a date.
    """
    if text is None or text == "":
        return None
    return date.fromisoformat(str(text).removesuffix("Z")[:10])
