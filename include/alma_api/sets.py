"""Itemized sets of users in Alma."""

from collections.abc import Sequence

from alma_api.call import Call, Effect
from alma_api.errors import AlmaResponseError
from alma_api.json_text import encode
from alma_api.models import AlmaSet
from alma_api.paging import Page, page_params, read_complete
from alma_api.record import Record
from alma_api.transport import Transport

MEMBERS_PER_CALL = 1000
"""The most members Alma takes in one call."""


class SetsApi:
    """The part of the Sets API that a purge needs.

    Args:
        transport: Sends the calls.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_itemized_user_set(self, name: str, description: str) -> AlmaSet:
        """Creates an empty, private set of users.

        Args:
            name: The set's name, which no other set may have.
            description: The set's description.

        Raises:
            SetNameTakenError: A set of this name exists.
            AlmaUnclearError: The set may or may not have been created; look with `find_by_name`.
            AlmaError: Alma refused, or can't be reached; nothing was changed.
        """
        body = {
            "name": name,
            "description": description,
            "type": {"value": "ITEMIZED"},
            "content": {"value": "USER"},
            "private": {"value": "true"},
            "status": {"value": "ACTIVE"},
        }
        call = Call("create a set", "POST", ("conf", "sets"), body=encode(body), effect=Effect.CHANGE)
        return self._transport.json(call, _read_set)

    def find_by_name(self, name: str) -> AlmaSet | None:
        """Returns the set of exactly this name, or None.

        Args:
            name: The set's name.

        Raises:
            AlmaResponseError: Several sets have the name, or the answer can't be understood.
            AlmaError: A read failed.
        """
        # In Alma's query language a blank separates words; an underscore stands for it.
        query = f"name~{name.replace(' ', '_')}"

        def fetch(offset: int) -> Page[AlmaSet]:
            call = Call("look up a set", "GET", ("conf", "sets"), params=(("q", query), *page_params(offset)))
            return self._transport.json(call, _set_page)

        listed = read_complete(fetch, "sets", key=lambda item: item.id)
        found = [item for item in listed if item.name == name]
        if len(found) > 1:
            raise AlmaResponseError(
                f"Alma lists {len(found)} sets named '{name}' where one or none is expected."
            )
        return found[0] if found else None

    def get(self, set_id: str) -> AlmaSet:
        """Reads a set.

        Args:
            set_id: The set's id.

        Raises:
            NotFoundError: No such set.
            AlmaError: The read failed.
        """
        return self._transport.json(Call("read a set", "GET", ("conf", "sets", set_id)), _read_set)

    def members(self, set_id: str) -> tuple[str, ...]:
        """Reads the ids of all members; for users these are primary ids.

        Args:
            set_id: The set's id.

        Raises:
            AlmaResponseError: Alma listed fewer members than it said there are.
            AlmaError: A read failed.
        """

        def fetch(offset: int) -> Page[str]:
            call = Call(
                "read the members of a set",
                "GET",
                ("conf", "sets", set_id, "members"),
                params=page_params(offset),
            )
            return self._transport.json(call, _member_page)

        return read_complete(fetch, "members of the set", key=lambda member: member)

    def add_members(self, set_id: str, ids: Sequence[str]) -> AlmaSet:
        """Adds members; ids Alma does not know are left out without a word, so read the members back.

        Args:
            set_id: The set's id.
            ids: 1 to 1000 primary ids, none twice.

        Raises:
            ValueError: None, too many or repeated ids; nothing was sent.
            SetMemberError: Alma refused the list, for instance because one is already in the set.
            AlmaUnclearError: The members may or may not have been added; read them.
            AlmaError: Alma refused, or can't be reached; nothing was changed.
        """
        return self._change_members("add_members", "add members to a set", set_id, ids)

    def delete_members(self, set_id: str, ids: Sequence[str]) -> AlmaSet:
        """Takes members out of a set; the users themselves stay as they are.

        Args:
            set_id: The set's id.
            ids: 1 to 1000 primary ids, none twice.

        Raises:
            ValueError: None, too many or repeated ids; nothing was sent.
            SetMemberError: Alma refused the list, for instance because one is not in the set.
            AlmaUnclearError: The members may or may not have been taken out; read them.
            AlmaError: Alma refused, or can't be reached; nothing was changed.
        """
        return self._change_members("delete_members", "take members out of a set", set_id, ids)

    def delete(self, set_id: str) -> None:
        """Deletes a set; its members stay as they are.

        Args:
            set_id: The set's id.

        Raises:
            NotFoundError: No such set.
            AlmaUnclearError: The set may or may not have been deleted.
            AlmaError: Alma refused, or can't be reached; nothing was changed.
        """
        call = Call("delete a set", "DELETE", ("conf", "sets", set_id), effect=Effect.CHANGE)
        self._transport.raw(call, lambda _body: None)

    def _change_members(self, operation: str, what: str, set_id: str, ids: Sequence[str]) -> AlmaSet:
        if not 1 <= len(ids) <= MEMBERS_PER_CALL or len(set(ids)) != len(ids) or not all(ids):
            raise ValueError(
                f"can't {what}: Alma takes 1 to {MEMBERS_PER_CALL} ids at once, none empty and none twice; "
                f"{len(ids)} were given, nothing was sent"
            )
        call = Call(
            what,
            "POST",
            ("conf", "sets", set_id),
            params=(("op", operation), ("fail_on_invalid_id", "false")),
            body=encode({"members": {"member": [{"id": member} for member in ids]}}),
            effect=Effect.CHANGE,
            personal=tuple(ids),
        )
        return self._transport.json(call, _read_set)


def _read_set(document: object) -> AlmaSet:
    record = Record(document, "set")
    return AlmaSet(
        id=record.required("id"),
        name=record.text("name"),
        content=record.code("content"),
        member_count=record.count("number_of_members"),
    )


def _set_page(document: object) -> Page[AlmaSet]:
    record = Record(document, "list of sets")
    sets = tuple(_read_set(item.raw) for item in record.items("set", "set"))
    return Page(sets, record.required_count("total_record_count"))


def _member_page(document: object) -> Page[str]:
    record = Record(document, "list of set members")
    members = tuple(item.required("id") for item in record.items("member", "set member"))
    return Page(members, record.required_count("total_record_count"))
