"""The pages: the review with its list, its data for programs, the workbook and the certificate.

All work is done in plain functions, which FastAPI runs in threads: they read files and the database.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response, status
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from alma_purge import files
from alma_purge.history_file import read_history
from alma_purge.places import run_folder_name
from alma_purge.web.actor import PersonDep
from alma_purge.web.charts import BarChart, bar_chart, runs_chart
from alma_purge.web.earlier_list import news_of
from alma_purge.web.group_names import GroupNames
from alma_purge.web.headers import CERTIFICATE_POLICY, POLICY
from alma_purge.web.loaded_people import load_people
from alma_purge.web.loaded_review import load_review
from alma_purge.web.offers import offers
from alma_purge.web.opened_run import OpenedRun, OpenedRunDep
from alma_purge.web.pages import STYLE, run_page
from alma_purge.web.people_query import PeopleQuery, View
from alma_purge.web.progress import BEFORE_REVIEW, after_review, first_failed, steps
from alma_purge.web.standing import Stage
from patron_purge.decision import DecisionState, Person
from patron_purge.errors import RunFileError
from patron_purge.history import HistoryEntry, before
from patron_purge.review_model import Review

router = APIRouter()
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReviewAnswer(BaseModel):
    """What a program needs to answer the approval.

    Attributes:
        count: People on the list.
        code: The code to type; empty when nobody is left on the list.
        digest: Digest of the purge.
        decision_state: Where the approval stands; None before anybody was asked.
    """

    count: int
    code: str
    digest: str
    decision_state: DecisionState | None


@router.get("/review")
def review(
    request: Request, run: OpenedRunDep, person: PersonDep, query: Annotated[PeopleQuery, Query()]
) -> HTMLResponse:
    """Show the review and its list."""
    return _review_page(request, run, person, query)


@router.post("/review")
def search(
    request: Request, run: OpenedRunDep, person: PersonDep, query: Annotated[PeopleQuery, Form()]
) -> HTMLResponse:
    """Show the review with the people whom a person searched for.

    A search is posted, because addresses are written to access logs and a searched name must not be.
    """
    return _review_page(request, run, person, query)


@router.get("/api/review")
def review_data(run: OpenedRunDep) -> ReviewAnswer:
    """Return count and code as on the page."""
    loaded = load_review(run)
    if loaded is None or loaded.standing.stage is Stage.STOPPED:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no review to answer in this run.")
    return ReviewAnswer(
        count=loaded.review.count,
        code="" if loaded.standing.stage is Stage.EMPTY else loaded.review.code,
        digest=loaded.review.digest,
        decision_state=None if loaded.decision is None else loaded.decision.state,
    )


@router.get("/workbook")
def workbook(run: OpenedRunDep) -> Response:
    """Send the workbook."""
    name = f"purge-review-{run.institution.code}-{run_folder_name(run.run_id)}.xlsx"
    return Response(
        _required(run, files.WORKBOOK),
        media_type=_XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/certificate")
def certificate(run: OpenedRunDep) -> HTMLResponse:
    """Show the certificate."""
    return HTMLResponse(_required(run, files.CERTIFICATE_PAGE), headers={POLICY: CERTIFICATE_POLICY})


@router.get("/style.css")
def style() -> Response:
    """Send the style sheet."""
    return Response(STYLE, media_type="text/css")


def _required(run: OpenedRun, name: str) -> bytes:
    content = run.file(name)
    if content is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"This run has written no {name} yet.")
    return content


def _review_page(request: Request, run: OpenedRun, person: Person, query: PeopleQuery) -> HTMLResponse:
    loaded = load_review(run)
    if loaded is None:
        before = steps(BEFORE_REVIEW, run.records)
        return run_page("preparing.html", request, run, {"steps": before, "failed": first_failed(before)})
    people = load_people(run, loaded)
    news = None if people is None else news_of(run, loaded, people)
    past = _past_runs(run)
    return run_page(
        "review.html",
        request,
        run,
        {
            "offers": offers(run, loaded, person),
            "review": loaded.review,
            "decision": loaded.decision,
            "standing": loaded.standing,
            "steps": steps(after_review(run.institution.engine), run.records),
            "query": query,
            "people": None if people is None or news is None else people.page(query, news),
            "news": news,
            "others": 0 if people is None else people.count(View.OTHERS),
            "names": GroupNames(loaded.review.group_names),
            "charts": _charts(loaded.review),
            "past": past,
            "past_chart": runs_chart(past, run.institution.zone),
            "has_workbook": run.checksum(files.WORKBOOK) is not None,
            "has_certificate": run.checksum(files.CERTIFICATE_PAGE) is not None,
        },
    )


def _past_runs(run: OpenedRun) -> tuple[HistoryEntry, ...]:
    """Return the runs before this one; a history that can't be read is missed on its own page, not here."""
    try:
        return before(read_history(run.institution.code), run.run_id)
    except RunFileError:
        return ()


def _charts(review: Review) -> tuple[BarChart, ...]:
    groups = [(group.description or group.code, group.count) for group in review.by_group if group.count]
    return (
        bar_chart("groups", "People on the list by user group", groups, rest="other groups"),
        bar_chart(
            "expiry",
            "When the accounts on the list expired",
            [(band.label, band.count) for band in review.by_expiry],
        ),
    )
