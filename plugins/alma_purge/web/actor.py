"""Who looks at a page, and whether this person may do what the approval allows.

Reading a page takes access to the DAG's data. Doing something on it takes as much as answering the approval: the
right to answer in Airflow, and a place among the institution's approvers.
"""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends

from alma_purge.web.opened_run import OpenedRunDep
from alma_purge.web.refused_action import ActionRefusedError
from patron_purge.decision import Person

_requires_answer = Depends(requires_access_dag("PUT", DagAccessEntity.HITL_DETAIL))


def person_at_screen(user: GetUserDep) -> Person:
    """Return who is logged in, under the id with which Airflow records answers to an approval."""
    return Person(id=str(user.get_id()), name=str(user.get_name()))


PersonDep = Annotated[Person, Depends(person_at_screen)]


def require_answer_right(access: Annotated[None, _requires_answer]) -> None:
    """Let through whoever may answer approvals of the DAG in Airflow.

    Args:
        access: Airflow's own check: 401 for nobody, 403 for somebody who may only look.
    """
    del access


def approver(
    right: Annotated[None, Depends(require_answer_right)], person: PersonDep, run: OpenedRunDep
) -> Person:
    """Let through only the institution's approvers.

    Args:
        right: The right to answer in Airflow.
        person: Who is logged in.
        run: The run that the address names.

    Raises:
        ActionRefusedError: 403, somebody else is logged in.
    """
    del right
    if person.id not in run.institution.approvers:
        raise ActionRefusedError(
            403,
            "Only the people who may approve purges of this institution can do this. Nothing was changed.",
        )
    return person


ApproverDep = Annotated[Person, Depends(approver)]
