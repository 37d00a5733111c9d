"""What Airflow's database knows about one run: its tasks, and what they recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk.execution_time.xcom import resolve_xcom_backend
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alma_purge.operators.base import FILE_KEY, STOP_KEY, SUMMARY_KEY


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What is on record about one run.

    Attributes:
        task_states: Task id to Airflow's state, such as `success`; empty for a task that has none yet.
        checksums: (task id, file name) to the sha256 that the task recorded.
        summaries: Task id to its one-sentence result.
        stops: Task id to the sentence with which it stopped.
    """

    task_states: Mapping[str, str]
    checksums: Mapping[tuple[str, str], str]
    summaries: Mapping[str, str]
    stops: Mapping[str, str]

    def state(self, task_id: str) -> str:
        """Return Airflow's state of a task; empty when it has none."""
        return self.task_states.get(task_id, "")


RecordsReader = Callable[[str, str], RunRecords | None]


def records_reader(session: SessionDep) -> RecordsReader:
    """Return the function that looks up a run; tests put their own in its place.

    Args:
        session: Session of Airflow's database.
    """
    return lambda dag_id, run_id: read_records(session, dag_id, run_id)


def read_records(session: Session, dag_id: str, run_id: str) -> RunRecords | None:
    """Look a run up in Airflow's database.

    What a task recorded is read through the XCom backend that the tasks use: it may keep values in an object
    store and only their place in the database.

    Args:
        session: Session of Airflow's database.
        dag_id: The DAG's id.
        run_id: The run's id.

    Returns:
        What is on record, or None when there is no such run.
    """
    known = select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    if session.scalar(known) is None:
        return None
    states = select(TaskInstance.task_id, TaskInstance.state).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, TaskInstance.map_index == -1
    )
    values = select(XComModel.task_id, XComModel.key, XComModel.value).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.map_index == -1,
        or_(XComModel.key.startswith(FILE_KEY), XComModel.key.in_((SUMMARY_KEY, STOP_KEY))),
    )
    backend = resolve_xcom_backend()
    texts = {
        (row.task_id, row.key): value
        for row in session.execute(values)
        # Only texts: anything else would build objects from what a user may have put there.
        if isinstance(row.value, str) and isinstance(value := backend.deserialize_value(row), str)
    }
    return RunRecords(
        task_states={task: str(state or "") for task, state in session.execute(states)},
        checksums={
            (task, key[len(FILE_KEY) :]): text
            for (task, key), text in texts.items()
            if key.startswith(FILE_KEY)
        },
        summaries={task: text for (task, key), text in texts.items() if key == SUMMARY_KEY},
        stops={task: text for (task, key), text in texts.items() if key == STOP_KEY},
    )
