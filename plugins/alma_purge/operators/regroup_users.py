"""The task `regroup_users`: moves exactly the approved people to the marker group."""

from functools import partial

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobRecord
from alma_purge.operators.alma_job import AlmaJobOperator
from alma_purge.operators.base import PurgeRun, publish
from alma_purge.steps.accounting import approved_on_file
from alma_purge.steps.authority import (
    preflight_result,
    require_authority,
)
from alma_purge.steps.drops import act_result, read_drops, write_drops
from alma_purge.steps.job_start import JobOrder
from alma_purge.steps.last_check import check_before_regroup
from alma_purge.steps.last_look import require_still_wanted
from alma_purge.steps.made_sets import delete_sets, note_set
from alma_purge.steps.purge_set import ensure_set, fill_set
from alma_purge.steps.right_moment import require_calls
from alma_purge.steps.tenant import require_empty_marker_group
from patron_purge.amounts import people
from patron_purge.guards.checks import CALLS_PER_PERSON
from patron_purge.job_names import JobStep, job_name


class RegroupUsersOperator(AlmaJobOperator):
    """Checks everybody once more, fills an itemized set with them, and runs *Update/Notify Users* on it."""

    record_file = files.REGROUP_RECORD

    def job_id(self, run: PurgeRun, context: Context) -> str:
        """Return the id of the job that preflight has found."""
        return preflight_result(run, context).regroup_job_id

    def prepare(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        """Make a set hold exactly the approved people who still pass every rule."""
        authority = require_authority(context, run, client)
        require_calls(run, client, CALLS_PER_PERSON * len(authority.approved))
        require_empty_marker_group(client, run.institution)
        name = job_name(run.institution.code, run.run_id, authority.digest, JobStep.REGROUP)
        note_set(run, name)
        delete_sets(run, client, keep=name)  # of a list that was made again since
        while True:
            remaining = sorted(set(authority.approved) - set(read_drops(run, files.DROPS_REGROUP)))
            check = check_before_regroup(run, client, authority, remaining)
            write_drops(run, files.DROPS_REGROUP, check.dropped)
            wanted = frozenset(remaining) - frozenset(check.dropped)
            if not wanted:
                return None
            purge_set = ensure_set(client, name)
            fill_set(client, purge_set.id, wanted)
            if not check.is_stale():
                break
            self.log.info("The last check is older than 15 minutes and is made again")
        return JobOrder(
            job_id=authority.regroup_job_id,
            job_name=name,
            set_id=purge_set.id,
            payload=authority.payloads.regroup.fill(set_id=purge_set.id, job_name=name),
            last_look=partial(require_still_wanted, context, run, authority),
        )

    def finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        """Write down which set was used and how the job ended."""
        result = act_result(approved_on_file(context, run), read_drops(run, files.DROPS_REGROUP), record)
        publish(context, run, files.REGROUP, result.to_bytes())
        if not result.sent:
            return (
                f"All {result.approved:,} approved people were taken off by the last check; nobody was moved."
            )
        were_moved = f"{people(result.sent)} {'was' if result.sent == 1 else 'were'} moved"
        return (
            f"{were_moved} to the group {run.institution.marker_group} (Alma says {record.said}); "
            f"{result.dropped:,} were taken off by the last check."
        )
