"""Keeps how a run stands, so that many runs can go on from there."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.rehearsal.airflow import RunBox, TaskBox, Xcoms
from tests.support.rehearsal.run import Approval, Run


@dataclass(frozen=True)
class Bookmark:
    """A run as it stood at a moment; the tenant is not in it.

    Attributes:
        moment: When.
        boxes: What Airflow's database knew about each task.
        dag_run: What it knew about the run.
        xcoms: What the tasks had recorded.
        stores: The task state stores.
        files: The run folder.
        approvals: The answers that were accepted.
        questions: What the approval had asked.
    """

    moment: datetime
    boxes: dict[str, TaskBox]
    dag_run: RunBox
    xcoms: Xcoms
    stores: dict[str, dict[str, str]]
    files: dict[str, bytes]
    approvals: list[Approval]
    questions: list[dict[str, Any]]


def bookmark_of(run: Run) -> Bookmark:
    """Keep how a run stands."""
    folder = Path(run.folder.path.path)
    stores = {key: dict(store.values) for key, store in run.stores.items()}
    kept = copy.deepcopy((run.boxes, run.dag_run, run.xcoms, stores))
    content = {one.name: one.read_bytes() for one in folder.iterdir()}
    return Bookmark(run.room.clock.now(UTC), *kept, content, list(run.approvals), list(run.room.questions))


def go_on_from(mark: Bookmark, run: Run) -> Run:
    """Let a new run stand as another one stood; the tenant must be as it was then.

    Args:
        mark: How the other one stood; it must have changed nothing in Alma.
        run: The new run.
    """
    kept = copy.deepcopy((mark.boxes, mark.dag_run, mark.xcoms, mark.stores))
    run.boxes, run.dag_run, run.xcoms, stores = kept
    for key, values in stores.items():
        run.stores[key].values = values
    folder = Path(run.folder.path.path)
    folder.mkdir(parents=True, mode=0o700)
    for name, content in mark.files.items():
        (folder / name).write_bytes(content)
    run.approvals = [Approval(0, one.people) for one in mark.approvals]
    run.room.questions = list(mark.questions)
    run.room.clock.advance_to(mark.moment)
    return run
