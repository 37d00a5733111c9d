"""Who is in the marker group right now."""

import logging
import time
from collections.abc import Collection

from alma_api.client import AlmaClient
from patron_purge.errors import MendableError

log = logging.getLogger(__name__)

PASSES = 8


class MarkerGroupError(MendableError):
    """The marker group does not hold exactly the people it should."""


def read_marker_group(client: AlmaClient, group_code: str, pause: float) -> frozenset[str]:
    """List the people in the marker group.

    Alma's search index lags behind changes and its paging is unsafe over a changing list, so a listing
    counts only when two passes agree and the number of distinct people equals Alma's total.

    Args:
        client: The Alma client.
        group_code: Code of the marker group.
        pause: Seconds between two passes.

    Returns:
        The primary ids.

    Raises:
        MarkerGroupError: No two passes in a row agreed.
    """
    previous: frozenset[str] | None = None
    for attempt in range(PASSES):
        if attempt:
            time.sleep(pause)
        listing = client.users.in_group(group_code)
        members = frozenset(member.primary_id for member in listing.users)
        complete = len(members) + listing.strays == listing.reported_total
        if complete and members == previous:
            return members
        previous = members if complete else None
    raise MarkerGroupError(
        f"Alma's list of the people in the group {group_code} keeps changing. No job was started. "
        "Wait until nothing else works on user groups."
    )


def require_only(client: AlmaClient, group_code: str, expected: Collection[str], pause: float) -> None:
    """Make sure that the marker group holds the expected people and nobody else.

    Args:
        client: The Alma client.
        group_code: Code of the marker group.
        expected: Primary ids that must be in it.
        pause: Seconds between two passes.

    Raises:
        MarkerGroupError: Somebody else is in the group, or somebody is missing, also after the index had time
            to catch up.
    """
    wanted = frozenset(expected)
    members: frozenset[str] = frozenset()
    for attempt in range(PASSES):
        if attempt:
            time.sleep(pause)
        members = read_marker_group(client, group_code, pause)
        if members == wanted:
            return
        log.info("The purge group does not show the expected people yet; it is read again")
    raise MarkerGroupError(
        f"The group {group_code} holds {len(members - wanted):,} people who were not approved in this run, and "
        f"{len(wanted - members):,} approved people are missing from it. The purge job was not started. "
        "Find out who changed the user groups."
    )
