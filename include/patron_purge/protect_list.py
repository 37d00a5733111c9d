"""The institution's own list of people, groups and id patterns that are never purged."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fnmatch import translate
from io import StringIO
from typing import Final

from patron_purge.dates import parse_date
from patron_purge.errors import InputRefusedError
from patron_purge.identifiers import folded, folded_heading, is_rounded_number, loose, phrase, says
from patron_purge.patron import Finding
from patron_purge.states import Reason
from patron_purge.wording import numbers_quoted

_REQUIRED: Final = ("kind", "value", "owner", "reason")
_COLUMNS: Final = (*_REQUIRED, "end_date")


class ProtectKind(StrEnum):
    """What an entry of the protect list is compared with."""

    ID = "id"
    GROUP = "group"
    PATTERN = "pattern"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class ProtectEntry:
    """One entry of the protect list.

    Attributes:
        kind: What the value is compared with.
        value: An identifier, a user group code or description, a pattern of an identifier with `*` and `?`,
            or a text that stands in a note.
        owner: Who asked for the entry; may be empty.
        reason: Why; may be empty.
        end_date: Last day on which the entry protects; None for no end.
    """

    kind: ProtectKind
    value: str
    owner: str
    reason: str
    end_date: date | None

    @property
    def finding(self) -> Finding:
        """Return why the entry holds a person back."""
        by = f" ({self.owner})" if self.owner else ""
        return Finding(Reason.PROTECT_LIST, f"{self.kind}: {self.reason}{by}".strip())


@dataclass(frozen=True, slots=True)
class ProtectList:
    """The entries that protect today, with their match keys.

    Attributes:
        entries: Every entry that protects today.
        expired_count: Entries left out because their end date has passed.
        ids: Entry by folded and by loose key.
        groups: Entry by the match key of a group's code or description.
        patterns: Compiled pattern on the folded identifier, with its entry.
        notes: Entries for a text that stands in a note.
    """

    entries: tuple[ProtectEntry, ...]
    expired_count: int
    ids: Mapping[str, ProtectEntry]
    groups: Mapping[str, ProtectEntry]
    patterns: tuple[tuple[re.Pattern[str], ProtectEntry], ...]
    notes: tuple[ProtectEntry, ...]

    @classmethod
    def build(cls, entries: Iterable[ProtectEntry], *, today: date) -> "ProtectList":
        """Build the list.

        Args:
            entries: The entries.
            today: The day; an entry still protects on its end date.

        Returns:
            The list, without expired entries.
        """
        given = tuple(entries)
        valid = tuple(entry for entry in given if entry.end_date is None or entry.end_date >= today)
        of_kind = {kind: [entry for entry in valid if entry.kind is kind] for kind in ProtectKind}
        return cls(
            entries=valid,
            expired_count=len(given) - len(valid),
            ids={key(entry.value): entry for entry in of_kind[ProtectKind.ID] for key in (folded, loose)},
            groups={phrase(entry.value): entry for entry in of_kind[ProtectKind.GROUP]},
            patterns=tuple(
                # A bracket is a character like any other; only * and ? stand for others.
                (re.compile(translate(folded(entry.value).replace("[", "[[]"))), entry)
                for entry in of_kind[ProtectKind.PATTERN]
            ),
            notes=tuple(of_kind[ProtectKind.NOTE]),
        )

    def joined_with(self, other: "ProtectList", *, today: date) -> "ProtectList":
        """Return a list that protects whoever one of two lists protects.

        Args:
            other: The other list.
            today: The day for which both were built.
        """
        joined = ProtectList.build((*self.entries, *other.entries), today=today)
        return replace(joined, expired_count=self.expired_count + other.expired_count)

    @property
    def group_values(self) -> tuple[str, ...]:
        """Return the groups on the list, as they are written there."""
        return tuple(entry.value for entry in self.entries if entry.kind is ProtectKind.GROUP)

    def match(
        self, identifiers: Iterable[str], groups: Iterable[str] = (), notes: Iterable[str] = ()
    ) -> Finding | None:
        """Tell whether a person is protected.

        Args:
            identifiers: The primary id and every other identifier of the person.
            groups: Code and description of the user group.
            notes: Texts of the notes.

        Returns:
            What was found, or None.
        """
        for identifier in identifiers:
            entry = self.entry_of_identifier(identifier)
            if entry is not None:
                return entry.finding
        for group in groups:
            if phrase(group) in self.groups:
                return self.groups[phrase(group)].finding
        texts = tuple(notes)
        for entry in self.notes:
            if any(says(note, entry.value) for note in texts):
                return entry.finding
        return None

    def entry_of_identifier(self, identifier: str) -> ProtectEntry | None:
        """Return the entry that protects an identifier.

        Args:
            identifier: The identifier.

        Returns:
            The entry, by id before by pattern, or None.
        """
        strict = folded(identifier)
        found = self.ids.get(strict) or self.ids.get(loose(strict))
        if found is not None or not strict:
            return found
        return next((entry for pattern, entry in self.patterns if pattern.match(strict)), None)


def read_protect_list(content: bytes, file_name: str, *, today: date) -> ProtectList:
    """Read the protect list from a CSV file.

    Args:
        content: The file's bytes: UTF-8 with the columns kind (id, group, pattern or note), value, owner,
            reason and, if wanted, end_date (`YYYY-MM-DD` or `M/D/YYYY`).
        file_name: Name for messages.
        today: The day; an entry still protects on its end date.

    Returns:
        The entries that protect today.

    Raises:
        InputRefusedError: The file is no such CSV file, or an entry has an unknown kind, no value, an
            unreadable end date, or an id that can be nobody's.
    """
    try:
        rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _refusal(f"{file_name} can't be read as a UTF-8 CSV file") from error
    headings = [folded_heading(text) for text in rows[0]] if rows else []
    keys = [folded_heading(column) for column in _COLUMNS]
    missing = [name for name in _REQUIRED if folded_heading(name) not in headings]
    if missing or any(headings.count(key) > 1 for key in keys):
        raise _refusal(
            f"{file_name} needs each of the columns {', '.join(_REQUIRED)} once in its first line, separated "
            f"by commas; missing: {', '.join(missing) or 'none'}"
        )
    positions = {
        name: headings.index(key) for name, key in zip(_COLUMNS, keys, strict=True) if key in headings
    }
    return ProtectList.build(_entries(rows[1:], positions, file_name), today=today)


def _entries(rows: list[list[str]], positions: Mapping[str, int], file_name: str) -> list[ProtectEntry]:
    entries: dict[int, ProtectEntry] = {}
    mistakes: list[int] = []
    for number, row in enumerate(rows, start=2):
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in positions.items()}
        if not any(text.strip() for text in row):
            continue
        entry = _entry(cells)
        if entry is None:
            mistakes.append(number)
        else:
            entries[number] = entry
    if mistakes:
        kinds = ", ".join(ProtectKind)
        raise _refusal(
            f"{file_name} has {len(mistakes):,} row(s) with an unknown kind (known: {kinds}), no value or an "
            f"unreadable end date: row {numbers_quoted(mistakes)}"
        )
    _require_real_ids(
        {number: one.value for number, one in entries.items() if one.kind is ProtectKind.ID}, file_name
    )
    return list(entries.values())


def _require_real_ids(ids: Mapping[int, str], file_name: str) -> None:
    """Refuse ids that a spreadsheet has rounded, and patterns that are given as ids: they protect nobody."""
    rounded = [number for number, text in ids.items() if is_rounded_number(text)]
    if rounded:
        raise _refusal(
            f"{file_name} has {len(rounded):,} id(s) that a spreadsheet has turned into a rounded number such as "
            f"1.2E+11, so the person is unknown: row {numbers_quoted(rounded)}. Make the column text and enter "
            "each of these ids again"
        )
    patterns = [number for number, text in ids.items() if not set("*?").isdisjoint(folded(text))]
    if patterns:
        raise _refusal(
            f"{file_name} has {len(patterns):,} id(s) with * or ?, which no id has: row "
            f"{numbers_quoted(patterns)}. Write pattern instead of id in the column kind"
        )


def _entry(cells: Mapping[str, str]) -> ProtectEntry | None:
    kind, end_text = folded(cells["kind"]), cells.get("end_date", "")
    end_date = parse_date(end_text) if end_text else None
    if kind not in set(ProtectKind) or not folded(cells["value"]) or (end_text and end_date is None):
        return None
    return ProtectEntry(ProtectKind(kind), cells["value"], cells["owner"], cells["reason"], end_date)


def _refusal(problem: str) -> InputRefusedError:
    return InputRefusedError(
        f"The protect list {problem}. Without it, protected people could be purged, so nothing was changed. "
        "Correct the file."
    )
