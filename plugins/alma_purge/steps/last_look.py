"""The last look before something is sent that can't be taken back.

The last check of a long list takes minutes. Meanwhile the approval may expire or be taken back, somebody may stop the
task, and the tasks that account for everybody may begin without it.
"""

from datetime import UTC, datetime
from typing import Final

from airflow.sdk import Context

from alma_purge import files
from alma_purge.operators.base import PurgeRun, fetch
from alma_purge.steps.authority import (
    Authority,
    clear_number,
    require_nobody_taken_off_since,
)
from patron_purge.decision import Decision, require_approved
from patron_purge.errors import ApprovalRefusedError, ApprovalWantedError

APPROVAL_TASK: Final = "approve_purge"
ENDING_TASKS: Final = ("reconcile", "restore_kept")


def require_still_wanted(context: Context, run: PurgeRun, authority: Authority) -> None:
    """Make sure, when the intent to act is stored already, that it may be acted on at this moment.

    It is called after the intent is stored: whoever stops this task from now on, the tasks that account for everybody
    find the intent and do not believe that nothing was sent.

    Args:
        context: The task's context.
        run: The run.
        authority: What was approved.

    Raises:
        ApprovalWantedError: The approval was taken back, or somebody was taken off since.
        ApprovalRefusedError: The approval has expired, the task was stopped, or the end of the run has begun.
    """
    decision = _on_file(context, run)
    if decision != authority.decision:
        raise ApprovalWantedError(
            "The approval was changed while everybody was checked once more. Nothing more was sent to Alma."
        )
    _require_valid(context, run, decision)
    require_nobody_taken_off_since(run, authority)
    _require_place_in_flow(context)


def require_unexpired(context: Context, run: PurgeRun) -> None:
    """Make sure that an approval on file has not expired, so that nobody waits under one that is over.

    Args:
        context: The task's context.
        run: The run.

    Raises:
        ApprovalWantedError: It has, and there is time to ask again.
        ApprovalRefusedError: It has, and the time for another answer is over.
        RunFileError: `approve_purge` has recorded nothing, or its file was changed.
    """
    decision = _on_file(context, run)
    if decision.valid_until is not None and datetime.now(UTC) > decision.valid_until:
        _require_valid(context, run, decision)


def _on_file(context: Context, run: PurgeRun) -> Decision:
    return Decision.model_validate_json(fetch(context, run, files.DECISION, APPROVAL_TASK))


def _require_valid(context: Context, run: PurgeRun, decision: Decision) -> None:
    """Make sure that a decision is an approval that is valid now, whatever it is about."""
    require_approved(
        decision,
        decision.digest,
        datetime.now(UTC),
        institution_code=decision.institution_code,
        environment=decision.environment,
        run_id=run.run_id,
        clear_number=clear_number(context),
        taken_off_sha256=decision.taken_off_sha256,
    )


def _require_place_in_flow(context: Context) -> None:
    """Make sure that Airflow still runs this task, after the approval and before the end of the run."""
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    if states.get(APPROVAL_TASK) != "success":
        raise ApprovalWantedError(
            f"The task {APPROVAL_TASK} was cleared or stopped meanwhile. Nothing more was sent to Alma."
        )
    if states.get(ti.task_id) != "running":
        raise ApprovalRefusedError(
            "This task was stopped in Airflow meanwhile. Nothing more was sent to Alma; reconcile and restore_kept "
            "account for everybody. Trigger a new run."
        )
    begun = [task_id for task_id in ENDING_TASKS if states.get(task_id) is not None]
    if begun:
        raise ApprovalRefusedError(
            f"{' and '.join(begun)} had their turn in this run already and would not run again after this task, so "
            "people would be left in the purge group. Nothing more was sent to Alma. To go on, clear approve_purge "
            "with everything after it (Downstream), or trigger a new run."
        )
