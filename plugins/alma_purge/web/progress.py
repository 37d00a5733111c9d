"""What each task of a run has done so far, for the pages."""

from dataclasses import dataclass
from typing import Final

from alma_purge.web.records import RunRecords
from patron_purge.states import Engine

BEFORE_REVIEW: Final = (
    ("preflight", "Check the settings and that Alma answers"),
    ("fetch_exclusions", "Fetch the exclusion files"),
    ("pull_report", "Pull the report of people whose purge date has passed"),
    ("select_candidates", "Take out everybody whom a file or a rule holds back"),
    ("check_live", "Look everybody up in Alma"),
    ("prepare_review", "Put this review together"),
)
AFTER_REVIEW: Final = (
    ("approve_purge", "Ask a person"),
    ("regroup_users", "Move the approved people to the purge group"),
    ("purge_users", "Start Alma's purge job"),
    ("reconcile", "Look up what became of each person"),
    ("restore_kept", "Give people whom Alma kept their group back"),
    ("certify", "Write the certificate"),
)
READY: Final = ("ready_to_purge", "Wait until a person is ready to run the purge in Alma")
_WORDS: Final = {
    "": "not yet",
    "none": "not yet",
    "scheduled": "about to start",
    "queued": "about to start",
    "running": "under way",
    "deferred": "waiting",
    "restarting": "under way",
    "awaiting_input": "waiting for an answer",
    "up_for_retry": "tries again soon",
    "up_for_reschedule": "tries again soon",
    "success": "done",
    "skipped": "skipped",
    "failed": "failed",
    "upstream_failed": "not possible, because a task before it failed",
    "removed": "removed",
}


def after_review(engine: Engine) -> tuple[tuple[str, str], ...]:
    """Return the tasks after the review and what each is for.

    Args:
        engine: How the purge is started; a person's part in it is a task of its own.
    """
    if engine is Engine.JOB:
        return AFTER_REVIEW
    place = [task_id for task_id, _ in AFTER_REVIEW].index("purge_users")
    by_hand = ("purge_users", "Let a person run the purge in Alma")
    return (*AFTER_REVIEW[:place], READY, by_hand, *AFTER_REVIEW[place + 1 :])


@dataclass(frozen=True, slots=True)
class Step:
    """One task.

    Attributes:
        task_id: Id of the task.
        purpose: What it is for.
        state: Airflow's state.
        words: The state in words.
        summary: The task's own sentence about what it did, waits for, or what stopped it; empty when there is none.
    """

    task_id: str
    purpose: str
    state: str
    words: str
    summary: str


def steps(tasks: tuple[tuple[str, str], ...], records: RunRecords) -> tuple[Step, ...]:
    """List tasks with how far they are.

    Args:
        tasks: Task ids and what the tasks are for.
        records: What Airflow has on record.
    """
    return tuple(
        Step(
            task_id=task_id,
            purpose=purpose,
            state=records.state(task_id),
            words=_WORDS.get(records.state(task_id), records.state(task_id).replace("_", " ")),
            summary=records.said(task_id),
        )
        for task_id, purpose in tasks
    )


def first_failed(shown: tuple[Step, ...]) -> Step | None:
    """Return the first task that failed by itself."""
    return next((step for step in shown if step.state == "failed"), None)
