"""Keeps what a live check has found out so far, so that a later try of the task reads nobody twice."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from pydantic import TypeAdapter, ValidationError

from alma_purge.run_folder import RunFolder, sha256_of
from alma_purge.steps.job_book import TaskStateStore
from alma_purge.steps.live_check import LiveResult
from patron_purge.patron import Finding, Patron
from patron_purge.states import Reason

log = logging.getLogger(__name__)

GOOD_FOR: Final = timedelta(hours=1)
SAVE_PEOPLE: Final = 100
SAVE_SECONDS: Final = 10.0
STORE_KEY: Final = "check_progress"


@dataclass(frozen=True, slots=True)
class _Line:
    """One person who has been read.

    Attributes:
        asked_id: The primary id that was asked for.
        read_at: When the read began.
        patron: What ledger and snapshot need to know; None when Alma did not answer with a person.
        finding: Why the person is held back, or None.
    """

    asked_id: str
    read_at: datetime
    patron: Patron | None
    finding: Finding | None


_LINE: Final = TypeAdapter(_Line)


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


class CheckProgress:
    """Results of an unfinished live check, in part files of the run folder.

    A part is written once and never changed, so that saving costs the same however many people were read.
    The task state store, which survives retries, holds the checksum over the parts; parts that do not agree
    with it are not used.

    Args:
        folder: The run folder.
        store: The task state store of the task.
        basis: Checksum of everything that the results depend on besides Alma; results of another basis are
            thrown away.
    """

    def __init__(self, folder: RunFolder, store: TaskStateStore, basis: str) -> None:
        self._folder = folder
        self._store = store
        self._known: dict[str, LiveResult] = {}
        self._unsaved: list[_Line] = []
        self._record = self._load(basis)
        self._saved_at = monotonic()

    def known(self) -> Mapping[str, LiveResult]:
        """Return the results of an earlier try that still hold, by primary id."""
        return self._known

    def note(self, primary_id: str, result: LiveResult, read_at: datetime) -> None:
        """Note a result; it may come from any thread, and somebody who could not be read is left out."""
        if result.finding is not None and result.finding.reason is Reason.NOT_CHECKED:
            return
        patron = None if result.patron is None else _needed_later(result.patron)
        self._unsaved.append(_Line(primary_id, read_at, patron, result.finding))

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
        content = b"".join(_LINE.dump_json(line) + b"\n" for line in lines)
        part = self._folder.write(_part_name(number), content)
        self._remember(_Record(self._record.basis, number, _chained(self._record.sha256, part.sha256)))
        del self._unsaved[: len(lines)]

    def clear(self) -> None:
        """Remove everything, once the check is done."""
        self._remove_files(self._record.parts)
        self._remember(replace(self._record, parts=0, sha256=""))

    def _remember(self, record: _Record) -> None:
        self._store.set(STORE_KEY, _RECORD.dump_json(record).decode())
        self._record = record

    def _load(self, basis: str) -> _Record:
        """Read what an earlier try has left, if it was about the same question."""
        fresh = _Record(basis, 0, "")
        stored = self._stored_record()
        if stored is None:
            return fresh
        lines = self._lines(stored) if stored.basis == basis else None
        if lines is None:
            log.info("What an earlier try of this check has read does not count any more.")
            self._remove_files(stored.parts)
            return fresh
        now = datetime.now(UTC)
        self._known = {
            line.asked_id: LiveResult(line.patron, line.finding)
            for line in lines
            if timedelta(0) <= now - line.read_at < GOOD_FOR
        }
        if self._known:
            log.info("%s people were read by an earlier try of this check.", f"{len(self._known):,}")
        return stored

    def _stored_record(self) -> _Record | None:
        stored = self._store.get(STORE_KEY)
        try:
            return _RECORD.validate_json(stored) if isinstance(stored, str) else None
        except ValidationError:
            log.warning("The record of an earlier try of this check can't be read; everybody is read again.")
            return None

    def _lines(self, record: _Record) -> list[_Line] | None:
        """Return the lines of every part, or None when the parts are not the ones on record."""
        contents = [self._folder.read_if_there(_part_name(number)) for number in range(1, record.parts + 1)]
        present = [content for content in contents if content is not None]
        sha256 = ""
        for content in present:
            sha256 = _chained(sha256, sha256_of(content))
        if len(present) != record.parts or sha256 != record.sha256:
            return None
        try:
            # JSON text holds no raw line end of any other kind than the one between two lines.
            return [_LINE.validate_json(line) for one in present for line in one.split(b"\n") if line]
        except ValidationError:
            return None

    def _remove_files(self, parts: int) -> None:
        """Remove the parts, and the one that may have been written just before a crash."""
        for number in range(1, parts + 2):
            self._folder.remove(_part_name(number))


def basis_of(**parts: object) -> str:
    """Return a checksum of everything that the results of a check depend on besides Alma.

    Args:
        parts: Texts, numbers and the like that JSON can hold.
    """
    return sha256_of(json.dumps(parts, sort_keys=True).encode())


def _part_name(number: int) -> str:
    return f"check-progress-{number:05}.jsonl"


def _chained(before: str, part: str) -> str:
    return sha256_of(f"{before} {part}".encode())


def _needed_later(patron: Patron) -> Patron:
    """Return only what ledger and snapshot show; notes, blocks and the like stay in Alma."""
    return replace(patron, identifiers=(), blocks=(), notes=())
