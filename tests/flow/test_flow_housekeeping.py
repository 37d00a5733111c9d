"""The housekeeping DAG under Airflow, with the runs that Airflow knows of."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from tests.support.chain import Chain
from tests.support.flow import DAG_ID
from tests.support.world import World

from alma_purge import files
from alma_purge.places import HOUSEKEEPING_DAG
from alma_purge.run_folder import RunFolder
from alma_purge.run_note import note_run

MARKER = "OKTOPURGE"
TASKS = [f"demo.{name}" for name in ("delete_expired_files", "delete_leftover_sets", "find_left_behind")]


@pytest.fixture(scope="module")
def dag() -> DAG:
    found = DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[HOUSEKEEPING_DAG]
    assert isinstance(found, DAG)
    return found


def test_every_institution_is_kept_in_order_once_a_week_and_nobody_is_moved_by_default(dag: DAG) -> None:
    assert sorted(dag.task_ids) == sorted(["find_departed", *TASKS])
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "find_departed": [],
        TASKS[0]: [TASKS[1]],
        TASKS[1]: [TASKS[2]],
        TASKS[2]: [],
    }
    assert str(dag.schedule) == "0 5 * * 0"
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert dag.is_paused_upon_creation
    assert dag.params["restore_orphans"] is False
    assert dag.params["institution"] is None


def keep_house(dag: DAG, **conf: Any) -> dict[str, str]:
    run = dag.test(run_conf=conf)
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def know_run(run_id: str, state: str) -> None:
    """Let Airflow know a run of the purge in some state."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.run_id == run_id))
        session.add(
            DagRun(dag_id=DAG_ID, run_id=run_id, run_type=DagRunType.MANUAL, state=DagRunState(state))
        )


def test_people_are_offered_and_put_back_unless_their_run_is_under_way(dag: DAG, world: World) -> None:
    run_id = f"manual__housekeeping-{id(world)}"
    chain = Chain(run_id)
    chain.to_review()
    chain.approve()
    chain.moved()
    moved = world.in_group(MARKER)
    assert moved

    know_run(run_id, "running")
    assert set(keep_house(dag, restore_orphans=True).values()) == {"success"}
    assert world.in_group(MARKER) == moved

    know_run(run_id, "failed")
    assert keep_house(dag, restore_orphans=False)[TASKS[2]] == "failed"
    assert world.in_group(MARKER) == moved

    assert set(keep_house(dag, restore_orphans=True).values()) == {"success"}
    assert world.in_group(MARKER) == set()


def test_people_are_put_back_also_when_files_can_not_be_deleted(
    dag: DAG, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = f"manual__spoiled-{id(world)}"
    chain = Chain(run_id)
    chain.to_review()
    chain.approve()
    chain.moved()
    assert world.in_group(MARKER)
    know_run(run_id, "failed")
    due = RunFolder.of_run("demo", "manual__due")
    note_run(due, DAG_ID, "manual__due", datetime.now(UTC) - timedelta(days=400))
    due.write(files.REPORT, b"row\n")
    with monkeypatch.context() as spoiled:
        spoiled.setattr(RunFolder, "remove", lambda _self, _name: None)
        states = keep_house(dag, restore_orphans=True)
    due.remove(files.REPORT)
    assert states[TASKS[0]] == "failed"
    assert states[TASKS[2]] == "failed", "a green end must not hide a red task"
    assert world.in_group(MARKER) == set()
