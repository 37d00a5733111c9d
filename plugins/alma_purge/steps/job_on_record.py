"""What later tasks of the run know about an Alma job."""

from airflow.sdk import Context

from alma_purge.documents import JobRecord, JobStage
from alma_purge.operators.base import JOB_KEY, PurgeRun
from alma_purge.steps.job_book import furthest, parse_record, read_job_record
from patron_purge.errors import RunFileError


def job_on_record(context: Context, run: PurgeRun, task_id: str, file_name: str) -> JobRecord:
    """Return the record of a job from the run folder and from what its task has announced.

    Args:
        context: The task's context.
        run: The run.
        task_id: The task that starts the job.
        file_name: Name of the record's file.

    Returns:
        The record that is further along; an empty one when the job was never sent.

    Raises:
        RunFileError: The job was sent, but its record is gone from the run folder.
    """
    in_folder = read_job_record(run.folder, file_name)
    announced = context["ti"].xcom_pull(task_ids=task_id, key=JOB_KEY)
    if announced is None:
        return in_folder
    said = parse_record(str(announced).encode(), f"What {task_id} has recorded about its job")
    if said.stage is not JobStage.NONE and in_folder.stage is JobStage.NONE:
        raise RunFileError(
            f"{task_id} has sent a job to Alma, but {file_name} is gone from the run folder, so nobody can be "
            f"accounted for. Put the file back from a backup, or clear {task_id}, which writes it again from "
            "Airflow's task state store and starts no job twice."
        )
    return furthest(in_folder, said)
