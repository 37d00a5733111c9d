"""What the rules need to know besides the person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from patron_purge.institution import RuleSettings
from patron_purge.patron import Finding


class ExclusionMatcher(Protocol):
    """The exclusion files of this run."""

    def match(self, identifiers: tuple[str, ...], first_name: str, last_name: str, /) -> Finding | None:
        """Look a person up by every identifier, and by name among the rows without a primary id."""
        ...


class ProtectMatcher(Protocol):
    """The institution's own list of people who are never purged."""

    def match(
        self, identifiers: tuple[str, ...], groups: tuple[str, ...], notes: tuple[str, ...], /
    ) -> Finding | None:
        """Look a person up by every identifier, by code and description of the user group, and by notes."""
        ...


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What every rule of one evaluation shares.

    Attributes:
        today: The day in the institution's own time zone.
        rules: The institution's rule settings.
        marker_group: Code of the group that marks people who are approved for the purge.
        excluded: Matcher of the exclusion files.
        protected: Matcher of the protect list.
        group_names: Description of every user group by its code, from Alma's code table, since lists that
            people write name a group by either.
    """

    today: date
    rules: RuleSettings
    marker_group: str
    excluded: ExclusionMatcher
    protected: ProtectMatcher
    group_names: Mapping[str, str]
