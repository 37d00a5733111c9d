"""What became of each approved person, and whether the job's own numbers agree."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patron_purge.amounts import number
from patron_purge.identifiers import folded
from patron_purge.institution import RuleSettings
from patron_purge.patron import Patron
from patron_purge.states import RowState


class KeptWhy(StrEnum):
    """Why Alma probably kept a person; Alma itself tells no reason by API."""

    LOANS = "loans"
    RESOURCE_SHARING = "resource_sharing"
    FEES = "fees"
    PURGE_DATE = "purge_date"
    REQUESTS = "requests"
    ROLE = "role"
    NOT_KNOWN = "not_known"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _LABELS[self]


_LABELS = {
    KeptWhy.LOANS: "has active loans",
    KeptWhy.RESOURCE_SHARING: "has a resource sharing request on the hold shelf",
    KeptWhy.FEES: "owes more than the waive threshold",
    KeptWhy.PURGE_DATE: "purge date is missing or too recent",
    KeptWhy.REQUESTS: "has active requests",
    KeptWhy.ROLE: "has a role besides the harmless ones",
    KeptWhy.NOT_KNOWN: "no reason visible; see the job report in Alma",
}


class Reading(StrEnum):
    """How the single read after the purge ended."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True)
class AfterPurge:
    """The answer to a single read of one approved person after the purge job ended.

    Attributes:
        asked_id: The primary id that was approved.
        reading: How the read ended; not found is error 401861 of Alma's Users API.
        status: Status of the record, such as `ACTIVE` or `DELETED`; empty when not found.
        patron: The facts of the record; None when not found.
        resource_sharing_on_hold: Whether a resource sharing request of this person waits on the hold shelf.
    """

    asked_id: str
    reading: Reading
    status: str = ""
    patron: Patron | None = None
    resource_sharing_on_hold: bool = False


@dataclass(frozen=True, slots=True)
class AfterPurgeState:
    """Where a person stands after the purge.

    Attributes:
        state: `purged`, `kept_by_alma` or `unknown`.
        why: Why Alma kept the person; None in the other states.
    """

    state: RowState
    why: KeptWhy | None = None


@dataclass(frozen=True, slots=True)
class JobCounter:
    """One counter of a job instance.

    Attributes:
        label: Words or code of the counter, as Alma gives them.
        value: The number; None when Alma gave no number.
    """

    label: str
    value: int | None


@dataclass(frozen=True, slots=True)
class CounterCheck:
    """A counter of the job against what was counted by single reads.

    Attributes:
        sentence: Both numbers in a plain sentence.
        agrees: Whether they are the same; None when there is nothing to compare the counter with.
    """

    sentence: str
    agrees: bool | None


def classify_after_purge(
    answer: AfterPurge, rules: RuleSettings, today: date, marker_group: str
) -> AfterPurgeState:
    """Decide from a single read whether somebody was purged.

    Depending on the institution's Delete User Policy a purged record is gone, stays with the status DELETED,
    or its id leads to somebody else (Alma user deletion documentation).

    Args:
        answer: The single read.
        rules: The rule settings that were approved.
        today: The day in the institution's own time zone.
        marker_group: Code of the marker group.

    Returns:
        The state; `unknown` when the person could not be read, or when somebody of another primary id who is in
        the marker group answers: that may be the same person under a new id. It must not stay so.
    """
    if answer.reading is Reading.NOT_READ:
        return AfterPurgeState(RowState.UNKNOWN)
    if answer.reading is Reading.NOT_FOUND or folded(answer.status) == "deleted":
        return AfterPurgeState(RowState.PURGED)
    if answer.patron is None or not answer.patron.primary_id.strip():
        return AfterPurgeState(RowState.UNKNOWN)
    # Another spelling of the same id is the same person, who is then still there.
    if folded(answer.patron.primary_id) != folded(answer.asked_id):
        renamed = answer.patron.user_group == marker_group
        return AfterPurgeState(RowState.UNKNOWN if renamed else RowState.PURGED)
    return AfterPurgeState(RowState.KEPT_BY_ALMA, _why_kept(answer, answer.patron, rules, today))


def compare_counters(
    submitted: int, purged: int, kept: int, counters: tuple[JobCounter, ...], not_selected: int = 0
) -> tuple[CounterCheck, ...]:
    """Compare the counters of the purge job with what was counted by single reads.

    The names of the counters are not published, so they are recognised by words; one that is not recognised
    is listed without a judgement.

    Args:
        submitted: People in the set when the job started.
        purged: People who were verified as purged.
        kept: People who are still there.
        counters: The counters of the job instance.
        not_selected: Of the people who are still there, those whom Alma's *Purge User Records* page may not have
            counted at all, because it selects by purge date and they have none that is due; 0 for a job on a set.

    Returns:
        The sum over the single reads first, then one check for each counter.
    """
    unread = submitted - purged - kept
    own = (
        f"{number(submitted)} sent to the job = {number(purged)} purged + {number(kept)} kept by Alma"
        f" + {number(unread)} not read."
    )
    reads = _Reads(submitted, purged, kept, not_selected)
    return (CounterCheck(own, unread == 0), *(_check(each, reads) for each in counters))


def gaps(checks: Iterable[CounterCheck]) -> tuple[str, ...]:
    """Return the sentences of the counters that say something else than single reads.

    Args:
        checks: The comparison.
    """
    return tuple(check.sentence for check in checks if check.agrees is False)


# What else a purge may count, such as the requests it cancels or the fees it waives: not people.
_OTHER_THINGS = ("request", "hold", "fee", "fine", "waive", "loan", "letter", "notif", "role", "bulk")


@dataclass(frozen=True, slots=True)
class _Reads:
    """What single reads say."""

    submitted: int
    purged: int
    kept: int
    not_selected: int


# Words in a counter's name, and the number to compare it with; looked up in this order, because names such
# as "Users not purged" contain the words of the other kinds too. The last column: whether the people whom the
# page did not select may be missing from the counter.
_COUNTER_WORDS: tuple[tuple[tuple[str, ...], str, Callable[[_Reads], int], bool], ...] = (
    (
        ("fail", "retain", "exception", "not purged", "kept", "skipped"),
        "kept by Alma",
        lambda reads: reads.kept,
        True,
    ),
    (("purged", "deleted", "success"), "purged", lambda reads: reads.purged, False),
    (("processed", "total", "members"), "sent to the job", lambda reads: reads.submitted, True),
)


def _check(counter: JobCounter, reads: _Reads) -> CounterCheck:
    """Compare one counter with the number that its name speaks of."""
    if counter.value is None:
        return CounterCheck(f"The job's counter {counter.label!r} has no number.", None)
    name = counter.label.casefold().replace("_", " ").replace(".", " ")
    known = () if any(word in name for word in _OTHER_THINGS) else _COUNTER_WORDS
    for words, meaning, pick, may_lack in known:
        if any(word in name for word in words):
            expected = pick(reads)
            lacking = expected - counter.value
            said = (
                f"The job's counter {counter.label!r} says {number(counter.value)}, single reads say "
                f"{number(expected)} {meaning}: "
            )
            if lacking == 0:
                return CounterCheck(f"{said}they agree.", agrees=True)
            if may_lack and 0 < lacking <= reads.not_selected:
                why = f"{number(lacking)} had no purge date that was due, so the page did not select them"
                return CounterCheck(f"{said}{why}.", agrees=True)
            return CounterCheck(f"{said}they differ; look at the job report in Alma.", agrees=False)
    return CounterCheck(f"The job's counter {counter.label!r} says {number(counter.value)}.", None)


def _why_kept(answer: AfterPurge, patron: Patron, rules: RuleSettings, today: date) -> KeptWhy:
    """Find the most likely reason why Alma kept a person.

    What stops Alma by its own documentation comes first ("Purging Users"); ordinary requests and roles do not,
    and are named only when nothing else is to be seen.
    """
    owed = patron.open_fees
    early = patron.purge_date is None or (today - patron.purge_date).days < rules.days_after_purge_date
    # The first that holds decides.
    cases: tuple[tuple[object, KeptWhy], ...] = (
        (patron.loans, KeptWhy.LOANS),
        (answer.resource_sharing_on_hold, KeptWhy.RESOURCE_SHARING),
        (owed is not None and owed > rules.waive_threshold, KeptWhy.FEES),
        (early, KeptWhy.PURGE_DATE),
        (patron.requests, KeptWhy.REQUESTS),
        (set(patron.active_roles or ()) - set(rules.harmless_roles), KeptWhy.ROLE),
    )
    return next((why for holds, why in cases if holds), KeptWhy.NOT_KNOWN)
