"""The task `preflight`: is everything in place before anybody is looked at?"""

from collections.abc import Mapping

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import PreflightResult
from alma_purge.operators.base import PurgeOperator, PurgeRun, publish
from alma_purge.steps import tenant
from alma_purge.steps.exclusions import ProtectDownload, find_protect_list
from alma_purge.steps.guard_restart import refuse_after_regroup
from alma_purge.steps.job_payloads import checked_payloads
from alma_purge.steps.rule_context import own_protect_list, require_known_groups
from alma_purge.steps.sftp_folder import require_pinned_host_key
from patron_purge.errors import ConfigurationError
from patron_purge.guards import check_overrides
from patron_purge.states import Mode


class PreflightOperator(PurgeOperator):
    """Checks settings, keys, jobs, payloads, groups and approvers, and stops with a sentence if one is wrong."""

    def act(self, run: PurgeRun, context: Context) -> str:
        """Check everything that can be checked without looking at a person."""
        refuse_after_regroup(context, run)
        institution = run.institution
        _require_approver(run)
        check_overrides(run.guard_overrides)
        checked_payloads(institution)
        own_protect_list(run)
        require_pinned_host_key(institution.sftp_connection)
        on_server = find_protect_list(institution, run.now)
        with run.client() as client:
            identity = tenant.require_right_tenant(client, institution)
            tenant.require_permissions(client, institution)
            groups = tenant.read_groups(client, institution)
            _require_protected_groups(run, groups, on_server)
            regroup_job = tenant.find_job(
                client, institution.regroup_job, f"regroup_job in {institution.code}.yaml"
            )
            purge_job = tenant.find_purge_job(client, institution)
            proven_on = tenant.prove_group_query(client, institution)
            tenant.require_empty_marker_group(client, institution)
            remaining = client.remaining_calls
        protecting = (
            () if on_server is None else (f"The protect list {on_server.file_name} lies in the SFTP folder.",)
        )
        result = PreflightResult(
            institution_code=identity.institution_code,
            environment=identity.environment,
            regroup_job_id=regroup_job.id,
            purge_job_id=purge_job.id if purge_job else "",
            group_descriptions=groups,
            checks=(
                f"Alma answers for {identity.institution_code} ({identity.environment}).",
                "The API key may read Analytics and read and write Users and Configuration.",
                f"The regroup job is {regroup_job.name} ({regroup_job.id}); its payload does nothing else.",
                f"The purge job is {purge_job.name} ({purge_job.id}); its payload says what the rules say."
                if purge_job
                else "The purge is run by a person on Alma's Purge User Records page.",
                f"Asking for one user group works (tried on {proven_on}).",
                f"Nobody is in the group {institution.marker_group}.",
                *protecting,
            ),
            remaining_calls=remaining,
            checked_at=run.now,
        )
        publish(context, run, files.PREFLIGHT, result.to_bytes())
        return f"All {len(result.checks)} checks passed for {institution.name} ({institution.environment})."


def _require_approver(run: PurgeRun) -> None:
    if run.mode is not Mode.REPORT_ONLY and not run.institution.approvers:
        raise ConfigurationError(
            f"{run.institution.code}.yaml names no approvers, so nobody could approve this run. Add at least one "
            "Airflow user id under approvers, or run with mode report_only; nothing was changed."
        )


def _require_protected_groups(
    run: PurgeRun, groups: Mapping[str, str], on_server: ProtectDownload | None
) -> None:
    """Make sure that Alma knows every group that the settings or a protect list name."""
    institution = run.institution
    in_settings, own = institution.rules.protected_groups, own_protect_list(run).group_values
    require_known_groups(in_settings, groups, f"rules.protected_groups in {institution.code}.yaml")
    require_known_groups(own, groups, f"the protect list {institution.protect_list}")
    if on_server is not None:
        listed = on_server.entries.group_values
        require_known_groups(listed, groups, f"the protect list {on_server.file_name} in the SFTP folder")
