"""The guards themselves: each compares one number with one limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from patron_purge.amounts import money, number
from patron_purge.guards.facts import ExclusionFileFacts, ExclusionIdFacts, GuardFacts
from patron_purge.institution import GuardSettings
from patron_purge.states import Mode

# One person costs at most 13 calls: two last checks, moving into and out of sets, reading back, the single
# read of the reconciliation, and reading, restoring and verifying the group. The rest is for jobs and lists.
CALLS_PER_PERSON = 13
CALLS_AFTER_REGROUP = 9
API_CALLS = "api_calls"
EXCLUSION_DROP = "exclusion_drop"
CALLS_FOR_THE_RUN = 1_000

# Fewer rows than this go up and down by a third without anything being wrong.
ROWS_WORTH_COMPARING = 20

# When the ids of the two sides look different, one match is enough to show that they are the same kind.
MATCHES_THAT_PROVE = 1

MIN_DAYS_AFTER_PURGE_DATE = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard found.

    Attributes:
        fine: Whether the number is within the limit.
        limit: The limit that was applied.
        sentence: The numbers in a plain sentence.
        only_warns: Whether being outside the limit is no reason to stop.
    """

    fine: bool
    limit: Decimal
    sentence: str
    only_warns: bool = False


Check = Callable[[GuardFacts, GuardSettings, Decimal | None], Verdict]


def _or(override: Decimal | None, usual: Decimal | int) -> Decimal:
    """Take the limit of the trigger form, or the usual one."""
    return Decimal(usual) if override is None else override


def _max_count(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_count)
    sentence = f"{number(facts.to_purge)} to purge; limit {number(limit)}."
    return Verdict(facts.to_purge <= limit, limit, sentence)


def _percent_of_report(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_percent_of_report)
    fine = 100 * facts.to_purge <= limit * facts.report_rows
    if facts.report_rows == 0:
        return Verdict(fine, limit, f"{number(facts.to_purge)} to purge; the report has no rows.")
    percent = (Decimal(100 * facts.to_purge) / facts.report_rows).quantize(Decimal("0.1"))
    sentence = (
        f"{number(facts.to_purge)} to purge of {number(facts.report_rows)} rows in the report, "
        f"{number(percent)} %; limit {number(limit)} %."
    )
    return Verdict(fine, limit, sentence)


def _ratio_to_median(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_ratio_to_median)
    if facts.median_to_purge is None:
        return Verdict(fine=True, limit=limit, sentence="There is no earlier full run to compare with.")
    sentence = (
        f"{number(facts.to_purge)} to purge; median of the last {facts.runs_in_median} run(s) "
        f"{number(facts.median_to_purge)}; limit ratio {number(limit)}."
    )
    return Verdict(facts.to_purge <= limit * facts.median_to_purge, limit, sentence)


def _no_history(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_count_without_history)
    if facts.median_to_purge is not None:
        return Verdict(fine=True, limit=limit, sentence=f"{facts.runs_in_median} earlier full run(s).")
    if facts.mode is not Mode.FULL:
        sentence = "No earlier full run; none is needed for a report or a pilot."
        return Verdict(fine=True, limit=limit, sentence=sentence)
    sentence = (
        f"{number(facts.to_purge)} to purge and no earlier full run that purged; reports and pilots do not "
        f"count. Limit {number(limit)}."
    )
    return Verdict(facts.to_purge <= limit, limit, sentence)


def _exclusion_drop(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_exclusion_drop_percent)
    now = {file.pattern: file.rows for file in facts.exclusion_files} | facts.protect_rows
    drops = [
        (before >= ROWS_WORTH_COMPARING, Decimal(100 * (before - now.get(pattern, 0))) / before, pattern)
        for pattern, before in facts.previous_exclusion_rows.items()
        if before > 0
    ]
    if not drops:
        sentence = "There are no exclusion rows of an earlier run to compare with."
        return Verdict(fine=True, limit=limit, sentence=sentence)
    beyond = [drop for drop in drops if drop[1] > limit]
    worth_comparing, percent, pattern = max(beyond or drops)
    fewer = max(percent, Decimal(0)).quantize(Decimal("0.1"))
    sentence = (
        f"{pattern}: {number(now.get(pattern, 0))} rows, "
        f"{number(facts.previous_exclusion_rows[pattern])} in the last run, {number(fewer)} % fewer; "
        f"limit {number(limit)} %."
    )
    return Verdict(not beyond, limit, sentence, only_warns=not worth_comparing)


def _identifier_shapes(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    del settings  # there is no setting for it: ids of another kind are always a mistake
    limit = _or(override, MATCHES_THAT_PROVE)
    files = [file for file in facts.exclusion_ids if file.ids]
    if not files or not facts.report_shapes:
        return Verdict(fine=True, limit=limit, sentence="One of the two sides has no ids to compare.")
    unmatched = [file for file in files if file.matched < limit]
    strange = [file for file in unmatched if not file.shapes & facts.report_shapes]
    if strange:
        return Verdict(fine=False, limit=limit, sentence=_looks_strange(strange[0], facts, limit))
    # A report of a few people may well meet a long file without a match.
    if facts.report_rows >= ROWS_WORTH_COMPARING:
        for file in unmatched:
            if file.ids >= ROWS_WORTH_COMPARING:
                return Verdict(fine=False, limit=limit, sentence=_matches_nobody(file), only_warns=True)
    sentence = f"Exclusion files and report use the same kind of ids; {_matches(files)}."
    return Verdict(fine=True, limit=limit, sentence=sentence)


def _looks_strange(file: ExclusionIdFacts, facts: GuardFacts, limit: Decimal) -> str:
    return (
        f"{file.name}: its ids ({_some(file.shapes)}) look different from those in the report "
        f"({_some(facts.report_shapes)}; A stands for letters, 9 for digits), and {number(file.matched)} matched; "
        f"at least {number(limit)} must match."
    )


def _matches_nobody(file: ExclusionIdFacts) -> str:
    return (
        f"{file.name} lists {number(file.ids)} ids, and nobody in the report is among them. Make sure that it is "
        "this library's file."
    )


def _matches(files: Sequence[ExclusionIdFacts]) -> str:
    return ", ".join(f"{file.name} lists {number(file.matched)} of the report's people" for file in files)


def _exclusion_age(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    del settings  # the limit stands with each exclusion file
    if not facts.exclusion_files:
        return Verdict(fine=False, limit=_or(override, 0), sentence="There is no exclusion file at all.")

    def beyond(file: ExclusionFileFacts) -> Decimal:
        return file.age_hours - _or(override, file.max_age_hours)

    worst = max(facts.exclusion_files, key=beyond)
    limit = _or(override, worst.max_age_hours)
    age = worst.age_hours.quantize(Decimal("0.1"))
    sentence = f"{worst.pattern}: data {number(age)} hours old; limit {number(limit)} hours."
    return Verdict(beyond(worst) <= 0, limit, sentence)


def _waived_money(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    limit = _or(override, settings.max_waived_money)
    sentence = f"{money(facts.waived_money)} would be waived; limit {money(limit)}."
    return Verdict(facts.waived_money <= limit, limit, sentence)


def _api_calls(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    del settings  # Alma's daily quota is not the institution's choice
    limit = _or(override, CALLS_PER_PERSON * facts.to_purge + CALLS_FOR_THE_RUN)
    if facts.remaining_calls is None:
        sentence = f"Alma did not tell how many calls are left today; {number(limit)} may be needed."
        return Verdict(fine=False, limit=limit, sentence=sentence, only_warns=True)
    sentence = f"{number(facts.remaining_calls)} Alma calls left today; at least {number(limit)} are needed."
    return Verdict(facts.remaining_calls >= limit, limit, sentence)


def _days_after_purge_date(facts: GuardFacts, settings: GuardSettings, override: Decimal | None) -> Verdict:
    del settings  # Alma advises against 0 days, and no institution may go below 1
    limit = _or(override, MIN_DAYS_AFTER_PURGE_DATE)
    sentence = f"{facts.days_after_purge_date} day(s) after the purge date; at least {number(limit)}."
    return Verdict(facts.days_after_purge_date >= limit, limit, sentence)


def _some(shapes: frozenset[str]) -> str:
    """Name the first few shapes."""
    return ", ".join(sorted(shapes)[:3])


CHECKS: dict[str, Check] = {
    "max_count": _max_count,
    "percent_of_report": _percent_of_report,
    "ratio_to_median": _ratio_to_median,
    "no_history": _no_history,
    EXCLUSION_DROP: _exclusion_drop,
    "identifier_shapes": _identifier_shapes,
    "exclusion_age": _exclusion_age,
    "waived_money": _waived_money,
    API_CALLS: _api_calls,
    "days_after_purge_date": _days_after_purge_date,
}
