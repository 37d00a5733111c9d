"""How a run goes on after a task has stopped: what to clear depends on the task, not on the cause.

An approval counts only as long as no task of the run is cleared after it. So whoever clears a task that needs the
approval has to begin at the approval.
"""

from typing import Final

from airflow.sdk import Context
from pydantic import ValidationError

from alma_purge.documents import STORE_KEY, JobRecord, JobStage

CLEAR_THIS: Final = "clear this task"
ASK_AGAIN: Final = (
    "clear approve_purge with everything after it (Downstream), which asks for the approval again; if a setting was "
    "corrected, trigger a new run instead"
)
NEW_RUN: Final = "trigger a new run when restore_kept has given everybody the user group back"

_APPROVAL: Final = "approve_purge"
_REGROUP: Final = "regroup_users"
_READY: Final = "ready_to_purge"
_PURGE: Final = "purge_users"


def to_go_on(context: Context) -> str:
    """Return the sentence that says how the run goes on once the cause of a stop is mended.

    Args:
        context: The context of the task that stops.
    """
    return f"To go on, {_remedy(context)}."


def if_it_stays_red(context: Context) -> str:
    """Return the sentence that says what to do when further tries of the task do not help.

    Args:
        context: The context of the task that is tried again.
    """
    return f"If this task stays red, {_remedy(context)}."


def to_run(task_id: str) -> str:
    """Return what to do so that a task runs that was marked success by hand.

    Args:
        task_id: The task.
    """
    first = _APPROVAL if task_id in {_REGROUP, _READY} else task_id
    return f"clear {first} with everything after it (Downstream), so that it runs"


def _remedy(context: Context) -> str:
    """Choose the remedy of a task.

    `regroup_users` begins at the approval even when its job was sent: the job is not started again, and the purge
    needs an approval. When the purge has failed before its job was sent, restore_kept has put everybody back, so
    that there is nobody left to purge in this run.
    """
    task_id = context["ti"].task_id
    if task_id == _REGROUP:
        return ASK_AGAIN
    if task_id == _READY or (task_id == _PURGE and not _was_sent(context)):
        return NEW_RUN
    return CLEAR_THIS


def _was_sent(context: Context) -> bool:
    """Tell whether the job of the task was sent, so that clearing the task finds it again and needs no approval."""
    stored = context["task_state_store"].get(STORE_KEY)
    if stored is None:
        return False
    try:
        return JobRecord.model_validate_json(str(stored)).stage is not JobStage.NONE
    except ValidationError:
        return True  # the task says itself what is wrong with the record when it runs again
