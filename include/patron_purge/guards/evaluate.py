"""Applying the guards, with the overrides from the trigger form."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from patron_purge.errors import ConfigurationError
from patron_purge.guards.checks import CHECKS, EXCLUSION_DROP, Check
from patron_purge.guards.facts import GuardFacts, GuardLevel, GuardResult
from patron_purge.institution import GuardSettings
from patron_purge.states import Mode

GUARD_NAMES: tuple[str, ...] = tuple(CHECKS)


def check_overrides(overrides: Mapping[str, Decimal]) -> None:
    """Refuse overrides that name no guard or give no usable limit.

    Args:
        overrides: New limits by the name of the guard, from the trigger form.

    Raises:
        ConfigurationError: A name is unknown, or a limit is negative or no number.
    """
    for name, limit in overrides.items():
        if name not in CHECKS:
            raise ConfigurationError(
                f"There is no guard {name!r} to override. The guards are {', '.join(GUARD_NAMES)}. "
                "Correct the trigger form; nothing was changed."
            )
        if not limit.is_finite() or limit < 0:
            raise ConfigurationError(
                f"The override of {name} is {limit}; it must be a number of 0 or more. "
                "Correct the trigger form; nothing was changed."
            )


def evaluate_guards(
    facts: GuardFacts, settings: GuardSettings, overrides: Mapping[str, Decimal]
) -> tuple[GuardResult, ...]:
    """Apply every guard to the numbers of a run.

    Args:
        facts: The numbers.
        settings: The institution's limits.
        overrides: New limits by the name of the guard, from the trigger form.

    Returns:
        One result for each guard, always in the same order. A list that is within the limit only by an
        override gives a warning. A report changes nothing, so in report-only mode a stop is a warning.

    Raises:
        ConfigurationError: An override names no guard or gives no usable limit.
    """
    check_overrides(overrides)
    return tuple(_result(name, check, facts, settings, overrides.get(name)) for name, check in CHECKS.items())


def stops(results: Iterable[GuardResult]) -> tuple[GuardResult, ...]:
    """Select the guards that stop the run.

    Args:
        results: The results of all guards.
    """
    return tuple(result for result in results if result.level is GuardLevel.STOP)


def is_measure(results: Iterable[GuardResult], mode: Mode) -> bool:
    """Tell whether the next run's exclusion files are compared with those of this run.

    A run that a guard has stopped is no measure. Nor is a report whose files have shrunk beyond the limit: nobody has
    accepted that, and the next full run must not take the small files for usual.

    Args:
        results: The results of all guards.
        mode: How far the run could go.
    """
    found = tuple(results)
    shrunk = any(one.name == EXCLUSION_DROP and one.level is not GuardLevel.OK for one in found)
    return not stops(found) and not (shrunk and mode is Mode.REPORT_ONLY)


def _result(
    name: str, check: Check, facts: GuardFacts, settings: GuardSettings, override: Decimal | None
) -> GuardResult:
    """Turn the verdict of one guard into its level."""
    verdict = check(facts, settings, override)
    if not verdict.fine:
        warns = verdict.only_warns or facts.mode is Mode.REPORT_ONLY
        level = GuardLevel.WARN if warns else GuardLevel.STOP
    else:
        needed = override is not None and not check(facts, settings, None).fine
        level = GuardLevel.WARN if needed else GuardLevel.OK
    return GuardResult(
        name=name, level=level, sentence=verdict.sentence, limit=verdict.limit, override=override
    )
