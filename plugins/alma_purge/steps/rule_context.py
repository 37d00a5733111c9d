"""Puts together what the rules need besides the person."""

from dataclasses import dataclass

from alma_purge.operators.base import PurgeRun
from alma_purge.places import config_folder
from patron_purge.errors import ConfigurationError
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.patron import Finding, Patron
from patron_purge.protect_list import ProtectList, read_protect_list
from patron_purge.rules import RuleContext


@dataclass(frozen=True, slots=True)
class _ProtectMatcher:
    """Looks a person up on the protect list."""

    entries: ProtectList

    def match(self, patron: Patron, /) -> Finding | None:
        """Compare every identifier, the group and the notes."""
        return self.entries.match(
            (patron.primary_id, *patron.identifiers), groups=(patron.user_group,), notes=patron.notes
        )


def protect_list_of(run: PurgeRun) -> ProtectList:
    """Read the institution's protect list; an institution without one protects nobody by list.

    Raises:
        ConfigurationError: The list is named in the settings but can't be read.
    """
    today = run.now.date()
    name = run.institution.protect_list
    if name is None:
        return ProtectList.build((), today=today)
    path = config_folder() / "institutions" / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The protect list {name} of {run.institution.code}.yaml can't be read. Put it beside that file; "
            "nothing was changed."
        ) from error
    return read_protect_list(content, name, today=today)


def rule_context(run: PurgeRun, files: tuple[ExclusionFile, ...]) -> RuleContext:
    """Return the context in which people of this run are judged.

    Args:
        run: The run.
        files: The exclusion files to apply.
    """
    return RuleContext(
        today=run.now.date(),
        rules=run.institution.rules,
        marker_group=run.institution.marker_group,
        excluded=ExclusionIndex.build(files),
        protected=_ProtectMatcher(protect_list_of(run)),
    )
