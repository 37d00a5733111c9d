"""The user search behind GET /users?q=: words, several fields, an index that lags."""

from __future__ import annotations

import re
from collections.abc import Callable

from alma_sandbox.errors import AlmaRefusal
from alma_sandbox.state.people import Person
from alma_sandbox.state.users import IndexEntry, UserShelf, index_entry

FIELDS = {
    "primary_id", "first_name", "last_name", "middle_name", "email", "phone_number", "job_category",
    "identifiers", "birth_date", "user_group", "campus_code", "block_type", "id_type", "note_text",
    "note_type", "statistic_category", "fines_fees_sum", "general_info", "ALL",
}  # fmt: skip

Known = Person | IndexEntry
Hit = tuple[Person, Known]
Test = Callable[[Person, Known], bool]


def words(text: str) -> list[str]:
    """Split a text into the words the search compares, ignoring case."""
    return re.findall(r"[^\W_]+", text.casefold())


class UserSearch:
    """Searches the users by words.

    Args:
        shelf: The user records.
        groups: Gives group descriptions by code.
        describe_groups: Whether user_group~ also looks in the descriptions.
        show_deleted: Whether users with status DELETED are found.
    """

    def __init__(
        self,
        shelf: UserShelf,
        groups: Callable[[], dict[str, str]],
        describe_groups: Callable[[], bool],
        show_deleted: Callable[[], bool],
    ) -> None:
        self._shelf = shelf
        self._groups = groups
        self._describe_groups = describe_groups
        self._show_deleted = show_deleted

    def run(self, query: str, order_by: str = "") -> list[Hit]:
        """Find users.

        Args:
            query: `field~words`, several joined with AND; empty for everyone.
            order_by: last_name, first_name or primary_id; only honoured without a query.

        Raises:
            AlmaRefusal: 402119 for a query or an order that cannot be read.
        """
        tests = [self._test(part) for part in query.split(" AND ")] if query else []
        shows_deleted = self._show_deleted()
        hits = []
        for person, old in self._shelf.indexed():
            known: Known = old or person
            if not shows_deleted and known.status == "DELETED":
                continue
            if all(test(person, known) for test in tests):
                hits.append((person, known))
        if not query:
            hits.sort(key=_order(order_by))
        return hits

    def _test(self, part: str) -> Test:
        name, separator, wanted = part.strip().partition("~")
        if not separator or name not in FIELDS:
            raise AlmaRefusal("402119", "General error - An error has occurred while processing the request.")
        needed = words(wanted.replace("_", " "))
        if name == "user_group":
            codes = self._matching_groups(needed)
            return lambda _person, known: known.user_group in codes
        return lambda person, known: _contains(needed, _text(name, person, known))

    def _matching_groups(self, needed: list[str]) -> set[str]:
        found = set()
        for code, description in self._groups().items():
            if _contains(needed, code) or (self._describe_groups() and _contains(needed, description)):
                found.add(code)
        return found


def _contains(needed: list[str], text: str) -> bool:
    present = set(words(text))
    return bool(needed) and all(word in present for word in needed)


def _text(name: str, person: Person, known: Known) -> str:
    entry = known if isinstance(known, IndexEntry) else index_entry(known)
    if name == "identifiers":
        return " ".join(entry.identifiers)
    if name in {"primary_id", "first_name", "last_name"}:
        return str(getattr(entry, name))
    if name == "email":
        return f"user{person.serial}@example.edu"
    if name == "note_text":
        return " ".join(str(item.get("note_text", "")) for item in person.details.get("user_note", []))
    if name in {"ALL", "general_info"}:
        return " ".join([entry.primary_id, entry.first_name, entry.last_name, *entry.identifiers])
    return ""


def _order(order_by: str) -> Callable[[Hit], tuple[str, ...]]:
    orders = {
        "": ("last_name", "first_name", "primary_id"),
        "last_name, first_name, primary_id": ("last_name", "first_name", "primary_id"),
        "last_name": ("last_name", "primary_id"),
        "first_name": ("first_name", "primary_id"),
        "primary_id": ("primary_id",),
    }
    if order_by not in orders:
        raise AlmaRefusal("402119", "General error - An error has occurred while processing the request.")
    return lambda hit: tuple(str(getattr(hit[1], name)).casefold() for name in orders[order_by])
