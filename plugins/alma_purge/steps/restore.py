"""Gives a person who was moved to the marker group the original user group back."""

import logging
from dataclasses import dataclass
from enum import StrEnum

from alma_api.client import AlmaClient
from alma_api.errors import AlmaRequestError, AlmaResponseError, AlmaUnclearError, NotFoundError
from alma_api.models import User

log = logging.getLogger(__name__)

_OUTDATED_CODE = "401864"


class Restored(StrEnum):
    """How one person's group stands after the attempt."""

    BEGUN = "begun"
    RESTORED = "restored"
    NOT_NEEDED = "not_needed"
    ALREADY_MOVED = "already_moved"
    FAILED = "failed"
    GONE = "gone"


class NotRestoredWhy(StrEnum):
    """Why somebody is still in the marker group."""

    NOT_READ = "not_read"
    NOT_UNDERSTOOD = "not_understood"
    INCOMPLETE = "incomplete"
    NEW_PRIMARY_ID = "new_primary_id"
    GROUP_NOT_KNOWN = "group_not_known"
    OUTDATED_CODE = "outdated_code"
    REFUSED = "refused"
    UNCLEAR = "unclear"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _LABELS[self]

    @property
    def may_pass(self) -> bool:
        """Tell whether another try may succeed without anybody doing anything."""
        return self in {NotRestoredWhy.NOT_READ, NotRestoredWhy.NOT_UNDERSTOOD, NotRestoredWhy.UNCLEAR}


_LABELS = {
    NotRestoredWhy.NOT_READ: "Alma did not give the record out",
    NotRestoredWhy.NOT_UNDERSTOOD: "Alma's answer could not be understood",
    NotRestoredWhy.INCOMPLETE: "the record lacks a part that a change would empty",
    NotRestoredWhy.NEW_PRIMARY_ID: "the record has another primary id now",
    NotRestoredWhy.GROUP_NOT_KNOWN: "the original group is not on file",
    NotRestoredWhy.OUTDATED_CODE: "a code in the record, or the group, is not valid in Alma any more",
    NotRestoredWhy.REFUSED: "Alma refused the change",
    NotRestoredWhy.UNCLEAR: "Alma's answer to the change was unclear, and the change is not there",
}


@dataclass(frozen=True, slots=True)
class Home:
    """Where a person belongs.

    Attributes:
        primary_id: The primary id.
        group: Code of the original user group; None when it is not on file.
    """

    primary_id: str
    group: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a person's group.

    Attributes:
        outcome: How the group stands.
        why: Why the person could not be restored; None in every other outcome.
    """

    outcome: Restored
    why: NotRestoredWhy | None = None


def restore_person(client: AlmaClient, home: Home, marker_group: str) -> Attempt:
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
        found = look_at_person(client, home, marker_group)
        return found if isinstance(found, Attempt) else _put_back(client, home, found)
    except AlmaResponseError as error:
        return _failed(NotRestoredWhy.NOT_UNDERSTOOD, error)
    except AlmaRequestError as error:
        return _failed(NotRestoredWhy.NOT_READ, error)


def look_at_person(client: AlmaClient, home: Home, marker_group: str) -> Attempt | User:
    """Tell where a person stands, changing nothing.

    Args:
        client: The Alma client.
        home: The person and the original group.
        marker_group: Code of the marker group.

    Returns:
        What became of the person; the record of somebody who is in the marker group and could be put back.

    Raises:
        AlmaError: The record can't be read.
    """
    user = _read(client, home)
    # A purged record may stay, with the status DELETED and the group it had (Alma's Delete User Policy).
    if user is None or user.status.upper() == "DELETED":
        return Attempt(Restored.GONE)
    if user.primary_id != home.primary_id:
        # Somebody else now answers to this id. In the marker group it may be the same person under a new id.
        if user.user_group == marker_group:
            return Attempt(Restored.FAILED, NotRestoredWhy.NEW_PRIMARY_ID)
        return Attempt(Restored.GONE)
    if user.user_group == home.group:
        return Attempt(Restored.NOT_NEEDED)
    if user.user_group != marker_group:
        return Attempt(Restored.ALREADY_MOVED)
    return Attempt(Restored.FAILED, NotRestoredWhy.GROUP_NOT_KNOWN) if home.group is None else user


def _put_back(client: AlmaClient, home: Home, user: User) -> Attempt:
    # Whether an unclear or refused change came through shows in the record, which is read next.
    why = NotRestoredWhy.UNCLEAR
    try:
        client.users.put_group(user, home.group or "")
    except AlmaUnclearError as error:
        log.warning("It is not clear whether one person was put back: %s", error)
    except AlmaRequestError as error:
        why = NotRestoredWhy.OUTDATED_CODE if error.code == _OUTDATED_CODE else NotRestoredWhy.REFUSED
    except ValueError as error:
        # The record lacks a part which Alma would empty; the text names parts, not people.
        return _failed(NotRestoredWhy.INCOMPLETE, error)
    after = _read(client, home)
    if after is None:
        return Attempt(Restored.GONE)
    back = after.primary_id == home.primary_id and after.user_group == home.group
    return Attempt(Restored.RESTORED) if back else Attempt(Restored.FAILED, why)


def _failed(why: NotRestoredWhy, error: Exception) -> Attempt:
    log.warning("One person could not be put back (%s)", type(error).__name__)
    return Attempt(Restored.FAILED, why)


def _read(client: AlmaClient, home: Home) -> User | None:
    """Read whoever answers to the primary id; None when Alma knows nobody."""
    try:
        return client.users.get(home.primary_id)
    except NotFoundError:
        return None
