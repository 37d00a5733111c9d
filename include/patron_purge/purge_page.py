"""The purge that a person runs on Alma's *Purge User Records* page, which no API can start."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from patron_purge.amounts import money, number
from patron_purge.institution import Institution
from patron_purge.payloads import FrozenPayload
from patron_purge.states import Engine

VALID_FOR = timedelta(minutes=30)
"""How long the criteria may be used after the last check of the people."""

JOB_TITLE = "Purge User Records (run by a person)"
_RECORD_TYPES = {"PUBLIC": "Public", "STAFF": "Staff"}


@dataclass(frozen=True, slots=True)
class PageCriteria:
    """What is to be entered on the page (CARLI user purge procedure).

    Attributes:
        days_after_purge_date: Number of days after purge date.
        record_type: User record type: Public or Staff.
        user_group: Code of the user group: the marker group.
        waive_threshold: Largest sum owed that is waived.
    """

    days_after_purge_date: int
    record_type: str
    user_group: str
    waive_threshold: Decimal

    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return the fields of the page, by their names there, and what to enter."""
        return (
            ("Number of days after purge date", number(self.days_after_purge_date)),
            ("User record type", self.record_type),
            ("User group", self.user_group),
            ("Waive threshold", money(self.waive_threshold)),
        )


def page_criteria(institution: Institution) -> PageCriteria:
    """Return the criteria that say the same as the institution's rules.

    Args:
        institution: The settings, with the engine `manual`.
    """
    rules = institution.rules
    return PageCriteria(
        days_after_purge_date=rules.days_after_purge_date,
        record_type=_RECORD_TYPES[rules.record_types[0]],
        user_group=institution.marker_group,
        waive_threshold=rules.waive_threshold,
    )


def purge_title(institution: Institution) -> str:
    """Return what the purge is called for people.

    Args:
        institution: The settings.
    """
    if institution.engine is Engine.MANUAL or institution.purge_job is None:
        return JOB_TITLE
    return institution.purge_job.name


def frozen_criteria(criteria: PageCriteria) -> FrozenPayload:
    """Freeze the criteria as the payload of a job is frozen, so that an approval covers them.

    Args:
        criteria: What is to be entered.
    """
    raw = json.dumps(dict(criteria.fields()), indent=1).encode()
    return FrozenPayload(raw=raw, sha256=hashlib.sha256(raw).hexdigest(), parameters=criteria.fields())


@dataclass(frozen=True, slots=True)
class TypedCounts:
    """The counts of Alma's job report as a person has typed them.

    Attributes:
        purged: Number of records deleted.
        kept: Number of records retained.
    """

    purged: int
    kept: int


def read_counts(purged: object, kept: object) -> TypedCounts | None:
    """Read the two counts of the form.

    Args:
        purged: Content of the field, of any kind.
        kept: Content of the field, of any kind.

    Returns:
        The counts; None when a field is empty or no whole number from 0 on.
    """
    numbers = [_count(one) for one in (purged, kept)]
    if numbers[0] is None or numbers[1] is None:
        return None
    return TypedCounts(numbers[0], numbers[1])


def is_valid(shown_at: datetime, now: datetime) -> bool:
    """Tell whether the purge may still be started with the criteria.

    Args:
        shown_at: When the criteria were shown, right after the last check.
        now: The moment in question.
    """
    return shown_at <= now <= shown_at + VALID_FOR


def _count(typed: object) -> int | None:
    try:
        amount = Decimal(str(typed).replace(",", "").strip())
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and amount >= 0 and amount == int(amount) else None
