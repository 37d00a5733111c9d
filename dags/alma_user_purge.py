"""Monthly purge of expired patrons in Alma, with a person's approval of exactly the list that is purged.

### At a glance
| | |
|---|---|
| **What it does** | Deletes the records of patrons whose purge date has passed and whom no rule protects |
| **Can it be undone?** | No. A purged patron's loans history, requests and lists are gone |
| **When** | Monthly, by the schedule in the institution's file; also by hand with *Trigger* |
| **Who acts** | One of the approvers named in the institution's file |
| **What is left behind** | A certificate without personal data; the list of people is kept for a short time only |

### What happens, task by task
1. **preflight** checks settings, API key, jobs, payloads and groups. Nothing works on people before this is green.
2. **fetch_exclusions** fetches the spreadsheets of people who must be kept; **pull_report** pulls the Analytics
   report of people whose purge date has passed.
3. **select_candidates** subtracts the one from the other and applies the rules that the report can decide.
4. **check_live** reads every candidate in Alma and applies all rules to what Alma says now.
5. **prepare_review** compares the whole list with the limits, freezes it, and makes the review page.
6. **approve_purge** waits for a person. Open *Required Actions*, follow the link to the review page, look at the list,
   then type the count and the code that stand there and choose *Approve*; or choose *Reject*. No answer means no.
7. **regroup_users** checks everybody once more and moves exactly the approved people to the purge group.
8. **purge_users** checks everybody once more and starts Alma's purge job on exactly those people.
9. **reconcile** looks up every approved person and writes down what became of them.
10. **restore_kept** gives everybody whom Alma kept their user group back.
11. **certify** writes the certificate.

### If something is red
Read the last line of the **first** red task's log: it says what is wrong, whether anything was changed, and after "To
go on" what to clear. Mend the cause first. Clearing never starts an Alma job twice, but it takes the approval back:

| Red task | To go on |
|---|---|
| any up to **approve_purge** | Clear this task with everything after it (*Downstream*) |
| **regroup_users** | Clear **approve_purge** with everything after it; the approver is asked again |
| **purge_users**, its job was not started | Trigger a new run when **restore_kept** has put everybody back |
| **purge_users**, its job was started | Clear this task with everything after it; the job is found again |
| **reconcile** and later | Clear this task with everything after it |

A new run is always safe. To make a new list, trigger a new run: an answered approval page keeps showing its first text.

### Mails
With a `notices` block in the institution's file, the people named there get a mail when an approval is wanted (and
reminders), when it was answered, when something failed or stopped the run, and when the run has ended. No mail names a
patron, and a mail that can't be sent stops nothing: the log, the review page and the certificate say so.

### Good to know
Turning on a DAG starts the latest missed monthly run at once. While a run waits for an approval, the next one waits in
the queue. *Marking* the approval as success does not approve anything: nothing is sent without the count and the code.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, BaseOperator, Param, TriggerRule

from alma_purge.notices.notifiers import (
    AnswerNotifier,
    ApprovalWantedNotifier,
    EndNotifier,
    FailureNotifier,
    HandWantedNotifier,
)
from alma_purge.notices.reminders import NEW_LIST
from alma_purge.operators.certify import CertifyOperator
from alma_purge.operators.check_live import CheckLiveOperator
from alma_purge.operators.fetch_exclusions import FetchExclusionsOperator
from alma_purge.operators.preflight import PreflightOperator
from alma_purge.operators.prepare_review import PrepareReviewOperator
from alma_purge.operators.pull_report import PullReportOperator
from alma_purge.operators.purge_users import PurgeUsersOperator
from alma_purge.operators.reconcile import ReconcileOperator
from alma_purge.operators.regroup_users import RegroupUsersOperator
from alma_purge.operators.restore_kept import RestoreKeptOperator
from alma_purge.operators.select_candidates import SelectCandidatesOperator
from alma_purge.places import InstitutionEntry, dag_id_of, institution_entries
from alma_purge.sensors.approval import PurgeApprovalSensor
from alma_purge.sensors.purge_by_hand import PurgeByHandSensor
from alma_purge.sensors.ready import ReadyToPurgeSensor
from patron_purge.states import Engine, Mode

START = datetime(2026, 1, 1)  # noqa: DTZ001 - Airflow reads it in the schedule's own zone
READ_RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=30)}
WRITE_RETRIES = 2
ASK_AGAIN = 10
ASK_AGAIN_AFTER = timedelta(seconds=5)
PARAMS = {
    "mode": Param(
        None,
        type=["null", "string"],
        enum=[None, *(mode.value for mode in Mode)],
        title="How far this run goes",
        description="report_only ends with the list; pilot purges a few people; full purges everybody on the "
        "approved list. Empty: as in the institution's file.",
    ),
    "guard_overrides": Param(
        {},
        type="object",
        title="New limits for this run",
        description='A guard\'s name and its new limit, such as {"max_count": 800}. The approver sees it.',
    ),
}


def purge_tasks(entry: InstitutionEntry, regroup_users: BaseOperator) -> BaseOperator:
    """Wire the purge itself: a job that is started by API, or a person who is asked to run it in Alma.

    Args:
        entry: The institution's settings.
        regroup_users: The task before.

    Returns:
        The last task of the purge.
    """
    if entry.engine is Engine.JOB:
        purge_users: BaseOperator = PurgeUsersOperator(task_id="purge_users", retries=WRITE_RETRIES)
        regroup_users >> purge_users
        return purge_users
    ready_to_purge = ReadyToPurgeSensor(
        task_id="ready_to_purge",
        institution_name=entry.name,
        environment=entry.environment,
        approvers=entry.approvers,
        retries=ASK_AGAIN,
        retry_delay=ASK_AGAIN_AFTER,
        notifiers=[HandWantedNotifier()],
    )
    purge_users = PurgeByHandSensor(
        task_id="purge_users",
        institution_name=entry.name,
        environment=entry.environment,
        approvers=entry.approvers,
        retries=ASK_AGAIN,
        retry_delay=ASK_AGAIN_AFTER,
        notifiers=[HandWantedNotifier()],
    )
    regroup_users >> ready_to_purge >> purge_users
    return purge_users


def purge_dag(entry: InstitutionEntry) -> DAG:
    """Wire the flow of one institution.

    Args:
        entry: The institution's settings; of a file with mistakes only its name, and then preflight says
            what is wrong.
    """
    with DAG(
        dag_id=dag_id_of(entry.code),
        dag_display_name=f"User purge: {entry.name}",
        description=f"Monthly purge of expired patrons of {entry.name} in Alma",
        doc_md=__doc__,
        schedule=entry.timetable(),
        start_date=START,
        catchup=False,
        is_paused_upon_creation=True,
        max_active_runs=1,
        default_args={**READ_RETRIES, "on_failure_callback": FailureNotifier()},
        params=PARAMS,
        tags=["alma", "user purge", entry.environment],
    ) as dag:
        preflight = PreflightOperator(task_id="preflight")
        fetch_exclusions = FetchExclusionsOperator(task_id="fetch_exclusions")
        pull_report = PullReportOperator(task_id="pull_report")
        select_candidates = SelectCandidatesOperator(task_id="select_candidates")
        check_live = CheckLiveOperator(task_id="check_live")
        prepare_review = PrepareReviewOperator(
            task_id="prepare_review", outlets=[NEW_LIST] if entry.wants_reminders else []
        )
        approve_purge = PurgeApprovalSensor(
            task_id="approve_purge",
            institution_name=entry.name,
            environment=entry.environment,
            approvers=entry.approvers,
            approval_hours=entry.approval_hours,
            retries=ASK_AGAIN,
            retry_delay=ASK_AGAIN_AFTER,
            notifiers=[ApprovalWantedNotifier()],
            on_success_callback=AnswerNotifier(),
        )
        regroup_users = RegroupUsersOperator(task_id="regroup_users", retries=WRITE_RETRIES)
        purge_users = purge_tasks(entry, regroup_users)
        reconcile = ReconcileOperator(task_id="reconcile", trigger_rule=TriggerRule.ALL_DONE)
        restore_kept = RestoreKeptOperator(
            task_id="restore_kept", trigger_rule=TriggerRule.ALL_DONE, retries=WRITE_RETRIES
        )
        certify = CertifyOperator(
            task_id="certify",
            trigger_rule=TriggerRule.ALL_DONE,
            on_success_callback=EndNotifier(),
            on_failure_callback=[FailureNotifier(), EndNotifier()],
        )

        preflight >> [fetch_exclusions, pull_report] >> select_candidates >> check_live >> prepare_review
        prepare_review >> approve_purge >> regroup_users
        purge_users >> reconcile >> restore_kept >> certify
    return dag


for institution_entry in institution_entries():
    globals()[dag_id_of(institution_entry.code)] = purge_dag(institution_entry)
