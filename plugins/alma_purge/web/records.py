"""What Airflow's database knows about one run: its tasks, and what they recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk.execution_time.xcom import resolve_xcom_backend
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from alma_purge.operators.base import FILE_KEY, STOP_KEY, SUMMARY_KEY, TROUBLE_KEY, WAITING_KEY

_SENTENCES: Final = (SUMMARY_KEY, STOP_KEY, TROUBLE_KEY, WAITING_KEY)
_SAID_IN: Final = {
    "success": (SUMMARY_KEY,),
    "skipped": (SUMMARY_KEY,),
    "running": (SUMMARY_KEY,),
    "failed": (STOP_KEY, TROUBLE_KEY, SUMMARY_KEY),
    "up_for_retry": (TROUBLE_KEY,),
    "awaiting_input": (TROUBLE_KEY, SUMMARY_KEY),
    "deferred": (WAITING_KEY,),
    "up_for_reschedule": (WAITING_KEY,),
}


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What is on record about one run.

    Attributes:
        task_states: Task id to Airflow's state, such as `success`; empty for a task that has none yet.
        checksums: (task id, file name) to the sha256 that the task recorded.
        sentences: (task id, key) to the sentence that the task recorded under that key.
    """

    task_states: Mapping[str, str]
    checksums: Mapping[tuple[str, str], str]
    sentences: Mapping[tuple[str, str], str]

    def state(self, task_id: str) -> str:
        """Return Airflow's state of a task; empty when it has none."""
        return self.task_states.get(task_id, "")

    def said(self, task_id: str) -> str:
        """Return what a task says in its present state; empty when it says nothing.

        Airflow keeps what a task has recorded until the task begins anew: what it waited for is no longer true
        when it goes on, and nothing is when it was cleared. So the state decides which sentence counts.
        """
        keys = _SAID_IN.get(self.state(task_id), ())
        return next((said for key in keys if (said := self.sentences.get((task_id, key)))), "")

    def trouble(self, task_id: str) -> str:
        """Return why the last answer to a task led to nothing, while it asks again; empty otherwise."""
        asks = self.state(task_id) == "awaiting_input"
        return self.sentences.get((task_id, TROUBLE_KEY), "") if asks else ""


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
        or_(XComModel.key.startswith(FILE_KEY), XComModel.key.in_(_SENTENCES)),
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
        sentences={place: text for place, text in texts.items() if place[1] in _SENTENCES},
    )
