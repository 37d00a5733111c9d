"""The guards as a table for people."""

from dataclasses import dataclass

from patron_purge.guards.checks import (
    CALLS_FOR_THE_RUN,
    CALLS_PER_PERSON,
    CHECKS,
    MATCHES_THAT_PROVE,
    MIN_DAYS_AFTER_PURGE_DATE,
)


@dataclass(frozen=True, slots=True)
class GuardDoc:
    """One line of the guards table.

    Attributes:
        name: Name of the guard, as it is written in an override.
        sentence: What stops the run.
        setting: Name of the institution's setting that holds the usual limit, or empty when it is fixed.
        limit: The usual limit in words, when no setting holds it.
        override: What a number in the trigger form means.
    """

    name: str
    sentence: str
    setting: str
    limit: str
    override: str


_DOCS = {
    "max_count": GuardDoc(
        "max_count",
        "More people to purge than the limit.",
        "guards.max_count",
        "",
        "the most people",
    ),
    "percent_of_report": GuardDoc(
        "percent_of_report",
        "More people to purge than this share of the report's rows.",
        "guards.max_percent_of_report",
        "",
        "the largest share, in percent",
    ),
    "ratio_to_median": GuardDoc(
        "ratio_to_median",
        "More people to purge than this many times the median of the past full runs.",
        "guards.max_ratio_to_median",
        "",
        "the largest ratio",
    ),
    "no_history": GuardDoc(
        "no_history",
        "A full run with more people than the limit, and no earlier full run to compare with. Reports and pilots do "
        "not count, because the size of a pilot is a setting: the first full run after a pilot needs a new limit.",
        "guards.max_count_without_history",
        "",
        "the most people",
    ),
    "exclusion_drop": GuardDoc(
        "exclusion_drop",
        "An exclusion file or a protect list with fewer rows than in the last run, by more than this share. "
        "For short lists it only warns.",
        "guards.max_exclusion_drop_percent",
        "",
        "the largest drop, in percent",
    ),
    "identifier_shapes": GuardDoc(
        "identifier_shapes",
        "An exclusion file whose ids look different from all ids in the report, with fewer matches than the limit. "
        "A long file that lists nobody of the report only warns.",
        "",
        f"{MATCHES_THAT_PROVE} match",
        "the fewest matches",
    ),
    "exclusion_age": GuardDoc(
        "exclusion_age",
        "Exclusion data older than the limit, by the date in the file itself; or no exclusion file at all.",
        "exclusion_files.max_age_hours",
        "",
        "the greatest age, in hours, for every file",
    ),
    "waived_money": GuardDoc(
        "waived_money",
        "More money that would be waived, over everyone on the list, than the limit.",
        "guards.max_waived_money",
        "",
        "the largest sum",
    ),
    "api_calls": GuardDoc(
        "api_calls",
        "Fewer calls left in Alma's daily quota than the run may need. The run first waits for a new day's calls and "
        "stops only when they do not suffice either. If Alma does not tell how many are left, it only warns.",
        "",
        f"{CALLS_PER_PERSON} for each person and {CALLS_FOR_THE_RUN:,} for the run",
        "the fewest calls",
    ),
    "days_after_purge_date": GuardDoc(
        "days_after_purge_date",
        "Fewer days of grace after the purge date than the limit.",
        "",
        f"{MIN_DAYS_AFTER_PURGE_DATE} day",
        "the fewest days",
    ),
}


def guards_table() -> list[GuardDoc]:
    """List every guard, in the order in which the guards are applied."""
    return [_DOCS[name] for name in CHECKS]
