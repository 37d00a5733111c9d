"""What became of the tasks of this run."""

from dataclasses import dataclass

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from alma_purge.operators.base import STOP_KEY, TROUBLE_KEY

FOLLOWED_KEY = "failed_after_another"
FLOW = (
    "preflight",
    "fetch_exclusions",
    "pull_report",
    "select_candidates",
    "check_live",
    "prepare_review",
    "approve_purge",
    "regroup_users",
    "ready_to_purge",
    "purge_users",
    "reconcile",
    "restore_kept",
    "certify",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a task failed.

    Attributes:
        sentence: The task and what it said.
        decided: Whether it stopped for a reason of the purge, and not for trouble with the infrastructure.
    """

    sentence: str
    decided: bool


def failed_before(context: Context) -> tuple[str, ...]:
    """Return the tasks before this one that failed by themselves, in the order of the flow.

    A task that did its own work and failed only because an earlier one had is not among them.

    Args:
        context: The task's context.
    """
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    earlier = FLOW[: FLOW.index(ti.task_id)]
    failed = (task_id for task_id in earlier if states.get(task_id) == "failed")
    return tuple(one for one in failed if not ti.xcom_pull(task_ids=one, key=FOLLOWED_KEY))


def problems_before(context: Context) -> tuple[Problem, ...]:
    """Return what the failed tasks said.

    Args:
        context: The task's context.
    """
    return tuple(_problem(context, task_id) for task_id in failed_before(context))


def _problem(context: Context, task_id: str) -> Problem:
    ti = context["ti"]
    decided = ti.xcom_pull(task_ids=task_id, key=STOP_KEY)
    if decided:
        return Problem(f"{task_id}: {decided}", decided=True)
    trouble = ti.xcom_pull(task_ids=task_id, key=TROUBLE_KEY)
    return Problem(f"{task_id}: {trouble or 'failed; its log says why.'}", decided=False)


def fail_after(context: Context) -> None:
    """Fail this task when an earlier one failed, so that a green end never hides a red task.

    Args:
        context: The task's context.

    Raises:
        AirflowFailException: A task before this one failed.
    """
    failed = failed_before(context)
    if failed:
        context["ti"].xcom_push(key=FOLLOWED_KEY, value=True)
        raise AirflowFailException(
            f"This task has done its own work, but {', '.join(failed)} failed; look there for what to do."
        )
