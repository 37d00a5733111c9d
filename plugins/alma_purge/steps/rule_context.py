"""Puts together what the rules need besides the person."""

from collections.abc import Iterable, Mapping
from datetime import date

from alma_purge.operators.base import PurgeRun
from alma_purge.places import config_folder
from patron_purge.errors import ConfigurationError, InputRefusedError
from patron_purge.exclusion_file import ExclusionFile
from patron_purge.exclusion_index import ExclusionIndex
from patron_purge.institution import Institution
from patron_purge.protect_list import ProtectList, read_protect_list
from patron_purge.rules import RuleContext
from patron_purge.user_groups import unknown_groups


def own_protect_list(run: PurgeRun) -> ProtectList:
    """Read the protect list beside the institution's file; without one, nobody is protected by it.

    Raises:
        ConfigurationError: The list is named in the settings but can't be read.
    """
    return read_own_protect_list(run.institution, run.now.date())


def read_own_protect_list(institution: Institution, today: date) -> ProtectList:
    """Read the protect list beside an institution's file; without one, nobody is protected by it.

    Args:
        institution: The settings.
        today: Today in the institution's time zone.

    Raises:
        ConfigurationError: The list is named in the settings but can't be read.
    """
    name = institution.protect_list
    if name is None:
        return ProtectList.build((), today=today)
    path = config_folder() / "institutions" / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The protect list {name} of {institution.code}.yaml can't be read. Put it beside that file; "
            "nothing was changed."
        ) from error
    return read_protect_list(content, name, today=today)


def protect_list_of(run: PurgeRun, fetched: ProtectList | None) -> ProtectList:
    """Return everybody whom the institution's file or the list from the SFTP server protects.

    Args:
        run: The run.
        fetched: The protect list from the SFTP server; None when the settings name none.

    Raises:
        ConfigurationError: The list beside the institution's file can't be read.
    """
    own = own_protect_list(run)
    return own if fetched is None else own.joined_with(fetched, today=run.now.date())


def protect_rows(run: PurgeRun, fetched: ProtectList | None) -> dict[str, int]:
    """Count the rows of each protect list, so that a later run can tell whether one has shrunk.

    Entries that have ended count too: their end is no reason to stop.

    Args:
        run: The run.
        fetched: The protect list from the SFTP server; None when the settings name none.

    Returns:
        Rows by what the list is called: the file's name, or the pattern on the server.

    Raises:
        ConfigurationError: The list beside the institution's file can't be read.
    """
    rows = {}
    if run.institution.protect_list is not None:
        own = own_protect_list(run)
        rows[f"Protect list {run.institution.protect_list}"] = len(own.entries) + own.expired_count
    if run.institution.protect_list_sftp is not None and fetched is not None:
        called = f"Protect list {run.institution.protect_list_sftp} in the SFTP folder"
        rows[called] = len(fetched.entries) + fetched.expired_count
    return rows


def require_known_groups(groups: Iterable[str], group_names: Mapping[str, str], named_by: str) -> None:
    """Make sure that Alma knows the groups that are to be protected.

    Args:
        groups: Groups by code or description.
        group_names: Description of every user group by its code.
        named_by: The setting or list that names them, for the message.

    Raises:
        InputRefusedError: Alma does not know one of them, so that it protects nobody.
    """
    unknown = unknown_groups(groups, group_names)
    if unknown:
        raise InputRefusedError(
            f"Alma has no user group {', '.join(unknown)}, which {named_by} names to protect it. A group that does "
            "not exist protects nobody. Correct its name; nothing was changed."
        )


def rule_context(
    run: PurgeRun,
    files: tuple[ExclusionFile, ...],
    protected: ProtectList,
    group_names: Mapping[str, str],
) -> RuleContext:
    """Return the context in which people of this run are judged.

    Args:
        run: The run.
        files: The exclusion files to apply.
        protected: The protect list to apply.
        group_names: Description of every user group by its code.

    Raises:
        InputRefusedError: The protect list names a group that Alma does not know.
    """
    require_known_groups(protected.group_values, group_names, "the protect list")
    return RuleContext(
        today=run.now.date(),
        rules=run.institution.rules,
        marker_group=run.institution.marker_group,
        excluded=ExclusionIndex.build(files),
        protected=protected,
        group_names=group_names,
    )
