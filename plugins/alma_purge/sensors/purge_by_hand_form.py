"""What the Required Action of a purge by hand shows and asks, and how the submitted form is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.sdk import Param

from alma_purge.documents import JobRecord
from alma_purge.links import review_alone, review_tab
from patron_purge.purge_page import VALID_FOR, PageCriteria, TypedCounts, is_valid, read_counts

ENDED = "It has ended"
NOT_RUN = "I did not run it"
SUBJECT = "{environment}: run the purge of {name} in Alma now"
BODY = """\
## {name} - {environment} - IRREVERSIBLE

{moment}

{criteria}

It also stands on the **[review page]({tab})**; on a phone: [review page]({alone}). If you have not started it by
{until}, do not start it any more: choose *{not_run}*, everybody gets the group back, and a new run makes a new list.

If you have started it: when Alma's job has **ended**, open its report, type the two counts below, and choose *{ended}*.

If a count was mistyped, clear this task with everything after it: it asks again, for the counts only. **Never start the
purge in Alma a second time.**

Only {approvers} may answer."""

IN_TIME = """\
Everybody on the list was checked at {checked}. **Run the purge before {until}.** In Alma, open **Admin > User
Management > Purge User Records**, choose *Add Job*, enter exactly this, then choose *Add and Close* and *Confirm*:"""
TOO_LATE = """\
**Do not start the purge any more.** Everybody on the list was checked at {checked}, and the time to start it was over
at {until}. Only say how it ended. This is what was to be entered:"""

AGAIN = """\
## {name} - {environment} - the counts are asked for again

**Do not run the purge again.** It was run, and {person} typed {purged:,} purged and {kept:,} not purged. This task was
cleared since, to correct that.

Open the report of that job in Alma, type the two counts below, and choose *{ended}*. Nothing is sent to Alma; what was
typed before is kept on record. Without an answer the earlier counts stay.

Only {approvers} may answer."""


def _count(title: str, description: str) -> Param:
    return Param(None, type=["null", "integer"], source="task", title=title, description=description)


FORM = {
    "purged": _count("Number Finished", "Records deleted, as on Alma's Purge User Records page."),
    "kept": _count("Number Failed", "Records retained, as on the same page."),
}


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said about the purge.

    Attributes:
        person: Airflow user id.
        ended: Whether it has ended; otherwise it was not run.
        counts: The counts of Alma's report; None when they were not typed.
    """

    person: str
    ended: bool
    counts: TypedCounts | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked about which institution.

    Attributes:
        name: Name of the institution, shown to people.
        environment: Alma environment, shown in capitals.
        approvers: Airflow user ids who may answer.
    """

    name: str
    environment: str
    approvers: Sequence[str]

    def shown(self) -> dict[str, str]:
        """Return the values that all texts show."""
        return {
            "name": self.name,
            "environment": self.environment.upper(),
            "approvers": " or ".join(self.approvers),
            "ended": ENDED,
            "not_run": NOT_RUN,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """The purge that a person is asked to run.

    Attributes:
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        criteria: What is to be entered.
        checked_at: When the last check was over and the criteria were shown, in the library's zone.
    """

    dag_id: str
    run_id: str
    criteria: PageCriteria
    checked_at: datetime


def text(asked: Asked, wanted: Wanted, now: datetime) -> str:
    """Return the text that asks to run the purge in Alma.

    Airflow keeps showing the first text of a run, so it names moments and no spans, and it also says what to do
    when it is asked again.

    Args:
        asked: Who is asked.
        wanted: What is asked for.
        now: The current time, with time zone.
    """
    criteria = wanted.criteria
    checked, until = _clock(wanted.checked_at), _clock(wanted.checked_at + VALID_FOR)
    moment = IN_TIME if is_valid(wanted.checked_at, now) else TOO_LATE
    table = "\n".join(f"| {name} | **{value}** |" for name, value in criteria.fields())
    return BODY.format(
        criteria=f"| Field | Enter |\n|---|---|\n{table}",
        moment=moment.format(checked=checked, until=until),
        until=until,
        tab=review_tab(wanted.dag_id, wanted.run_id),
        alone=review_alone(wanted.dag_id, wanted.run_id),
        **asked.shown(),
    )


def _clock(moment: datetime) -> str:
    """Write a moment with its zone and date, because the text may still be read on another day."""
    return f"{moment:%H:%M %Z on %Y-%m-%d}"


def text_again(asked: Asked, record: JobRecord) -> str:
    """Return the text that asks for the counts again.

    Args:
        asked: Who is asked.
        record: The record with the counts that were typed.
    """
    purged, kept = (one.value for one in record.counters)
    return AGAIN.format(person=record.answered_by, purged=purged, kept=kept, **asked.shown())


def read_word(event: Mapping[str, Any]) -> Word:
    """Read the answer, whatever its fields hold: Airflow's REST API checks nothing.

    Args:
        event: What Airflow hands over when somebody has answered.
    """
    form = event["params_input"] or {}
    return Word(
        person=str(event["responded_by_user"]["id"]),
        ended=list(event["chosen_options"]) == [ENDED],
        counts=read_counts(form.get("purged"), form.get("kept")),
    )
