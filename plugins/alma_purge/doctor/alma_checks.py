"""What the doctor asks Alma: reads and Alma's own test calls, nothing that changes anything."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from alma_api.errors import ReportNotFoundError
from alma_purge.doctor.visit import Line, NamedCheck, Visit, failed, fine, note
from alma_purge.hooks.alma import USUAL_PACE
from alma_purge.steps import tenant
from alma_purge.steps.rule_context import read_own_protect_list
from patron_purge.guards.checks import CALLS_FOR_THE_RUN
from patron_purge.report_table import ReportHeading, build_report, require_ids
from patron_purge.user_groups import unknown_groups

_ROWS_LOOKED_AT: Final = 25
_CLOCK_MAY_DIFFER: Final = timedelta(seconds=60)


def connection(visit: Visit) -> Iterator[Line]:
    """Read the Airflow connection."""
    name = visit.institution.alma_connection
    settings = visit.hook.settings()
    visit.connect()
    pace = min(settings.extra.calls_per_second or USUAL_PACE, float(visit.institution.calls_per_second))
    keys = (
        "one key for reads and one for changes" if settings.extra.read_api_key else "one key for everything"
    )
    yield fine(f"{name} leads to {settings.base_url}, with {keys}, at most {pace:g} calls a second.")
    if settings.unknown:
        yield note(f"{name} has extra fields without a meaning: {', '.join(settings.unknown)}.")


def right_tenant(visit: Visit) -> Iterator[Line]:
    """Compare the tenant that answers with settings and connection."""
    identity = tenant.require_right_tenant(visit.client, visit.institution)
    yield fine(f"Alma answers for {identity.institution_code} ({identity.environment}), as the settings say.")


def clock(visit: Visit) -> Iterator[Line]:
    """Compare this machine's clock with Alma's."""
    ahead = visit.client.clock_ahead
    if ahead is None:
        yield note("Alma's answers carry no time, so the clocks can't be compared.")
    elif abs(ahead) > _CLOCK_MAY_DIFFER:
        where = "ahead of" if ahead > timedelta(0) else "behind"
        yield failed(
            f"This machine's clock is {abs(ahead).total_seconds():,.0f} seconds {where} Alma's. Set it by NTP: "
            "deadlines and the search for jobs depend on it."
        )
    else:
        yield fine("This machine's clock agrees with Alma's.")


def rights(visit: Visit) -> Iterator[Line]:
    """Say what each key may do, and what is missing."""
    client = visit.client
    found = visit.hook.rights()
    for each in found:
        yield fine(each.sentence)
    for remark in found[-1].too_many() if len(found) > 1 else []:
        yield note(remark)
    tenant.require_permissions(client, visit.institution)
    yield fine("The keys may do everything that a purge needs.")


def calls(visit: Visit) -> Iterator[Line]:
    """Say how many calls are left today."""
    remaining = visit.client.remaining_calls
    if remaining is None:
        yield note("Alma does not tell how many API calls are left today.")
    elif remaining < CALLS_FOR_THE_RUN:
        yield failed(
            f"Only {remaining:,} API calls are left today; a run needs {CALLS_FOR_THE_RUN:,} and more. Other "
            "programs share the institution's daily quota."
        )
    else:
        yield fine(f"{remaining:,} API calls are left today.")


def groups(visit: Visit) -> Iterator[Line]:
    """Look for the marker group."""
    known = tenant.read_groups(visit.client, visit.institution)
    code = visit.institution.marker_group
    yield fine(f"The user group {code} ({known[code]}) is there and enabled.")
    yield from unknown_group(visit.institution.rules.protected_groups, known, "rules.protected_groups")
    own = read_own_protect_list(visit.institution, visit.now.date())
    yield from unknown_group(own.group_values, known, f"the protect list {visit.institution.protect_list}")


def unknown_group(wanted: Iterable[str], known: Mapping[str, str], named_by: str) -> Iterator[Line]:
    """Say which of the groups that are to be protected Alma does not know.

    Args:
        wanted: Groups by code or description.
        known: Description of every user group by its code.
        named_by: The setting or list that names the groups.
    """
    unknown = unknown_groups(wanted, known)
    if unknown:
        yield failed(
            f"Alma has no user group {', '.join(unknown)}, which {named_by} names. Correct it: a group that does "
            "not exist protects nobody."
        )


def group_query(visit: Visit) -> Iterator[Line]:
    """Prove that asking for one group works."""
    yield fine(
        f"Asking for one user group works (tried on {tenant.prove_group_query(visit.client, visit.institution)})."
    )


def marker_group_empty(visit: Visit) -> Iterator[Line]:
    """Count the people in the marker group."""
    tenant.require_empty_marker_group(visit.client, visit.institution)
    yield fine(f"Nobody is in the group {visit.institution.marker_group}.")


def regroup_job(visit: Visit) -> Iterator[Line]:
    """Resolve the job that moves people to the marker group."""
    wanted = visit.institution.regroup_job
    job = tenant.find_job(visit.client, wanted, f"regroup_job in {visit.institution.code}.yaml")
    yield fine(f"{job.name} has the id {job.id}.")


def purge_job(visit: Visit) -> Iterator[Line]:
    """Resolve the job that purges."""
    job = tenant.find_purge_job(visit.client, visit.institution)
    if job is None:
        yield fine("A person runs the purge on Alma's Purge User Records page; no job is needed.")
    else:
        yield fine(f"{job.name} has the id {job.id}.")


def report(visit: Visit) -> Iterator[Line]:
    """Read the first rows of the Analytics report and look for its columns."""
    settings = visit.institution.report
    client = visit.client
    try:
        first = next(client.analytics.report(settings.path, page_size=_ROWS_LOOKED_AT))
    except ReportNotFoundError as error:
        yield failed(
            f"Alma has no report at {settings.path} (setting report.path in {visit.institution.code}.yaml), or "
            f"the API key may not see it. Copy the path from Analytics. {error}"
        )
        return
    headings = tuple(ReportHeading(key=column.key, heading=column.heading) for column in first.columns)
    table = build_report(headings, first.rows, settings=settings)
    require_ids(table, headings, settings=settings)
    columns = ", ".join(name for name in table.columns if name != "row")
    yield fine(f"The report can be read and has the columns for {columns}.")
    if not first.rows:
        yield note("The report has no rows at present.")


ALMA_CHECKS: tuple[NamedCheck, ...] = (
    ("Alma connection", connection),
    ("Alma tenant", right_tenant),
    ("clock", clock),
    ("API keys", rights),
    ("API calls", calls),
    ("user groups", groups),
    ("group query", group_query),
    ("purge group", marker_group_empty),
    ("regroup job", regroup_job),
    ("purge job", purge_job),
    ("Analytics report", report),
)
