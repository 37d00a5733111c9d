"""One notice before it is put into the form of a mail."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo


class NoticeKind(StrEnum):
    """What a notice is about."""

    APPROVAL_WANTED = "approval_wanted"
    REMINDER = "reminder"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    HAND_WANTED = "hand_wanted"
    STOPPED_BY_GUARD = "stopped_by_guard"
    NOBODY_TO_PURGE = "nobody_to_purge"
    FAILED = "failed"
    REPORT_READY = "report_ready"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """Return the words shown to a person."""
        return _LABELS[self]


_LABELS = {
    NoticeKind.APPROVAL_WANTED: "approval wanted",
    NoticeKind.REMINDER: "reminder of the approval",
    NoticeKind.APPROVED: "approved",
    NoticeKind.REJECTED: "rejected",
    NoticeKind.TIMED_OUT: "not answered in time",
    NoticeKind.HAND_WANTED: "somebody wanted for the purge by hand",
    NoticeKind.STOPPED_BY_GUARD: "stopped by a limit",
    NoticeKind.NOBODY_TO_PURGE: "nobody to purge",
    NoticeKind.FAILED: "failed",
    NoticeKind.REPORT_READY: "report ready",
    NoticeKind.ENDED: "run has ended",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Where to click.

    Attributes:
        text: Words of the link.
        url: The address; empty when nobody has told Airflow its own address.
        way: How to get there by hand, for the mail that has no address.
    """

    text: str
    url: str
    way: str


@dataclass(frozen=True, slots=True)
class Place:
    """The run that a notice is about.

    Attributes:
        institution_name: Name shown to people.
        environment: Alma environment.
        zone: The institution's time zone.
        dag_id: Id of the DAG.
        run_id: Id of the DAG run.
        base_url: Address of Airflow's web server; empty when it is not set.
    """

    institution_name: str
    environment: str
    zone: ZoneInfo
    dag_id: str
    run_id: str
    base_url: str

    @property
    def run_way(self) -> str:
        """Return how to get to the run by hand."""
        return (
            f'In Airflow, open the DAG "User purge: {self.institution_name}" and there the run {self.run_id}'
        )

    def review(self, text: str) -> Link:
        """Link to the review tab of the run.

        Args:
            text: Words of the link.
        """
        return Link(text, self._url("/plugin/purge_review"), f"{self.run_way}, then the tab Purge review.")

    def review_alone(self, text: str) -> Link:
        """Link to the review page by its own address, outside of Airflow's pages, whose tabs a phone hides.

        Args:
            text: Words of the link.
        """
        way = f"{self.run_way}, then the tab Purge review; a phone hides the tab, so do it on a computer."
        return Link(text, self._own_page("review"), way)

    def form(self, text: str, task_id: str = "approve_purge") -> Link:
        """Link to the form on which a task's question is answered.

        Args:
            text: Words of the link.
            task_id: Id of the task that asks.
        """
        address = self._url(f"/tasks/{task_id}/required_actions?map_index=-1")
        return Link(text, address, f"{self.run_way}, then Required Actions.")

    def task(self, task_id: str, text: str) -> Link:
        """Link to a task of the run.

        Args:
            task_id: Id of the task.
            text: Words of the link.
        """
        return Link(text, self._url(f"/tasks/{task_id}"), f"{self.run_way}, then the task {task_id}.")

    def certificate(self, text: str) -> Link:
        """Link to the certificate of the run.

        Args:
            text: Words of the link.
        """
        way = f"{self.run_way}, then the tab Purge review, then Open the certificate."
        return Link(text, self._own_page("certificate"), way)

    def moment(self, moment: datetime) -> str:
        """Write a moment in the institution's zone: `Thursday 26 November 2026, 03:20 CST`.

        Args:
            moment: A moment with a time zone.
        """
        local = moment.astimezone(self.zone)
        return f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}"

    def _url(self, page: str) -> str:
        if not self.base_url:
            return ""
        return f"{self.base_url}/dags/{quote(self.dag_id, safe='')}/runs/{quote(self.run_id, safe='')}{page}"

    def _own_page(self, name: str) -> str:
        if not self.base_url:
            return ""
        query = urlencode({"dag_id": self.dag_id, "run_id": self.run_id})
        return f"{self.base_url}/alma-purge/{name}?{query}"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a mail says.

    Attributes:
        kind: What it is about.
        place: The run.
        headline: The end of the subject and the first line of the mail.
        sentences: What happened and what to do, one paragraph each.
        quote: What a check or a failed task said; empty when there is nothing to quote.
        links: Where to click, the most important first.
    """

    kind: NoticeKind
    place: Place
    headline: str
    sentences: tuple[str, ...]
    links: tuple[Link, ...]
    quote: str = ""
