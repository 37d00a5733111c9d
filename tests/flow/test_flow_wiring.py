"""The DAG as Airflow reads it."""

import os
import subprocess
import sys

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from alma_purge.sensors.approval import PurgeApprovalSensor
from alma_purge.steps.upstream import FLOW

pytestmark = pytest.mark.usefixtures("airflow_database")


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert bag.import_errors == {}
    assert sorted(bag.dags) == ["alma_purge_coverage", "alma_purge_housekeeping", "alma_user_purge_demo"]
    found = bag.dags["alma_user_purge_demo"]
    assert isinstance(found, DAG)
    return found


def test_the_flow_is_the_documented_one(dag: DAG) -> None:
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "preflight": ["fetch_exclusions", "pull_report"],
        "fetch_exclusions": ["select_candidates"],
        "pull_report": ["select_candidates"],
        "select_candidates": ["check_live"],
        "check_live": ["prepare_review"],
        "prepare_review": ["approve_purge"],
        "approve_purge": ["regroup_users"],
        "regroup_users": ["purge_users"],
        "purge_users": ["reconcile"],
        "reconcile": ["restore_kept"],
        "restore_kept": ["certify"],
        "certify": [],
    }
    assert set(dag.task_ids) == set(FLOW) - {"ready_to_purge"}, (
        "which is for institutions where a person purges"
    )


def test_only_the_accounting_runs_whatever_happened_before(dag: DAG) -> None:
    always = {task.task_id for task in dag.tasks if task.trigger_rule == "all_done"}
    assert always == {"reconcile", "restore_kept", "certify"}
    assert {task.trigger_rule for task in dag.tasks if task.task_id not in always} == {"all_success"}


def test_the_dag_waits_to_be_turned_on_and_never_runs_twice_at_once(dag: DAG) -> None:
    assert dag.is_paused_upon_creation
    assert not dag.catchup
    assert dag.max_active_runs == 1
    assert dag.doc_md
    assert "certify" in dag.doc_md


def test_the_approval_form_has_its_own_fields_only_and_none_must_be_filled_to_reject(dag: DAG) -> None:
    form = approval_of(dag).serialized_params
    assert set(form) == {"count", "code", "policy", "disposal_authority", "comment"}
    assert all("null" in field["schema"]["type"] and field["value"] is None for field in form.values())


def test_the_approval_names_no_numbers_because_airflow_keeps_showing_the_first_text(dag: DAG) -> None:
    approval = approval_of(dag)
    assert approval.subject == "SANDBOX: purge expired patrons of Example College?"
    assert "IRREVERSIBLE" in str(approval.body)
    assert approval.defaults == ["Reject"]
    assert approval.assigned_users == [{"id": "olga", "name": "olga"}]


def approval_of(dag: DAG) -> PurgeApprovalSensor:
    approval = dag.get_task("approve_purge")
    assert isinstance(approval, PurgeApprovalSensor)
    return approval


def test_reading_the_dag_file_loads_no_spreadsheet_or_data_frame_library() -> None:
    code = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; import os\n"
        "bag = DagBag(dag_folder=os.environ['AIRFLOW__CORE__DAGS_FOLDER'])\n"
        "assert not bag.import_errors, bag.import_errors\n"
        "loaded = {'pandas', 'openpyxl', 'python_calamine'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
