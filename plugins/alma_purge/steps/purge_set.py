"""Makes the itemized set that a job works on hold exactly the people it may touch."""

import logging
from collections.abc import Collection, Iterator, Sequence

from alma_api.client import AlmaClient
from alma_api.errors import AlmaUnclearError, SetMemberError, SetNameTakenError
from alma_api.models import AlmaSet
from alma_purge.operators.base import TryAgainError
from patron_purge.errors import MendableError

log = logging.getLogger(__name__)

CHUNK = 1000
ROUNDS = 3


class SetMismatchError(MendableError):
    """The set in Alma does not hold exactly the approved people."""


class SetUnclearError(TryAgainError, MendableError):
    """It is not clear whether Alma has made the set."""


def ensure_set(client: AlmaClient, name: str) -> AlmaSet:
    """Return the itemized user set of this name, made when there is none.

    The name holds the run and the digest, so a set of that name is an earlier try's.

    Args:
        client: The Alma client.
        name: Exact name of the set.

    Raises:
        SetUnclearError: Whether it was made is unclear, and Alma does not list it (yet).
    """
    existing = client.sets.find_by_name(name)
    if existing is not None:
        return existing
    try:
        return client.sets.create_itemized_user_set(name, "Made by the user purge; deleted after the run.")
    except (AlmaUnclearError, SetNameTakenError) as error:
        # The set may have been made in spite of the answer: a name is unique, so it can be asked for.
        made = client.sets.find_by_name(name)
        if made is None:
            raise SetUnclearError(
                f"{error} Another try looks for the set {name} again before it makes one; look for it in Alma when "
                "that does not help."
            ) from error
        return made


def fill_set(client: AlmaClient, set_id: str, wanted: Collection[str]) -> None:
    """Bring the members of a set to exactly the wanted people, and read them back.

    Adding is not repeatable in Alma (code 60115), so each round reads the members and sends the difference.

    Args:
        client: The Alma client.
        set_id: Id of the set.
        wanted: Primary ids, each spelled as in Alma.

    Raises:
        SetMismatchError: The members still differ after three rounds.
    """
    for _ in range(ROUNDS):
        members = set(client.sets.members(set_id))
        missing, strangers = sorted(set(wanted) - members), sorted(members - set(wanted))
        if not missing and not strangers:
            return
        try:
            for chunk in _chunks(strangers):
                client.sets.delete_members(set_id, chunk)
            for chunk in _chunks(missing):
                client.sets.add_members(set_id, chunk)
        except (AlmaUnclearError, SetMemberError) as error:
            log.warning("The set is read again after an unclear answer: %s", error)
    require_members(client, set_id, wanted)


def require_members(client: AlmaClient, set_id: str, wanted: Collection[str]) -> None:
    """Read the members of a set back and compare.

    Raises:
        SetMismatchError: Somebody is missing or too many.
    """
    members = set(client.sets.members(set_id))
    missing, strangers = set(wanted) - members, members - set(wanted)
    if missing or strangers:
        raise SetMismatchError(
            f"The set {set_id} in Alma lacks {len(missing):,} of the approved people and holds "
            f"{len(strangers):,} others. No job was started. Look at the set in Alma."
        )


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list into pieces that one call accepts (Alma Sets API: at most 1,000)."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
