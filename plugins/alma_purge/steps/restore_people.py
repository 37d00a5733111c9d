"""Puts many people back, one by one, so that a crash loses nothing and one record stops nobody else."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from alma_api.client import AlmaClient
from alma_api.errors import AlmaUnavailableError
from alma_purge.steps.restore import Attempt, Home, NotRestoredWhy, Restored, restore_person
from alma_purge.steps.restore_log import RestoreLog

log = logging.getLogger(__name__)

BATCH: Final = 20
UNAVAILABLE_IN_A_ROW: Final = 5
_LOG_EVERY: Final = 5 * BATCH


def restore_people(
    client: AlmaClient, homes: Sequence[Home], marker_group: str, restore_log: RestoreLog
) -> dict[str, Attempt]:
    """Put people back at the client's pace, writing down each batch before and after.

    Args:
        client: The Alma client.
        homes: Everybody who may be in the marker group, with the original group.
        marker_group: Code of the marker group.
        restore_log: What earlier tries have done, and where to note what is done now.

    Returns:
        What became of each person, earlier tries included.

    Raises:
        AlmaUnavailableError: Several records in a row could not be read: Alma is in trouble.
        AlmaError: Alma takes no more calls, or the key may not read or write.
    """
    row_of_trouble = 0
    for start in range(0, len(homes), BATCH):
        batch = homes[start : start + BATCH]
        restore_log.begin(home.primary_id for home in batch)
        try:
            for home in batch:
                try:
                    attempt = restore_person(client, home, marker_group)
                    row_of_trouble = 0
                except AlmaUnavailableError:
                    # One record that Alma never gives out must not keep the others in the marker group.
                    row_of_trouble += 1
                    if row_of_trouble >= UNAVAILABLE_IN_A_ROW:
                        raise
                    attempt = Attempt(Restored.FAILED, NotRestoredWhy.NOT_READ)
                restore_log.note(home.primary_id, attempt)
        finally:
            restore_log.save()
        if (start + BATCH) % _LOG_EVERY == 0:
            log.info("%s of %s people looked at", f"{start + BATCH:,}", f"{len(homes):,}")
    return {home.primary_id: restore_log.attempts[home.primary_id] for home in homes}


def reasons_sentence(attempts: Mapping[str, Attempt]) -> str:
    """Return how many people could not be put back for which reason, such as `2: Alma refused the change`.

    Args:
        attempts: What became of each person.
    """
    counts = Counter(attempt.why for attempt in attempts.values() if attempt.why is not None)
    return "; ".join(f"{count:,}: {why.label}" for why, count in counts.most_common())
