"""Reads each approved person once after the purge, and says what became of them."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from alma_api.client import AlmaClient
from alma_api.errors import NotFoundError
from alma_purge.steps.live_check import CONNECTIONS, UNREAD
from alma_purge.steps.patrons import patron_without_fees, with_fees
from patron_purge.institution import RuleSettings
from patron_purge.outcome import AfterPurge, AfterPurgeState, Reading, classify_after_purge
from patron_purge.patron import Patron

log = logging.getLogger(__name__)


def classify_people(
    client: AlmaClient, primary_ids: Sequence[str], rules: RuleSettings, today: date, marker_group: str
) -> dict[AfterPurgeState, list[str]]:
    """Read people one by one and group them by what became of them.

    Args:
        client: The Alma client.
        primary_ids: Everybody who was in the set of the purge job.
        rules: The rule settings that were approved.
        today: The day in the institution's zone.
        marker_group: Code of the marker group; whoever is in it was not purged.

    Returns:
        Primary ids by state and likely reason; every id stands once.

    Raises:
        AlmaAuthError: The key may not read users.
    """
    found: dict[AfterPurgeState, list[str]] = {}
    with ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix="reconcile") as pool:
        answers = pool.map(lambda one: read_after_purge(client, one), primary_ids)
        for primary_id, answer in zip(primary_ids, answers, strict=True):
            state = classify_after_purge(answer, rules, today, marker_group)
            found.setdefault(state, []).append(primary_id)
    return found


def read_after_purge(client: AlmaClient, primary_id: str) -> AfterPurge:
    """Read one person after the purge.

    Only the read of the person decides whether somebody is gone; the fees that follow tell why somebody
    stayed.

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
    except UNREAD as error:
        log.warning("One person could not be read after the purge: %s", error)
        return AfterPurge(asked_id=primary_id, reading=Reading.NOT_READ)
    patron = patron_without_fees(user, primary_id)
    if user.status.upper() != "DELETED":
        patron = _add_fees(client, patron)
    return AfterPurge(asked_id=primary_id, reading=Reading.FOUND, status=user.status, patron=patron)


def _add_fees(client: AlmaClient, patron: Patron) -> Patron:
    """Add the money, when it can be read."""
    try:
        return with_fees(client, patron)
    except UNREAD as error:
        log.warning("The fees of one person could not be read after the purge: %s", error)
        return patron
