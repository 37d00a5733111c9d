"""Reminders of purge approvals that nobody has answered yet.

It is there when an institution's file has a `notices` block with `reminder_hours`. Each new list starts one run, which
sleeps until a reminder is due, sends it if the approval is open then, and ends when the purge was sent or nothing is
left to remind of. It only reads, and only sends mails: pausing or clearing it does nothing to a purge.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG

from alma_purge.notices.reminders import NEW_LIST, REMINDERS_DAG, RemindOperator, reminders_wanted

START = datetime(2026, 1, 1)  # noqa: DTZ001 - Airflow reads it in its own zone
# Each list has a sleeping run of its own for days; a consortium's lists must not wait for each other.
MOST_LISTS = 1000

if reminders_wanted():
    with DAG(
        dag_id=REMINDERS_DAG,
        dag_display_name="User purge: reminders of approvals",
        description="Mails to approvers while an approval is open",
        doc_md=__doc__,
        schedule=[NEW_LIST],
        start_date=START,
        catchup=False,
        max_active_runs=MOST_LISTS,
        is_paused_upon_creation=False,
        default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
        tags=["alma", "user purge"],
    ) as dag:
        RemindOperator(task_id="remind")
