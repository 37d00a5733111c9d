"""Who may open the review pages: whoever Airflow lets read the data of that DAG's runs.

Airflow guards no route of a plugin by itself. This module depends on every route of the app, so that a route
which is added later is closed too.
"""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, HTTPException, Request, status

# Airflow's own columns for both ids are this long.
_MAX_LENGTH = 250


def one_value(request: Request, name: str) -> str:
    """Return the value of a query parameter that must stand in the address exactly once.

    With two values, the one that was checked and the one that is used could differ.

    Args:
        request: The request.
        name: Name of the parameter.

    Returns:
        The value.

    Raises:
        HTTPException: 400, the parameter is missing, repeated, too long or holds control characters.
    """
    values = request.query_params.getlist(name)
    if len(values) != 1 or not values[0].isprintable() or not 0 < len(values[0]) <= _MAX_LENGTH:
        raise HTTPException(
            status.HTTP_400_BAD_REQUEST,
            f"The address must name exactly one {name}. Open the page from the DAG run in Airflow.",
        )
    return values[0]


def _dag_id(request: Request) -> str:
    return one_value(request, "dag_id")


_requires_access = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))


def require_access(
    access: Annotated[None, _requires_access], dag_id: Annotated[str, Depends(_dag_id)]
) -> None:
    """Let through whoever may read the XComs of the DAG in the address.

    Args:
        access: Airflow's own check: 401 for nobody, 403 for somebody without access.
        dag_id: The DAG's id; asked for after the access, so that anonymous requests learn nothing.
    """
    del access, dag_id
