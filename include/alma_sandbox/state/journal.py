"""What happened in the tenant: every API call and every change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from alma_sandbox.state.people import Json


@dataclass(slots=True)
class Entry:
    """One line of the journal: an API call, or something that happened by itself (`method` is then empty)."""

    number: int
    time: datetime
    method: str
    path: str
    query: dict[str, str]
    key: str = ""
    status: int = 0
    error_code: str = ""
    fault: str = ""
    job_started: str = ""
    changes: list[Json] = field(default_factory=list)

    def to_json(self) -> Json:
        """Write the line as JSON."""
        return {name: getattr(self, name) for name in self.__slots__} | {"time": self.time.isoformat()}


class Journal:
    """Keeps the entries in order and collects the changes of the entry being written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._changes: list[Json] = []
        self._job = ""

    def note(self, what: str, **facts: object) -> None:
        """Record a change made by the call, job or operator action that is under way."""
        self._changes.append({"what": what, **facts})

    def job_started(self, instance_id: str) -> None:
        """Record that the call under way started a job."""
        self._job = instance_id

    def call(self, time: datetime, method: str, path: str, query: dict[str, str]) -> Entry:
        """Open an entry; changes noted from now on belong to it once `close` is called."""
        entry = Entry(len(self.entries) + 1, time, method, path, query)
        self.entries.append(entry)
        self._changes, self._job = [], ""
        return entry

    def close(self, entry: Entry, status: int, error_code: str = "") -> None:
        """Finish an entry with its status and the changes noted since it was opened."""
        entry.status, entry.error_code = status, error_code
        entry.changes, entry.job_started = self._changes, self._job
        self._changes, self._job = [], ""

    def event(self, time: datetime, path: str, changes: list[Json]) -> None:
        """Record something that happened without a call, such as a job changing records."""
        self.entries.append(Entry(len(self.entries) + 1, time, "", path, {}, changes=changes))

    def take_changes(self) -> list[Json]:
        """Hand over the changes noted so far and start a new list."""
        taken, self._changes = self._changes, []
        return taken

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._changes, self._job = [], ""
