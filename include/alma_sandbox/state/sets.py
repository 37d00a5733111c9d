"""Sets of users: created empty, filled in blocks of at most 1000, with every documented refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.state.people import Person

MEMBER_LIMIT = 1000
CONTENTS = {"USER": "User", "BIB_MMS": "All Titles", "ITEM": "Physical items"}


@dataclass(slots=True)
class AlmaSet:
    """One set; members are internal numbers, so they follow a renamed user."""

    set_id: str
    name: str
    description: str
    set_type: str
    content: str
    private: str
    status: str
    created: datetime
    members: dict[int, None] = field(default_factory=dict)


class SetShelf:
    """All sets of the tenant.

    Args:
        next_id: Gives the id of the next set.
        find: Finds a user by an identifier and an identifier type.
    """

    def __init__(self, next_id: Callable[[], str], find: Callable[[str, str], Person | None]) -> None:
        self._next_id = next_id
        self._find = find
        self._sets: dict[str, AlmaSet] = {}

    def all(self) -> list[AlmaSet]:
        """Return every set, oldest first."""
        return list(self._sets.values())

    def get(self, set_id: str) -> AlmaSet:
        """Return a set.

        Raises:
            AlmaRefusal: 60107 if there is none with that id.
        """
        if set_id not in self._sets:
            raise AlmaRefusal("60107", f"Invalid set ID: {set_id}.")
        return self._sets[set_id]

    def create(self, name: str, description: str, kinds: dict[str, str], now: datetime) -> AlmaSet:
        """Create an empty itemized set.

        Args:
            name: Unique name.
            description: Free text.
            kinds: `type`, `content`, `private` and `status` as sent.
            now: Creation time.

        Raises:
            AlmaRefusal: 402262, 402263, 60204, 60209 or 60210 for what is wrong with it.
        """
        if not name:
            raise AlmaRefusal("402119", "General Error - An error has occurred while processing the request.")
        if kinds["type"] != "ITEMIZED":
            raise AlmaRefusal("402262", f"Set type {kinds['type']} is not valid.")
        if kinds["content"] not in CONTENTS:
            raise AlmaRefusal("60204", f"Set content type {kinds['content']} is not valid.")
        if kinds["private"] not in {"true", "false"}:
            raise AlmaRefusal("60209", f"Set private value {kinds['private']} is not valid.")
        if kinds["status"] not in {"ACTIVE", "INACTIVE"}:
            raise AlmaRefusal("60210", f"Set status {kinds['status']} is not valid.")
        if any(existing.name.casefold() == name.casefold() for existing in self._sets.values()):
            raise AlmaRefusal("402263", f"Set name {name} already exists.")
        made = AlmaSet(
            self._next_id(),
            name,
            description,
            kinds["type"],
            kinds["content"],
            kinds["private"],
            kinds["status"],
            now,
        )
        self._sets[made.set_id] = made
        return made

    def delete(self, set_id: str) -> None:
        """Delete a set.

        Raises:
            AlmaRefusal: 402264 if there is none with that id.
        """
        if set_id not in self._sets:
            raise AlmaRefusal("402264", f"Invalid Set ID: {set_id}.")
        del self._sets[set_id]

    def manage(self, set_id: str, op: str, ids: list[str], id_type: str, *, fail_on_invalid: bool) -> AlmaSet:
        """Add, delete or replace members; all or nothing.

        Args:
            set_id: The set.
            op: add_members, delete_members or replace_members.
            ids: Identifiers as sent.
            id_type: Identifier type, empty for primary ids.
            fail_on_invalid: Whether one unknown identifier refuses the whole list.

        Raises:
            AlmaRefusal: The documented code for whatever is wrong.
        """
        chosen = self.get(set_id)
        if op not in {"add_members", "delete_members", "replace_members"}:
            raise AlmaRefusal("60111", f"Invalid operation: {op}.")
        if chosen.set_type != "ITEMIZED" or chosen.content != "USER":
            raise AlmaRefusal("60112", "Invalid set type.")
        _check_list(ids)
        serials = self._resolve(ids, id_type, fail_on_invalid=fail_on_invalid)
        if op == "add_members":
            if any(serial in chosen.members for serial in serials):
                code = "60176" if id_type else "60115"
                raise AlmaRefusal(code, "A member ID is already in the set.")
            chosen.members.update(dict.fromkeys(serials))
        elif op == "delete_members":
            if any(serial not in chosen.members for serial in serials):
                raise AlmaRefusal("60117", "Input set member ID is not in set.")
            for serial in serials:
                del chosen.members[serial]
        else:
            chosen.members = dict.fromkeys(serials)
        return chosen

    def forget(self, serial: int) -> None:
        """Take a purged or deleted user out of every set."""
        for held in self._sets.values():
            held.members.pop(serial, None)

    def _resolve(self, ids: list[str], id_type: str, *, fail_on_invalid: bool) -> list[int]:
        found: list[int] = []
        for identifier in ids:
            person = self._find(identifier, id_type or "PRIMARYIDENTIFIER")
            if person is None:
                if fail_on_invalid:
                    code = "60120" if id_type else "60116"
                    raise AlmaRefusal(code, f"The ID {identifier} is not valid for content type USER.")
                continue
            found.append(person.serial)
        if len(set(found)) != len(found):
            raise AlmaRefusal("60119", "Input set with duplicate member.")
        return found


def _check_list(ids: list[str]) -> None:
    if not ids:
        raise AlmaRefusal("60113", "Input set with no members.")
    if any(not identifier for identifier in ids):
        raise AlmaRefusal("60114", "Input set with no member ID.")
    if len(ids) > MEMBER_LIMIT:
        raise AlmaRefusal("60118", f"Input set member list exceeds limit of {MEMBER_LIMIT}.")
    if len({identifier.casefold() for identifier in ids}) != len(ids):
        raise AlmaRefusal("60119", "Input set with duplicate member.")
