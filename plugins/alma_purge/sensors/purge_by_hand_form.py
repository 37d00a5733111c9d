"""What a person reads and answers who is asked to run the purge in Alma."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from airflow.sdk import Param

from patron_purge.purge_page import VALID_FOR, PageCriteria, is_valid

ENDED = "It has ended"
NOT_RUN = "I did not run it"
SUBJECT = "{environment}: run the purge of {name} in Alma now"
BODY = """\
## {name} - {environment} - IRREVERSIBLE

{moment}

{criteria}

It also stands on the **[review page](/dags/{dag_id}/runs/{run}/plugin/purge_review)**. If you have not started it by
{until}, do not start it any more: choose *{not_run}*, everybody gets the group back, and a new run makes a new list.

If you have started it: when Alma's job has **ended**, open its report, type the two counts below, and choose *{ended}*.

Only {approvers} may answer."""

IN_TIME = """\
Everybody on the list was checked at {checked}. **Run the purge before {until}.** In Alma, open **Admin > User
Management > Purge User Records**, choose *Add Job*, enter exactly this, then choose *Add and Close* and *Confirm*:"""
TOO_LATE = """\
**Do not start the purge any more.** Everybody on the list was checked at {checked}, and the time to start it was over
at {until}. Only say how it ended. This is what was to be entered:"""


def _count(title: str, description: str) -> Param:
    return Param(None, type=["null", "integer"], source="task", title=title, description=description)


FORM = {
    "purged": _count("Number Finished", "Records deleted, as on Alma's Purge User Records page."),
    "kept": _count("Number Failed", "Records retained, as on the same page."),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The purge that a person is asked to run.

    Attributes:
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        criteria: What to enter in Alma.
        checked_at: When the last check was over and the criteria were shown, in the library's zone.
    """

    dag_id: str
    run_id: str
    criteria: PageCriteria
    checked_at: datetime


def question(
    purge: Wanted, institution_name: str, environment: str, approvers: Sequence[str], now: datetime
) -> str:
    """Return the text of the Required Action.

    It names moments and no spans, because it is read again later: after an answer that was not accepted, and
    after the task was cleared.

    Args:
        purge: The purge.
        institution_name: Name shown to people.
        environment: Alma environment, shown in capitals.
        approvers: Airflow user ids who may answer.
        now: The current time, with time zone.
    """
    table = "\n".join(f"| {name} | **{value}** |" for name, value in purge.criteria.fields())
    checked, until = _clock(purge.checked_at), _clock(purge.checked_at + VALID_FOR)
    moment = IN_TIME if is_valid(purge.checked_at, now) else TOO_LATE
    return BODY.format(
        name=institution_name,
        environment=environment.upper(),
        moment=moment.format(checked=checked, until=until),
        until=until,
        criteria=f"| Field | Enter |\n|---|---|\n{table}",
        dag_id=purge.dag_id,
        run=quote(purge.run_id, safe=""),
        ended=ENDED,
        not_run=NOT_RUN,
        approvers=" or ".join(approvers),
    )


def _clock(moment: datetime) -> str:
    """Write a moment with its zone and date, because the text may still be read on another day."""
    return f"{moment:%H:%M %Z on %Y-%m-%d}"
