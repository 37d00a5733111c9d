"""Tells every week whether each institution has had its scheduled purge run.

The task is red when an institution was left out, and its log names it: "Expected 90, ran 89: abc did not (no run since
2026-11-08 08:20 CST)." A run counts when its certificate was written and does not say that it failed or was stopped. It
is due once its approval, its jobs and one more day could have passed, so a run that still waits is not reported.

A library that has just joined is reported until its first run. `make coverage` says the same in a terminal.
"""

from datetime import datetime

from airflow.sdk import DAG

from alma_purge.operators.coverage import CoverageOperator

with DAG(
    dag_id="alma_purge_coverage",
    dag_display_name="User purge: has everybody had a run?",
    description="Names the institutions whose scheduled user purge did not run",
    doc_md=__doc__,
    schedule="30 7 * * 1",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in the schedule's own zone
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    tags=["alma", "user purge"],
):
    CoverageOperator(task_id="compare_with_schedules")
