"""Where the bars of the charts stand; the drawing itself is in the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from alma_purge.web.formats import MONTHS
from patron_purge.amounts import number
from patron_purge.history import HistoryEntry

WIDTH: Final = 360
_BAR_ROOM: Final = 300
_ROW: Final = 40
_MOST_BARS: Final = 12
_MOST_RUNS: Final = 12
_COLUMN_TOP, _COLUMN_BOTTOM = 24, 164
_LONGEST_LABEL: Final = 44


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar.

    Attributes:
        label: What it counts.
        text: The number as people write it.
        y: Top of its label and bar, in the units of the drawing.
        width: Its length.
    """

    label: str
    text: str
    y: int
    width: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Horizontal bars.

    Attributes:
        key: Part of the ids in the page.
        title: What is shown.
        description: The numbers in a sentence, for people who do not see the drawing.
        bars: The bars.
        height: Height of the drawing.
    """

    key: str
    title: str
    description: str
    bars: tuple[Bar, ...]
    height: int


@dataclass(frozen=True, slots=True)
class RunColumn:
    """Two columns for one past run.

    Attributes:
        x: Left edge.
        width: Width of each column.
        month: Month of its end, in three letters.
        year: Year, where it differs from that of the run before; empty otherwise.
        listed_y: Top of the column of people on the list.
        listed_height: Its height.
        purged_y: Top of the column of people who were purged.
        purged_height: Its height.
    """

    x: float
    width: float
    month: str
    year: str
    listed_y: float
    listed_height: float
    purged_y: float
    purged_height: float


@dataclass(frozen=True, slots=True)
class RunsChart:
    """The last runs.

    Attributes:
        title: What is shown.
        description: The numbers in a sentence.
        columns: The runs, oldest first.
        most: The largest number, as people write it.
    """

    title: str
    description: str
    columns: tuple[RunColumn, ...]
    most: str


def bar_chart(key: str, title: str, counts: Sequence[tuple[str, int]], *, rest: str = "others") -> BarChart:
    """Lay out bars.

    Args:
        key: Part of the ids in the page.
        title: What is shown.
        counts: Label and number of each bar, in their order.
        rest: What the bars beyond the most that fit are called together.
    """
    shown = list(counts)
    if len(shown) > _MOST_BARS:
        left = shown[_MOST_BARS - 1 :]
        shown = [*shown[: _MOST_BARS - 1], (f"{len(left)} {rest}", sum(count for _, count in left))]
    most = max((count for _, count in shown), default=0)
    bars = tuple(
        Bar(_short(label), number(count), index * _ROW, _share(count, most) * _BAR_ROOM)
        for index, (label, count) in enumerate(shown)
    )
    said = "; ".join(f"{label}: {number(count)}" for label, count in shown) or "nobody"
    return BarChart(key, title, f"Bar chart. {said}.", bars, max(len(bars), 1) * _ROW)


def runs_chart(history: Sequence[HistoryEntry], zone: ZoneInfo) -> RunsChart | None:
    """Lay out the last runs as pairs of columns.

    Args:
        history: The history, in any order.
        zone: The institution's zone, in which the runs have their months.

    Returns:
        The chart; None without a run.
    """
    runs = sorted(history, key=lambda entry: entry.finished_at)[-_MOST_RUNS:]
    if not runs:
        return None
    most = max(max(entry.to_purge, entry.purged) for entry in runs)
    step = WIDTH / max(len(runs), 4)
    days = [entry.finished_at.astimezone(zone).date() for entry in runs]
    years = [str(day.year) for day in days]
    # The year stands only where it differs from that of the run before.
    labels = [
        (_month(day), year if year != last else "")
        for day, year, last in zip(days, years, ["", *years], strict=False)
    ]
    columns = tuple(
        _column(entry, label, index * step, step, most)
        for index, (entry, label) in enumerate(zip(runs, labels, strict=True))
    )
    said = "; ".join(
        f"{_month(day)} {day.year}: {number(entry.to_purge)} on the list, {number(entry.purged)} purged"
        for entry, day in zip(runs, days, strict=True)
    )
    title = "The last run" if len(runs) == 1 else f"The last {len(runs)} runs"
    return RunsChart(title, f"Column chart. {said}.", columns, number(most))


def _column(entry: HistoryEntry, label: tuple[str, str], left: float, step: float, most: int) -> RunColumn:
    room = _COLUMN_BOTTOM - _COLUMN_TOP
    listed, purged = _share(entry.to_purge, most) * room, _share(entry.purged, most) * room
    return RunColumn(
        x=round(left + step * 0.14, 1),
        width=round(step * 0.34, 1),
        month=label[0],
        year=label[1],
        listed_y=round(_COLUMN_BOTTOM - listed, 1),
        listed_height=round(listed, 1),
        purged_y=round(_COLUMN_BOTTOM - purged, 1),
        purged_height=round(purged, 1),
    )


def _month(day: date) -> str:
    return MONTHS[day.month - 1]


def _share(count: int, most: int) -> float:
    """Return a length between 0 and 1; whoever is there at all stays visible."""
    return max(round(count / most, 4), 0.006) if count and most else 0.0


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
