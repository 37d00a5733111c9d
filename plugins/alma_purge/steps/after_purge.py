"""Reads each approved person once after the purge, and says what became of them."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaError,
    AlmaRequestError,
    AlmaResponseError,
    AlmaUnavailableError,
    NotFoundError,
)
from alma_purge.steps.live_check import CONNECTIONS
from alma_purge.steps.patrons import NO_FEES, patron_of
from patron_purge.institution import RuleSettings
from patron_purge.outcome import AfterPurge, AfterPurgeState, Reading, classify_after_purge

log = logging.getLogger(__name__)

_UNREAD = (AlmaUnavailableError, AlmaResponseError, AlmaRequestError)


def classify_people(
    client: AlmaClient, primary_ids: Sequence[str], rules: RuleSettings, today: date
) -> dict[AfterPurgeState, list[str]]:
    """Read people one by one and group them by what became of them.

    Args:
        client: The Alma client.
        primary_ids: Everybody who was in the set of the purge job.
        rules: The rule settings that were approved.
        today: The day in the institution's zone.

    Returns:
        Primary ids by state and likely reason; every id stands once.

    Raises:
        AlmaAuthError: The key may not read users.
    """
    found: dict[AfterPurgeState, list[str]] = {}
    with ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix="reconcile") as pool:
        answers = pool.map(lambda one: read_after_purge(client, one), primary_ids)
        for primary_id, answer in zip(primary_ids, answers, strict=True):
            found.setdefault(classify_after_purge(answer, rules, today), []).append(primary_id)
    return found


def read_after_purge(client: AlmaClient, primary_id: str) -> AfterPurge:
    """Read one person after the purge.

    Args:
        client: The Alma client.
        primary_id: The primary id that was approved.

    Raises:
        AlmaAuthError: The key may not read users.
        AlmaRateError: Alma takes no more calls.
    """
    try:
        user = client.users.get(primary_id)
    except NotFoundError:
        return AfterPurge(asked_id=primary_id, reading=Reading.NOT_FOUND)
    except _UNREAD as error:
        return _not_read(primary_id, error)
    if user.status.upper() == "DELETED":
        fees = NO_FEES
    else:
        try:
            fees = client.users.fees_total(user.primary_id)
        except _UNREAD as error:
            # Also when the fees are "not found": only the read of the person proves that somebody is gone.
            return _not_read(primary_id, error)
    return AfterPurge(
        asked_id=primary_id,
        reading=Reading.FOUND,
        status=user.status,
        patron=patron_of(user, primary_id, fees),
    )


def _not_read(primary_id: str, error: AlmaError) -> AfterPurge:
    log.warning("One person could not be read after the purge: %s", error)
    return AfterPurge(asked_id=primary_id, reading=Reading.NOT_READ)
