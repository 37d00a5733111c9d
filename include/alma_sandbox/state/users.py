"""The shelf of user records: lookup by any identifier, adding, renaming, removing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from alma_sandbox.state.people import Person


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What the user search knows of a person, possibly a few seconds old."""

    primary_id: str
    first_name: str
    last_name: str
    user_group: str
    status: str
    identifiers: tuple[str, ...]


def index_entry(person: Person) -> IndexEntry:
    """Write down what the search would index of a person now."""
    return IndexEntry(
        person.primary_id,
        person.first_name,
        person.last_name,
        person.user_group,
        person.status,
        tuple(str(item.get("value", "")) for item in person.identifiers),
    )


class UserShelf:
    """All user records, reachable by primary id and by other identifiers, case-insensitively.

    Args:
        now: The tenant's clock.
        index_lag: How many seconds the search lags behind a write.
    """

    def __init__(self, now: Callable[[], datetime], index_lag: Callable[[], float]) -> None:
        self._now = now
        self._index_lag = index_lag
        self._people: dict[int, Person] = {}
        self._by_primary: dict[str, int] = {}
        self._by_other: dict[str, int] = {}
        self._old_entries: dict[int, tuple[datetime, IndexEntry]] = {}
        self._ghosts: dict[int, Person] = {}
        self.gone: dict[int, Person] = {}

    def __iter__(self) -> Iterator[Person]:
        """Go through everyone, in the order they came."""
        return iter(self._people.values())

    def __len__(self) -> int:
        """Count the records."""
        return len(self._people)

    def add(self, person: Person) -> None:
        """Put a person on the shelf."""
        self._people[person.serial] = person
        self._by_primary[person.primary_id.casefold()] = person.serial
        for item in person.identifiers:
            self._by_other[str(item["value"]).casefold()] = person.serial

    def find(self, identifier: str, id_type: str = "all_unique") -> Person | None:
        """Find a person by primary id or any other unique identifier, case-insensitively.

        Args:
            identifier: The identifier; a primary id wins over another person's barcode.
            id_type: `all_unique`, `PRIMARYIDENTIFIER` or a code of the identifier types table.
        """
        key = identifier.casefold()
        if id_type in {"all_unique", "PRIMARYIDENTIFIER"} and key in self._by_primary:
            return self._people[self._by_primary[key]]
        if id_type == "PRIMARYIDENTIFIER" or key not in self._by_other:
            return None
        person = self._people[self._by_other[key]]
        if id_type == "all_unique":
            return person
        types = {
            item["id_type"]["value"] for item in person.identifiers if str(item["value"]).casefold() == key
        }
        return person if id_type in types else None

    def by_serial(self, serial: int) -> Person | None:
        """Find a person by the internal number."""
        return self._people.get(serial)

    def touch(self, person: Person) -> None:
        """Remember what the search knows before a person is changed; call it first."""
        lag = self._index_lag()
        if lag > 0 and person.serial not in self._old_entries:
            self._old_entries[person.serial] = (self._now() + timedelta(seconds=lag), index_entry(person))

    @contextmanager
    def changing(self, person: Person) -> Iterator[Person]:
        """Change a person inside this block: the search lags and the lookups follow."""
        self.touch(person)
        self._forget_keys(person)
        try:
            yield person
        finally:
            self.add(person)

    def remove(self, person: Person) -> None:
        """Take a person off the shelf; the search shows the ghost until the index catches up."""
        self.touch(person)
        self._forget_keys(person)
        del self._people[person.serial]
        self.gone[person.serial] = person
        if person.serial in self._old_entries:
            self._ghosts[person.serial] = person

    def bring_back(self, person: Person) -> None:
        """Put a removed person on the shelf again."""
        del self.gone[person.serial]
        self.add(person)

    def forget_old_entries(self) -> None:
        """Let the search catch up at once."""
        self._old_entries.clear()
        self._ghosts.clear()

    def indexed(self) -> Iterator[tuple[Person, IndexEntry | None]]:
        """Go through everyone the search knows; the entry is None when it equals the live record."""
        self._drop_due()
        for person in self._people.values():
            old = self._old_entries.get(person.serial)
            yield person, old[1] if old else None
        for serial, person in self._ghosts.items():
            yield person, self._old_entries[serial][1]

    def _drop_due(self) -> None:
        now = self._now()
        for serial in [serial for serial, (until, _) in self._old_entries.items() if until <= now]:
            del self._old_entries[serial]
            self._ghosts.pop(serial, None)

    def _forget_keys(self, person: Person) -> None:
        if self._by_primary.get(person.primary_id.casefold()) == person.serial:
            del self._by_primary[person.primary_id.casefold()]
        for item in person.identifiers:
            key = str(item["value"]).casefold()
            if self._by_other.get(key) == person.serial:
                del self._by_other[key]
