"""Look people up in the exclusion files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patron_purge.exclusion_file import ExclusionFile
from patron_purge.identifiers import folded, folded_all, loose, loose_of_folded
from patron_purge.patron import Finding
from patron_purge.person_names import NameKeys, last_name_keys, name_keys, names_agree
from patron_purge.states import Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ExclusionIndex:
    """Match keys of everyone in the exclusion files, each with the file that lists them first.

    Attributes:
        folded_ids: File name by folded key.
        loose_ids: File name by loose key.
        names: Names of people without an id, each with its file, by every word of the name.
        lone_names: Those of them whose first or last name is unknown, by every word that decides.
    """

    folded_ids: Mapping[str, str]
    loose_ids: Mapping[str, str]
    names: Mapping[str, Sequence[tuple[NameKeys, str]]]
    lone_names: Mapping[str, Sequence[tuple[NameKeys, str]]]

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
        people: dict[NameKeys, str] = {}
        for file in files:
            for key in folded_all((*file.ids, *file.further_ids)):
                folded_ids.setdefault(key, file.file_name)
                loose_ids.setdefault(loose_of_folded(key), file.file_name)
            for name in file.names:
                people.setdefault(name_keys(name.first, name.last), file.file_name)
        for ids in (folded_ids, loose_ids):
            ids.pop("", None)
        names: dict[str, list[tuple[NameKeys, str]]] = {}
        lone: dict[str, list[tuple[NameKeys, str]]] = {}
        for keys, file_name in people.items():
            for word in keys.firsts | keys.lasts | keys.heads:
                names.setdefault(word, []).append((keys, file_name))
            for word in keys.heads if keys.is_lone else ():
                lone.setdefault(word, []).append((keys, file_name))
        return cls(folded_ids, loose_ids, names, lone)

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
        """Return the file that lists somebody without an id who may be of this name (`names_agree`).

        Args:
            first_name: First name; may be empty.
            last_name: Last name; may be empty.

        Returns:
            The file name, or an empty string.
        """
        if not self.names:
            return ""
        person = name_keys(first_name, last_name)
        found = (
            file_name
            for listed, words in ((self.names, person.lasts), (self.lone_names, person.heads))
            for word in sorted(person.heads if person.is_lone else words)
            for keys, file_name in listed.get(word, ())
            if names_agree(person, keys)
        )
        return next(found, "")

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
        decides_alone, may_match = (
            self._first_names_that_decide(firsts),
            self._last_names_that_may_match(lasts),
        )
        found = [
            self.file_of_name(first, last) if last in may_match or first in decides_alone else ""
            for first, last in zip(firsts, lasts, strict=True)
        ]
        return pd.Series(found, index=first_names.index, dtype="str")

    def _last_names_that_may_match(self, names: Iterable[str]) -> set[str]:
        """Return the last names with which somebody may be listed.

        Few names differ, so looking at each one once spares most rows the full comparison.
        """
        listed = self.names.keys()
        return {
            name for name in set(names) if not (words := last_name_keys(name)) or not listed.isdisjoint(words)
        }

    def _first_names_that_decide(self, names: Iterable[str]) -> set[str]:
        """Return the first names that are the only name of somebody who is listed."""
        listed = self.lone_names.keys()
        if not listed:
            return set()
        return {name for name in set(names) if not listed.isdisjoint(name_keys(name, "").heads)}
