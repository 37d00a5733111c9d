"""The task `purge_users`: starts Alma's purge job on exactly the approved people who are left."""

from functools import partial

from airflow.sdk import Context

from alma_api.client import AlmaClient
from alma_purge import files
from alma_purge.documents import JobRecord
from alma_purge.operators.alma_job import AlmaJobOperator
from alma_purge.operators.base import PurgeRun
from alma_purge.steps.authority import preflight_result
from alma_purge.steps.job_on_record import job_on_record
from alma_purge.steps.job_start import JobOrder
from alma_purge.steps.last_look import require_still_wanted
from alma_purge.steps.purge_people import people_to_purge, write_purge_result
from patron_purge import amounts
from patron_purge.job_names import JobStep, job_name


class PurgeUsersOperator(AlmaJobOperator):
    """Checks everybody once more, proves that set and marker group hold nobody else, and runs the purge job."""

    record_file = files.PURGE_RECORD

    def job_id(self, run: PurgeRun, context: Context) -> str:
        """Return the id of the job that preflight has found."""
        return preflight_result(run, context).purge_job_id

    def prepare(self, run: PurgeRun, context: Context, client: AlmaClient) -> JobOrder | None:
        """Take off whoever must stay, and prove that only approved people are left."""
        people = people_to_purge(run, context, client)
        if people is None:
            return None
        name = job_name(run.institution.code, run.run_id, people.authority.digest, JobStep.PURGE)
        return JobOrder(
            job_id=people.authority.purge_job_id,
            job_name=name,
            set_id=people.set_id,
            payload=people.authority.payloads.purge.fill(set_id=people.set_id, job_name=name),
            last_look=partial(require_still_wanted, context, run, people.authority),
        )

    def finish(self, run: PurgeRun, context: Context, record: JobRecord) -> str:
        """Write down how the purge job ended."""
        result = write_purge_result(run, context, record)
        if not result.sent:
            return "Nobody was left to purge; the purge job was not started."
        return f"The purge job has run on {amounts.people(result.sent)} (Alma says {record.said})."

    def name_is_echoed(self, run: PurgeRun, context: Context) -> bool | None:
        """Tell whether the regroup job of this run showed the name it was given."""
        return job_on_record(context, run, "regroup_users", files.REGROUP_RECORD).name_echoed
