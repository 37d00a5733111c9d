"""Gives a person who was moved to the marker group the original user group back."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from alma_api.client import AlmaClient
from alma_api.errors import AlmaRequestError, AlmaResponseError, AlmaUnclearError, NotFoundError
from alma_api.models import User

log = logging.getLogger(__name__)


class Restored(StrEnum):
    """How one person's group stands after the attempt."""

    RESTORED = "restored"
    NOT_NEEDED = "not_needed"
    ALREADY_MOVED = "already_moved"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a person belongs.

    Attributes:
        primary_id: The primary id.
        group: Code of the original user group.
    """

    primary_id: str
    group: str


def restore_person(client: AlmaClient, home: Home, marker_group: str) -> Restored:
    """Move one person from the marker group back to the original group, and read the record back.

    The whole record is sent with nothing but the group changed, because Alma empties what is left out
    (Alma Users API, "swap all").

    Args:
        client: The Alma client.
        home: The person and the original group.
        marker_group: Code of the marker group.

    Returns:
        What became of the person. Only somebody who is in the marker group at this moment is changed. A person
        whose record can't be read or changed is `failed`, so that one record never keeps others from their
        group.

    Raises:
        AlmaError: Alma can't be reached, takes no more calls, or the key may not read or write.
    """
    try:
        return _restore(client, home, marker_group)
    except (AlmaRequestError, AlmaResponseError, ValueError) as error:
        # A ValueError is a record that lacks a part which Alma would empty; its text names parts, not people.
        log.warning("One person could not be put back (%s)", type(error).__name__)
        return Restored.FAILED


def _restore(client: AlmaClient, home: Home, marker_group: str) -> Restored:
    user = _read(client, home)
    if user is None:
        return Restored.GONE
    if user.primary_id != home.primary_id:
        # Somebody else now answers to this id. In the marker group it may be the same person under a new id.
        return Restored.FAILED if user.user_group == marker_group else Restored.GONE
    if user.user_group == home.group:
        return Restored.NOT_NEEDED
    if user.user_group != marker_group:
        return Restored.ALREADY_MOVED
    # Whether an unclear or refused change came through shows in the record, which is read next.
    with suppress(AlmaUnclearError, AlmaRequestError):
        client.users.put_group(user, home.group)
    after = _read(client, home)
    if after is None:
        return Restored.GONE
    back = after.primary_id == home.primary_id and after.user_group == home.group
    return Restored.RESTORED if back else Restored.FAILED


def _read(client: AlmaClient, home: Home) -> User | None:
    """Read whoever answers to the primary id; None when Alma knows nobody."""
    try:
        return client.users.get(home.primary_id)
    except NotFoundError:
        return None
