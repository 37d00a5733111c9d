"""The page that shows the past runs of an institution."""

from collections.abc import Callable
from typing import Annotated

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dagrun import DagRun
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from alma_purge.history_file import read_history
from alma_purge.places import institution_of_dag
from alma_purge.web.charts import runs_chart
from alma_purge.web.guard import one_value
from alma_purge.web.pages import institution_page
from patron_purge.history import full_runs, median_of_last

router = APIRouter()
_MOST_RUNS = 120

RunsReader = Callable[[str], frozenset[str]]


def runs_reader(session: SessionDep) -> RunsReader:
    """Return the function that lists the runs of a DAG that Airflow still has; tests put their own in its place.

    Args:
        session: Session of Airflow's database.
    """
    return lambda dag_id: frozenset(session.scalars(select(DagRun.run_id).where(DagRun.dag_id == dag_id)))


@router.get("/history")
def history(request: Request, read: Annotated[RunsReader, Depends(runs_reader)]) -> HTMLResponse:
    """Show the past runs of the institution."""
    dag_id = one_value(request, "dag_id")
    run_id = one_value(request, "run_id") if "run_id" in request.query_params else ""
    institution = institution_of_dag(dag_id)
    entries = sorted(read_history(institution.code), key=lambda entry: entry.finished_at, reverse=True)
    return institution_page(
        "history.html",
        request,
        institution,
        dag_id,
        {
            "entries": entries[:_MOST_RUNS],
            "left_out": max(len(entries) - _MOST_RUNS, 0),
            "full": full_runs(entries),
            "median": median_of_last(entries),
            "chart": runs_chart(entries, institution.zone),
            "known": read(dag_id),
            "back_to": run_id,
        },
    )
