"""What an API key may read and change, found out without changing anything."""

from dataclasses import dataclass
from typing import Protocol

from alma_api.client import AlmaClient

ANALYTICS, USERS, CONFIGURATION = "Analytics", "Users", "Configuration"
_READ_AREAS = (ANALYTICS, USERS, CONFIGURATION)
_WRITE_AREAS = (USERS, CONFIGURATION)


class _Area(Protocol):
    def test_read(self) -> bool: ...

    def test_write(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What one key may do.

    Attributes:
        name: What the key is called in a sentence.
        tenant: Institution and environment that it belongs to.
        reads: Areas that it may read.
        writes: Areas that it may change.
    """

    name: str
    tenant: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return the rights in words."""
        reads, writes = (", ".join(areas) or "nothing" for areas in (self.reads, self.writes))
        return f"{self.name} belongs to {self.tenant}; it may read {reads} and write {writes}."

    def lacking_for_reads(self) -> tuple[str, ...]:
        """Return the rights that a key for reads lacks."""
        return tuple(f"{area}: read" for area in _READ_AREAS if area not in self.reads)

    def lacking_for_changes(self, *, reads_too: bool) -> tuple[str, ...]:
        """Return the rights that the main key lacks.

        Args:
            reads_too: Whether it also signs the reads.
        """
        lacking = tuple(f"{area}: write" for area in _WRITE_AREAS if area not in self.writes)
        return (*self.lacking_for_reads(), *lacking) if reads_too else lacking

    def too_many(self) -> list[str]:
        """Return a remark on a key for reads that may do more than read."""
        if not self.writes:
            return []
        return [f"{self.name} may also write; make it read-only in the Ex Libris developer network."]


def rights_of(client: AlmaClient, name: str, tenant: str) -> KeyRights:
    """Ask Alma's test calls, which change nothing, what a key may do.

    Args:
        client: A client that signs everything with that key.
        name: What the key is called in a sentence.
        tenant: Institution and environment that it belongs to.

    Raises:
        AlmaError: Alma could not be asked.
    """
    rooms: dict[str, _Area] = {ANALYTICS: client.analytics, USERS: client.users, CONFIGURATION: client.conf}
    return KeyRights(
        name=name,
        tenant=tenant,
        reads=tuple(area for area, room in rooms.items() if room.test_read()),
        writes=tuple(area for area, room in rooms.items() if room.test_write()),
    )
