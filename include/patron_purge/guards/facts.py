"""What the guards look at, and what they answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from patron_purge.states import Mode

# Long numbers are student or card numbers, and their length tells one kind from the other.
_DIGITS_WITH_FIXED_LENGTH = 6


class GuardLevel(StrEnum):
    """How a guard judges the list."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return {GuardLevel.OK: "fine", GuardLevel.WARN: "look closely", GuardLevel.STOP: "STOPS the run"}[
            self
        ]


class GuardResult(BaseModel):
    """What one guard says.

    Attributes:
        name: Name of the guard, as it is written in an override.
        level: Whether the run may go on.
        sentence: The numbers in a plain sentence.
        limit: The limit that was applied.
        override: The limit from the trigger form, when there was one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    level: GuardLevel
    sentence: str
    limit: Decimal
    override: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ExclusionFileFacts:
    """One exclusion file of this run.

    Attributes:
        pattern: The file pattern of the institution's settings.
        rows: Rows with a person.
        age_hours: Age of the data by the date on the file's first line, in hours.
        max_age_hours: Oldest data that the institution accepts, in hours.
    """

    pattern: str
    rows: int
    age_hours: Decimal
    max_age_hours: int


@dataclass(frozen=True, slots=True)
class ExclusionIdFacts:
    """The ids of one exclusion file, held against the report.

    Attributes:
        name: Name of the file.
        ids: Ids in it, each once.
        shapes: Shapes of these ids.
        matched: People of the report whom it lists, whatever other files say.
    """

    name: str
    ids: int
    shapes: frozenset[str]
    matched: int


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """The numbers of one run.

    Attributes:
        mode: How far the run may go.
        to_purge: People on the list.
        report_rows: Rows of the Analytics report.
        median_to_purge: Median of the last full runs; None when there was none.
        runs_in_median: Number of runs behind the median.
        exclusion_files: The exclusion files of this run.
        previous_exclusion_rows: Rows of the last run's exclusion files by pattern and of its protect lists by
            what they are called; empty when there was none.
        exclusion_ids: The ids of each exclusion file that lists anybody.
        report_shapes: Shapes of the ids in the report.
        waived_money: Sum of the open fees of the people on the list, in the institution's currency.
        remaining_calls: Calls that Alma leaves to the institution today; None when Alma did not say.
        days_after_purge_date: Days of grace in the rules.
        protect_rows: Rows of this run's protect lists by what they are called.
    """

    mode: Mode
    to_purge: int
    report_rows: int
    median_to_purge: Decimal | None
    runs_in_median: int
    exclusion_files: tuple[ExclusionFileFacts, ...]
    previous_exclusion_rows: dict[str, int]
    exclusion_ids: tuple[ExclusionIdFacts, ...]
    report_shapes: frozenset[str]
    waived_money: Decimal
    remaining_calls: int | None
    days_after_purge_date: int
    protect_rows: dict[str, int] = field(default_factory=dict)


def identifier_shape(identifier: str) -> str:
    """Reduce an id to the kind of id it is.

    Args:
        identifier: A primary id.

    Returns:
        Letters as `A`, digits as `9`, with the length for numbers of six digits and more: `A@A.A`, `A9`,
        `9x14`. Other characters stay.
    """
    letters_folded = re.sub(r"[^\W\d_]+", "A", identifier.strip())
    return re.sub(r"\d+", lambda run: _digits(len(run[0])), letters_folded)


def identifier_shapes(identifiers: Iterable[str]) -> frozenset[str]:
    """Collect the shapes of a column of ids, leaving out empty cells.

    Args:
        identifiers: The ids.
    """
    return frozenset(identifier_shape(each) for each in identifiers if each.strip())


def _digits(length: int) -> str:
    return "9" if length < _DIGITS_WITH_FIXED_LENGTH else f"9x{length}"
