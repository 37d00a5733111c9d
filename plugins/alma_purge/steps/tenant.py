"""Questions about the tenant that must be answered before anything is changed."""

from dataclasses import dataclass

from alma_api.client import AlmaClient
from alma_api.models import GeneralInfo, Job, User
from alma_api.users import group_query
from alma_purge.hooks.alma import MAIN_KEY, READ_KEY, AlmaHook
from alma_purge.places import HOUSEKEEPING_DAG
from patron_purge.errors import ConfigurationError, MendableError
from patron_purge.institution import AlmaJob, Institution
from patron_purge.states import Engine

IMPOSSIBLE_GROUP = "NO_SUCH_GROUP_CODE"


class MarkerGroupNotEmptyError(MendableError):
    """People of an earlier run are still in the marker group."""


@dataclass(frozen=True, slots=True)
class TenantIdentity:
    """Which tenant answers.

    Attributes:
        institution_code: Alma's institution code.
        environment: `production` or `sandbox`.
    """

    institution_code: str
    environment: str


def require_right_tenant(client: AlmaClient, institution: Institution) -> TenantIdentity:
    """Make sure that Alma answers for the configured institution and environment, by each of the two keys.

    Args:
        client: The Alma client.
        institution: The settings.

    Raises:
        ConfigurationError: It is another institution or another environment than the settings or the
            connection say.
    """
    generals = {MAIN_KEY: client.conf.general_of_main_key()}
    if client.has_read_key:
        generals[READ_KEY] = client.conf.general()
    for key, general in generals.items():
        _require_configured(key, general, institution)
    general = generals[MAIN_KEY]
    connection = AlmaHook(institution.alma_connection)
    connection.require_expected_tenant(general.institution_code, general.environment)
    return TenantIdentity(general.institution_code, general.environment)


def _require_configured(key: str, general: GeneralInfo, institution: Institution) -> None:
    """Make sure that one key belongs to the configured institution and environment."""
    whose = f"{key} of the connection {institution.alma_connection} belongs to"
    if general.institution_code != institution.institution_code:
        raise ConfigurationError(
            f"{whose} {general.institution_code}, but {institution.code}.yaml says "
            f"{institution.institution_code}. Use the right key; nothing was changed."
        )
    if general.environment != institution.environment:
        raise ConfigurationError(
            f"{whose} the {general.environment} environment, but {institution.code}.yaml says "
            f"{institution.environment}. Use the right key; nothing was changed."
        )


def require_permissions(client: AlmaClient, institution: Institution) -> None:
    """Make sure that the key may read Analytics, and read and write Users and Configuration.

    Raises:
        ConfigurationError: The key lacks a permission.
    """
    lacking = [
        area
        for area, allowed in (
            ("Analytics: read", client.analytics.test_read()),
            ("Users: read", client.users.test_read()),
            ("Users: write", client.users.test_write()),
            ("Configuration: read", client.conf.test_read()),
            ("Configuration: write", client.conf.test_write()),
        )
        if not allowed
    ]
    if lacking:
        raise ConfigurationError(
            f"The API key of the connection {institution.alma_connection} lacks a permission: {', '.join(lacking)}. "
            "Add it to the key in the Ex Libris developer network; nothing was changed."
        )


def read_groups(client: AlmaClient, institution: Institution) -> dict[str, str]:
    """Return user group codes and descriptions, and make sure that the marker group is one of them.

    Raises:
        ConfigurationError: The marker group is unknown or disabled.
    """
    rows = client.conf.code_table("UserGroups")
    enabled = {row.code for row in rows if row.enabled}
    if institution.marker_group not in enabled:
        raise ConfigurationError(
            f"Alma has no enabled user group with the code {institution.marker_group} (setting marker_group in "
            f"{institution.code}.yaml). Create it under Configuration > User Management > User Groups; nothing "
            "was changed."
        )
    return {row.code: row.description for row in rows}


def find_job(client: AlmaClient, wanted: AlmaJob, where: str) -> Job:
    """Resolve a configured job to exactly one job in Alma.

    Args:
        client: The Alma client.
        wanted: The job as configured.
        where: Setting and file that configure it, for the message.

    Raises:
        ConfigurationError: There is no such job, or several of that name.
    """
    found = [job for job in client.jobs.find_by_name(wanted.name) if wanted.id in (None, job.id)]
    if len(found) == 1:
        return found[0]
    identified = f"{wanted.name}" + (f" with the id {wanted.id}" if wanted.id else "")
    ids = f" ({', '.join(job.id for job in found)})" if found else ""
    raise ConfigurationError(
        f"Alma lists {len(found) or 'no'} manual jobs named {identified}{ids}; {where} must mean exactly one. "
        "Compare with Admin > Run a Job, and correct the name or add the id; nothing was changed."
    )


def find_purge_job(client: AlmaClient, institution: Institution) -> Job | None:
    """Resolve the purge job; None where a person runs the purge in Alma.

    Args:
        client: The Alma client.
        institution: The settings.

    Raises:
        ConfigurationError: There is no such job, or several of that name.
    """
    if institution.engine is Engine.MANUAL or institution.purge_job is None:
        return None
    return find_job(client, institution.purge_job, f"purge_job in {institution.code}.yaml")


def prove_group_query(client: AlmaClient, institution: Institution) -> str:
    """Prove that asking Alma for one user group finds that group's people and nobody without it.

    The later check that only approved people are in the marker group is worth nothing if the query does not
    work, and an empty answer about an empty group proves nothing.

    Returns:
        The code of the populated group that the query was tried on.

    Raises:
        ConfigurationError: The query finds nobody, or people for a group that can't exist.
    """
    if client.users.list_page(group_query(IMPOSSIBLE_GROUP), offset=0, limit=1).total:
        raise ConfigurationError(
            "Alma finds people in a user group that does not exist: the group query is ignored, so the purge "
            "can't prove who is in the purge group. Report this to Ex Libris; nothing was changed."
        )
    for user in _some_people(client):
        page = client.users.list_page(group_query(user.user_group), offset=0, limit=100)
        if any(found.user_group == user.user_group for found in page.users):
            return user.user_group
    raise ConfigurationError(
        "Asking Alma for the people of a populated user group finds nobody, so the purge can't prove who is in "
        f"the purge group {institution.marker_group}. Report this to Ex Libris; nothing was changed."
    )


def _some_people(client: AlmaClient) -> tuple[User, ...]:
    """Return a few people, to learn of groups that are populated."""
    return client.users.list_page("", offset=0, limit=10).users


def require_empty_marker_group(client: AlmaClient, institution: Institution) -> None:
    """Make sure that nobody is left in the marker group from an earlier run.

    Raises:
        MarkerGroupNotEmptyError: Somebody is.
    """
    left = client.users.in_group(institution.marker_group).users
    if left:
        raise MarkerGroupNotEmptyError(
            f"{len(left):,} people are still in the group {institution.marker_group}, from an earlier run or by "
            "hand. They would have the wrong loan rules, and this run would stop at them. Clear the task "
            "restore_kept of the latest run that has moved people, to give them their group back, or trigger the DAG "
            f"{HOUSEKEEPING_DAG} with restore_orphans, which does it for the people of any run, or move them in "
            "Alma. Nothing was changed."
        )
