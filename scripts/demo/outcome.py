"""Did the rehearsal end as it should? Compare the tenant before and after, person by person."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from demo.tenant import People, Person

SCENARIOS_SHOWN = 5


class Expectation(StrEnum):
    """What a right purge does with a person of the tenant."""

    PROTECTED = "protected"
    PURGEABLE = "purgeable"
    JOB_REFUSES = "job_refuses"


@dataclass(frozen=True)
class Effect:
    """The difference between two readings of the tenant.

    Attributes:
        counts: How many people are as they should be, by the sentence that says how.
        gone: How many people are gone.
        problems: What is not as it should be, one line each, without ids; empty when the effect is right.
    """

    counts: dict[str, int]
    gone: int
    problems: tuple[str, ...]


def approved_effect(before: People, after: People, taken_off: int = 0) -> Effect:
    """Judge the effect of an approved purge.

    Args:
        before: The tenant before the run.
        after: The tenant after it.
        taken_off: How many people the approver took off the list; so many may be as they were.
    """
    may_stay = taken_off

    def rule(person: Person, now: Person | None) -> Judgement:
        nonlocal may_stay
        if may_stay and person.expectation == Expectation.PURGEABLE and person.exists and _same(person, now):
            may_stay -= 1
            return True, "taken off the list, unchanged"
        return _when_approved(person, now)

    effect = _judge(before, after, rule)
    if effect.gone == 0:
        return Effect(effect.counts, 0, (*effect.problems, "nobody was purged, so nothing was proven"))
    return effect


def untouched_effect(before: People, after: People) -> Effect:
    """Judge the effect of a run that must not change anything.

    Args:
        before: The tenant before the run.
        after: The tenant after it.
    """
    return _judge(before, after, _when_untouched)


Judgement = tuple[bool, str]


def _judge(before: People, after: People, rule: Callable[[Person, Person | None], Judgement]) -> Effect:
    right: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = {}
    for person in before.values():
        now = after.get(person.primary_id)
        good, words = rule(person, now)
        if good:
            right[words] += 1
        else:
            wrong.setdefault(words, Counter())[person.scenario] += 1
    strangers = [person for key, person in after.items() if key not in before]
    if strangers:
        wrong["in the tenant now and not before"] = Counter(person.scenario for person in strangers)
    gone = sum(1 for person in before.values() if person.exists and not _exists(after.get(person.primary_id)))
    return Effect(dict(right), gone, tuple(_problem(words, who) for words, who in wrong.items()))


def _when_approved(person: Person, now: Person | None) -> Judgement:
    if not person.exists or person.expectation == Expectation.PROTECTED:
        return _when_untouched(person, now)
    if person.expectation == Expectation.PURGEABLE:
        return (False, "had to go and still there") if _exists(now) else (True, "gone, as they should be")
    if person.expectation == Expectation.JOB_REFUSES:
        if not _exists(now):
            return False, "refused by Alma's purge job and yet gone"
        if _same(person, now):
            return True, "refused by Alma's purge job, back in their group"
        return False, "refused by Alma's purge job and not put back as they were"
    return False, "without a known expectation"


def _when_untouched(person: Person, now: Person | None) -> Judgement:
    if _same(person, now):
        return True, "unchanged, as they should be"
    return False, "changed and should not be" if _exists(now) else "gone and should not be"


def _exists(person: Person | None) -> bool:
    return person is not None and person.exists and not person.deleted


def _same(person: Person, now: Person | None) -> bool:
    return now is not None and _record(person) == _record(now)


def _record(person: Person) -> tuple[bool, bool, str | None, str | None]:
    return person.exists, person.deleted, person.user_group, person.record_digest


def _problem(words: str, who: Counter[str]) -> str:
    shown = ", ".join(f"{count} {scenario}" for scenario, count in who.most_common(SCENARIOS_SHOWN))
    more = len(who) - SCENARIOS_SHOWN
    return f"{who.total():,} {words}: {shown}" + (f" and {more} more kinds" if more > 0 else "")
