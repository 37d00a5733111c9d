"""Keeps what was read about people so far, so that a later try of the task reads nobody twice."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from alma_purge.run_folder import RunFolder, sha256_of
from alma_purge.steps.job_book import TaskStateStore

log = logging.getLogger(__name__)

GOOD_FOR: Final = timedelta(hours=1)
SAVE_PEOPLE: Final = 100
SAVE_SECONDS: Final = 10.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Record:
    """What the task state store holds about the files.

    Attributes:
        basis: Checksum of everything that the results depend on besides Alma.
        parts: Number of files.
        sha256: Checksum over all of them, each part's checksum added to the one before.
    """

    basis: str
    parts: int
    sha256: str


_RECORD: Final = TypeAdapter(_Record)


class ReadProgress(Generic[Result]):
    """Results of unfinished reading, in part files of the run folder.

    A part is written once and never changed, so that saving costs the same however many people were read.
    The task state store, which survives retries, holds the checksum over the parts; parts that do not agree
    with it are not used.

    Args:
        folder: The run folder.
        store: The task state store of the task.
        basis: Checksum of everything that the results depend on besides Alma; results of another basis are
            thrown away.
        name: What is in progress, such as `check`; begins the names of the files and of the stored record.
        lines: Reads and writes one line: the id that was asked for, when the read began, and its result.
    """

    def __init__(
        self,
        folder: RunFolder,
        store: TaskStateStore,
        basis: str,
        name: str,
        lines: TypeAdapter[tuple[str, datetime, Result]],
    ) -> None:
        self._folder = folder
        self._store = store
        self._name = name
        self._line_form = lines
        self._known: dict[str, Result] = {}
        self._unsaved: list[tuple[str, datetime, Result]] = []
        self._record = self._load(basis)
        self._saved_at = monotonic()

    def known(self) -> Mapping[str, Result]:
        """Return the results of an earlier try that still hold, by primary id."""
        return self._known

    def note(self, primary_id: str, result: Result, read_at: datetime) -> None:
        """Note a result; it may come from any thread."""
        self._unsaved.append((primary_id, read_at, result))

    def save_if_due(self) -> None:
        """Save when enough people have been read or enough time has passed."""
        if len(self._unsaved) >= SAVE_PEOPLE or monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write everything noted since the last time."""
        self._saved_at = monotonic()
        lines = self._unsaved[:]
        if not lines:
            return
        number = self._record.parts + 1
        content = b"".join(self._line_form.dump_json(line) + b"\n" for line in lines)
        part = self._folder.write(self._part_name(number), content)
        self._remember(_Record(self._record.basis, number, _chained(self._record.sha256, part.sha256)))
        del self._unsaved[: len(lines)]

    def clear(self) -> None:
        """Remove everything, once it is not needed any more."""
        self._remove_files(self._record.parts)
        self._remember(replace(self._record, parts=0, sha256=""))
        self._known = {}

    @property
    def _key(self) -> str:
        return store_key(self._name)

    def _remember(self, record: _Record) -> None:
        self._store.set(self._key, _RECORD.dump_json(record).decode())
        self._record = record

    def _load(self, basis: str) -> _Record:
        """Read what an earlier try has left, if it was about the same question."""
        fresh = _Record(basis, 0, "")
        stored = self._stored_record()
        if stored is None:
            return fresh
        lines = self._lines(stored) if stored.basis == basis else None
        if lines is None:
            log.info("What an earlier try of this task has read does not count any more.")
            self._remove_files(stored.parts)
            return fresh
        now = datetime.now(UTC)
        self._known = {
            asked_id: result
            for asked_id, read_at, result in lines
            if timedelta(0) <= now - read_at < GOOD_FOR
        }
        if self._known:
            log.info("%s people were read by an earlier try of this task.", f"{len(self._known):,}")
        return stored

    def _stored_record(self) -> _Record | None:
        stored = self._store.get(self._key)
        try:
            return _RECORD.validate_json(stored) if isinstance(stored, str) else None
        except ValidationError:
            log.warning("The record of an earlier try of this task can't be read; everybody is read again.")
            return None

    def _lines(self, record: _Record) -> list[tuple[str, datetime, Result]] | None:
        """Return the lines of every part, or None when the parts are not the ones on record."""
        contents = [
            self._folder.read_if_there(self._part_name(number)) for number in range(1, record.parts + 1)
        ]
        present = [content for content in contents if content is not None]
        sha256 = ""
        for content in present:
            sha256 = _chained(sha256, sha256_of(content))
        if len(present) != record.parts or sha256 != record.sha256:
            return None
        try:
            # JSON text holds no raw line end of any other kind than the one between two lines.
            return [
                self._line_form.validate_json(line) for one in present for line in one.split(b"\n") if line
            ]
        except ValidationError:
            return None

    def _remove_files(self, parts: int) -> None:
        """Remove the parts, and the one that may have been written just before a crash."""
        for number in range(1, parts + 2):
            self._folder.remove(self._part_name(number))

    def _part_name(self, number: int) -> str:
        return f"{self._name}-progress-{number:05}.jsonl"


def store_key(name: str) -> str:
    """Return the key under which the task state store holds the record of some progress."""
    return f"{name}_progress"


def basis_of(**parts: object) -> str:
    """Return a checksum of everything that results depend on besides Alma.

    Args:
        parts: Texts, numbers and the like that JSON can hold.
    """
    return sha256_of(json.dumps(parts, sort_keys=True).encode())


def _chained(before: str, part: str) -> str:
    return sha256_of(f"{before} {part}".encode())
