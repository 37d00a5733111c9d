"""Look people up in the exclusion files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patron_purge.exclusion_file import ExclusionFile
from patron_purge.identifiers import folded, folded_all, loose, loose_of_folded, name_parts
from patron_purge.patron import Finding
from patron_purge.states import Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ExclusionIndex:
    """Match keys of everyone in the exclusion files, each with the file that lists them first.

    Attributes:
        folded_ids: File name by folded key.
        loose_ids: File name by loose key.
        names: File name by the parts of a name.
        lone_names: File name by the only part of a name whose first or last name is unknown.
        name_words: File name by each part of every name.
    """

    folded_ids: Mapping[str, str]
    loose_ids: Mapping[str, str]
    names: Mapping[tuple[str, ...], str]
    lone_names: Mapping[str, str]
    name_words: Mapping[str, str]

    @classmethod
    def build(cls, files: Iterable[ExclusionFile]) -> "ExclusionIndex":
        """Build the index.

        Args:
            files: The accepted exclusion files.

        Returns:
            The index.
        """
        folded_ids: dict[str, str] = {}
        loose_ids: dict[str, str] = {}
        names: dict[tuple[str, ...], str] = {}
        for file in files:
            for key in folded_all(file.ids):
                folded_ids.setdefault(key, file.file_name)
                loose_ids.setdefault(loose_of_folded(key), file.file_name)
            for name in file.names:
                names.setdefault(name_parts(name.first, name.last), file.file_name)
        for keys in (folded_ids, loose_ids):
            keys.pop("", None)
        names.pop((), None)
        lone = {parts[0]: file_name for parts, file_name in names.items() if len(parts) == 1}
        words = {part: file_name for parts, file_name in names.items() for part in parts}
        return cls(folded_ids, loose_ids, names, lone, words)

    def match(self, identifiers: Iterable[str], first_name: str, last_name: str) -> Finding | None:
        """Tell whether a person is in an exclusion file.

        Args:
            identifiers: The primary id and every other identifier of the person.
            first_name: First name; may be empty.
            last_name: Last name; may be empty.

        Returns:
            What was found, with the name of the file, or None.
        """
        for identifier in identifiers:
            file_name = self.folded_ids.get(folded(identifier)) or self.loose_ids.get(loose(identifier))
            if file_name:
                return Finding(Reason.IN_EXCLUSION_FILE, file_name)
        file_name = self.file_of_name(first_name, last_name)
        return Finding(Reason.NAME_IN_EXCLUSION_FILE, file_name) if file_name else None

    def file_of_name(self, first_name: str, last_name: str) -> str:
        """Return the file that lists somebody of this name without an id.

        Where one side knows only the first or only the last name, that one decides.

        Args:
            first_name: First name; may be empty.
            last_name: Last name; may be empty.

        Returns:
            The file name, or an empty string.
        """
        parts = name_parts(first_name, last_name)
        found = self.names.get(parts)
        for part in parts if not found else ():
            found = found or self.lone_names.get(part)
        if not found and len(parts) == 1:
            found = self.name_words.get(parts[0])
        return found or ""

    def matches_column(self, identifiers: "pd.Series[str]") -> "pd.Series[bool]":
        """Tell for a column of ids which ones are in an exclusion file.

        Args:
            identifiers: Ids without missing values.

        Returns:
            A column of booleans with the same index.
        """
        return self.files_of_column(identifiers) != ""

    def files_of_column(self, identifiers: "pd.Series[str]") -> "pd.Series[str]":
        """Return for a column of ids the file that lists each.

        Args:
            identifiers: Ids, or their folded keys, without missing values.

        Returns:
            File names, empty where there is none, with the same index.
        """
        import pandas as pd

        found = self.files_of_keys(folded_all(identifiers.tolist()))
        return pd.Series(found, index=identifiers.index, dtype="str")

    def files_of_keys(self, folded_keys: Sequence[str]) -> list[str]:
        """Return for each id the file that lists it.

        Args:
            folded_keys: Folded keys of the ids.

        Returns:
            File names in the same order, empty where there is none.
        """
        strict, careful = self.folded_ids.get, self.loose_ids.get
        # Most ids are their own loose key, so one look among the keys of both kinds is enough for them.
        either = {**self.loose_ids, **self.folded_ids}.get
        return [
            either(key, "")
            if key.isalnum() and key[0] != "0"
            else strict(key) or careful(loose_of_folded(key), "")
            for key in folded_keys
        ]

    def files_of_names(self, first_names: "pd.Series[str]", last_names: "pd.Series[str]") -> "pd.Series[str]":
        """Return for columns of names the file that lists somebody of that name without an id.

        Args:
            first_names: First names without missing values.
            last_names: Last names, with the same index.

        Returns:
            File names, empty where there is none, with the same index.
        """
        import pandas as pd

        if not self.names:
            return pd.Series("", index=first_names.index, dtype="str")
        firsts, lasts = first_names.tolist(), last_names.tolist()
        known, lone = self._names_that_may_match({*firsts, *lasts})
        found = [
            self.file_of_name(first, last)
            if (first in known and last in known) or first in lone or last in lone
            else ""
            for first, last in zip(firsts, lasts, strict=True)
        ]
        return pd.Series(found, index=first_names.index, dtype="str")

    def _names_that_may_match(self, names: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return the first or last names that may match together with another one, and those that may alone.

        Few names differ, so looking at each one once spares most rows the full comparison.
        """
        known, lone = set(), set()
        for name in names:
            words = {*name_parts(name, ""), *name_parts("", name)}
            if not words or not self.name_words.keys().isdisjoint(words):
                known.add(name)
            if not self.lone_names.keys().isdisjoint(words):
                lone.add(name)
        return known, lone
