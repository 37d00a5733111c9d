"""What a person saw in Alma about a job of this run."""

from airflow.sdk import Context

from alma_purge import files
from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import PurgeRun
from alma_purge.run_folder import RunFolder
from alma_purge.steps.job_on_record import job_on_record
from patron_purge.looked import Looked, looked_for, read_looked


def looked_at(folder: RunFolder, record: JobRecord) -> Looked | None:
    """Return what a person saw about a job whose start was unclear; None when nobody looked.

    A purge that a person runs in Alma is no such job: how it ended is asked in its own Required Action.

    Args:
        folder: The run folder.
        record: The record of the job.

    Raises:
        RunFileError: What somebody wrote down can't be read.
    """
    if record.stage is not JobStage.INTENDED or record.by_hand:
        return None
    entries = read_looked(folder.entries(files.LOOKED_ENTRY))
    return looked_for(entries, record.job_name, record.attempt, record.intended_at)


def looked_sentences(run: PurgeRun, context: Context) -> tuple[str, ...]:
    """Repeat for the certificate what people saw about jobs whose start was unclear.

    Args:
        run: The run.
        context: The task's context.
    """
    jobs = (
        job_on_record(context, run, "regroup_users", files.REGROUP_RECORD),
        job_on_record(context, run, "purge_users", files.PURGE_RECORD),
    )
    looked = (looked_at(run.folder, job) for job in jobs)
    return tuple(one.sentence for one in looked if one is not None)
