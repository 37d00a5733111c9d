"""The task `purge_users`: starts Alma's purge job on exactly the approved people who are left."""

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import ActResult, JobRecord, JobStage
from alma_purge.operators.alma_job import AlmaJobOperator
from alma_purge.operators.base import PurgeRun, TryAgainError, fetch, publish
from alma_purge.steps.authority import Authority, approved_ids, preflight_result, require_authority
from alma_purge.steps.drops import read_drops, write_drops
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.job_start import JobOrder, JobStoppedError
from alma_purge.steps.last_check import check_before_purge
from alma_purge.steps.marker_group import require_only
from alma_purge.steps.purge_set import fill_set, require_members
from alma_purge.steps.restore import Home, Restored, restore_person
from alma_purge.steps.right_moment import require_calls
from patron_purge.guards.checks import CALLS_AFTER_REGROUP
from patron_purge.job_names import JobStep, job_name


class PurgeUsersOperator(AlmaJobOperator):
    """Checks everybody once more, proves that set and marker group hold nobody else, and runs the purge job."""

    record_file = files.PURGE_RECORD

    def job_id(self, run: PurgeRun, context: Context) -> str:
        """Return the id of the job that preflight has found."""
        return preflight_result(run, context).purge_job_id

    def prepare(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        """Take off whoever must stay, and prove that only approved people are left."""
        authority = require_authority(context, run, client)
        regroup = ActResult.model_validate_json(fetch(context, run, files.REGROUP, "regroup_users"))
        if not regroup.sent:
            return None
        if regroup.job.stage is not JobStage.ENDED_WELL:
            raise JobStoppedError("The regroup job has not ended well, so the purge job is not started.")
        require_calls(run, client, CALLS_AFTER_REGROUP * len(authority.approved))
        set_id = regroup.job.set_id
        name = job_name(run.institution.code, run.run_id, authority.digest, JobStep.PURGE)
        while True:
            remaining = self._remaining(run, authority)
            check = check_before_purge(run, client, authority, remaining)
            write_drops(run, files.DROPS_PURGE, check.dropped)
            wanted = frozenset(remaining) - frozenset(check.dropped)
            fill_set(client, set_id, wanted)
            self._put_back(run, client, authority)
            if not wanted:
                return None
            require_only(client, run.institution.marker_group, wanted, run.institution.poll_seconds)
            require_members(client, set_id, wanted)
            if not check.is_stale():
                break
            self.log.info("The last check is older than 15 minutes and is made again")
        return JobOrder(
            job_id=authority.purge_job_id,
            job_name=name,
            set_id=set_id,
            payload=authority.payloads.purge.fill(set_id=set_id, job_name=name),
        )

    def finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        """Write down how the purge job ended."""
        approved = len(approved_ids(context, run))
        dropped = len(set(read_drops(run, files.DROPS_REGROUP)) | set(read_drops(run, files.DROPS_PURGE)))
        sent = approved - dropped if record.stage is not JobStage.NONE else 0
        result = ActResult(approved=approved, dropped=dropped, sent=sent, job=record)
        publish(context, run, files.PURGE, result.to_bytes())
        if not sent:
            return "Nobody was left to purge; the purge job was not started."
        return f"The purge job has run on {sent:,} people (Alma says {record.said})."

    def name_is_echoed(self, run: PurgeRun, context: Context) -> bool | None:
        """Tell whether the regroup job of this run showed the name it was given."""
        return job_on_record(context, run, "regroup_users", files.REGROUP_RECORD).name_echoed

    def _remaining(self, run: PurgeRun, authority: Authority) -> list[str]:
        dropped = read_drops(run, files.DROPS_REGROUP).keys() | read_drops(run, files.DROPS_PURGE).keys()
        return sorted(set(authority.approved) - dropped)

    def _put_back(self, run: PurgeRun, client: AlmaClient, authority: Authority) -> None:
        """Give everybody who was taken off after the regroup, in this try or an earlier one, the group back."""
        for key in read_drops(run, files.DROPS_PURGE):
            home = Home(primary_id=key, group=authority.original_groups[key])
            if restore_person(client, home, run.institution.marker_group) is Restored.FAILED:
                # Another try reads the record again, so it does no harm, and one bad answer does not end the run.
                raise TryAgainError(
                    "Somebody who was taken off could not be moved out of the purge group. The purge job was "
                    "not started. restore_kept tries again; then trigger a new run."
                )
