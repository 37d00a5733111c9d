"""Weekly housekeeping of the user purge: lists of people are deleted in time, and nobody is left in the purge group.

### What it does, institution by institution
1. **delete_expired_files** deletes the files with personal data of ended runs after the days that the institution's
   file allows (`retention`), and writes a line for each run into `housekeeping.jsonl` beside the run folders.
   Certificates, reviews and the history name no patron and stay. As long as somebody whom a run has moved is neither
   verified as purged nor back in the user group, the lists about that run's people stay too.
2. **delete_leftover_sets** deletes sets that ended runs have left in Alma.
3. **find_left_behind** looks who is in the purge group. When people are left there whom no run is working on, the
   task is red and says how many, and of which run.

When one of these fails, the next one does its own work all the same, and is red for the first one's sake.

Beside them, **find_departed** looks for lists of people of libraries that have no settings file any more.

### To put people back
Trigger this DAG with *restore_orphans*. Everybody whose original user group is on file, who is in the purge group at
that moment, and on whom no job is working, gets the group back. Whoever was moved on in the meantime is left alone.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param, TaskGroup, TriggerRule

from alma_purge.operators.housekeeping_departed import FindDepartedOperator
from alma_purge.operators.housekeeping_files import DeleteExpiredFilesOperator
from alma_purge.operators.housekeeping_left_behind import (
    INSTITUTION_PARAM,
    RESTORE_PARAM,
    FindLeftBehindOperator,
)
from alma_purge.operators.housekeeping_sets import DeleteLeftoverSetsOperator
from alma_purge.places import HOUSEKEEPING_DAG, institution_entries

ENTRIES = institution_entries()

with DAG(
    dag_id=HOUSEKEEPING_DAG,
    dag_display_name="User purge: housekeeping",
    description="Deletes lists of people in time and finds who is left in the purge group",
    doc_md=__doc__,
    schedule="0 5 * * 0",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in UTC
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    params={
        RESTORE_PARAM: Param(
            default=False,
            type="boolean",
            title="Put people back who are left in the purge group",
            description="Only people whom a run of this package has moved and whose user group is on file.",
        ),
        INSTITUTION_PARAM: Param(
            None,
            type=["null", "string"],
            enum=[None, *(entry.code for entry in ENTRIES)],
            title="Only this institution",
            description="Whose people are put back. Empty: those of every institution.",
        ),
    },
    tags=["alma", "user purge"],
) as dag:
    FindDepartedOperator(task_id="find_departed")
    for entry in ENTRIES:
        with TaskGroup(entry.code):
            (
                DeleteExpiredFilesOperator(task_id="delete_expired_files", institution_code=entry.code)
                >> DeleteLeftoverSetsOperator(
                    task_id="delete_leftover_sets",
                    institution_code=entry.code,
                    trigger_rule=TriggerRule.ALL_DONE,
                )
                >> FindLeftBehindOperator(
                    task_id="find_left_behind",
                    institution_code=entry.code,
                    trigger_rule=TriggerRule.ALL_DONE,
                )
            )
