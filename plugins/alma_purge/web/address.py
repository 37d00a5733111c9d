"""Addresses of the pages, and of Airflow's own pages that they link to."""

from typing import Final
from urllib.parse import quote, urlencode

from fastapi import Request

from alma_purge.web.opened_run import APPROVAL_TASK, OpenedRun

URL_PREFIX: Final = "/alma-purge"


def query_of(run: OpenedRun) -> str:
    """Return the part of an address that names the run."""
    return urlencode({"dag_id": run.dag_id, "run_id": run.run_id})


def required_action(request: Request, run: OpenedRun) -> str:
    """Return the address of the page in Airflow on which the approval is answered.

    Args:
        request: The request; it knows under which path Airflow is reached.
        run: The run.
    """
    root: str = request.scope.get("root_path", "")
    place = f"/dags/{quote(run.dag_id, safe='')}/runs/{quote(run.run_id, safe='')}/tasks/{APPROVAL_TASK}"
    return f"{root.removesuffix(URL_PREFIX)}{place}/required_actions?map_index=-1"
