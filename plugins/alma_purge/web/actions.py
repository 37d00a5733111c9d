"""What an approver does on the review page: take people off the list, and say that a job is not in Alma."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alma_purge import files
from alma_purge.web.actor import ApproverDep
from alma_purge.web.address import query_of
from alma_purge.web.form_token import form_token, require_own_form
from alma_purge.web.list_now import rest_now
from alma_purge.web.loaded_review import LoadedReview, load_review
from alma_purge.web.offers import may_take_off, unclear_jobs
from alma_purge.web.opened_run import OpenedRun, OpenedRunDep
from alma_purge.web.pages import run_page
from alma_purge.web.refused_action import ActionRefusedError
from patron_purge.errors import RunFileError
from patron_purge.looked import Looked, Seen
from patron_purge.states import RowState
from patron_purge.taken_off import LONGEST_REASON, TakenOff

router = APIRouter()
_NOT_OPEN = (
    "People can be taken off only while the approval is waited for and nothing was sent to Alma. "
    "Nothing was changed."
)


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True)

    token: Annotated[str, Field(max_length=1000)] = ""


class TakeOffForm(_Form):
    """The form with which a person is taken off.

    Attributes:
        token: The form's token.
        row: Row of the person in the report.
        prepared: Digest of the list as it was prepared, to which the row belongs.
        reason: Why.
    """

    row: Annotated[int, Field(ge=1)]
    prepared: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)] = ""


class LookedForm(_Form):
    """The form with which somebody says that a job is not in Alma, or has ended there.

    Attributes:
        token: The form's token.
        attempt: Which start of the job.
        typed: Name of the job, as it was typed.
        expected: Name of the job that the form was shown for.
        seen: What the person found in Alma.
        comment: What the person adds.
    """

    attempt: int
    expected: Annotated[str, Field(max_length=300)]
    typed: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = ""
    seen: Seen
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON)] = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A person on the list, as the page shows the person.

    Attributes:
        row: Row in the report.
        primary_id: Primary id.
        name: Last name, first name.
        group: User group.
        purge_date: `YYYY-MM-DD`.
    """

    row: int
    primary_id: str
    name: str
    group: str
    purge_date: str


@router.get("/take-off")
def ask_to_take_off(
    request: Request, run: OpenedRunDep, person: ApproverDep, row: Annotated[int, Query(ge=1)]
) -> HTMLResponse:
    """Show whom the approver is about to take off, before it is done for good."""
    loaded = _open_review(run)
    listed = _listed(run, loaded, row)
    return _confirm_page(request, run, loaded, listed, {"token": form_token(run, person), "why": ""})


@router.post("/take-off")
def take_off(
    request: Request, run: OpenedRunDep, person: ApproverDep, form: Annotated[TakeOffForm, Form()]
) -> Response:
    """Take somebody off the list."""
    require_own_form(request, run, person, form.token)
    loaded = _open_review(run)
    if form.prepared != loaded.prepared_digest:
        raise ActionRefusedError(
            409, "The list was made again since this page was opened. Nothing was changed."
        )
    listed = _listed(run, loaded, form.row)
    if not 0 < len(form.reason) <= LONGEST_REASON:
        why = f"Give a reason of 1 to {LONGEST_REASON} characters."
        return _confirm_page(request, run, loaded, listed, {"token": form_token(run, person), "why": why})
    if loaded.review.count == 1:
        raise ActionRefusedError(
            409,
            "This is the last person on the list. To keep everybody, choose Reject in the form of the task "
            "approve_purge. Nothing was changed.",
        )
    entry = TakenOff(primary_id=listed.primary_id, by=person, at=datetime.now(UTC), reason=form.reason)
    run.folder.append(files.TAKEN_OFF_ENTRY, entry.to_bytes())
    _require_still_open(run)
    return RedirectResponse(f"review?{query_of(run)}#taken-off", 303)


@router.post("/looked")
def looked(
    request: Request, run: OpenedRunDep, person: ApproverDep, form: Annotated[LookedForm, Form()]
) -> Response:
    """Write down what somebody saw in Alma of a job whose start was unclear."""
    require_own_form(request, run, person, form.token)
    start = (form.expected, form.attempt)
    job = next((one for one in unclear_jobs(run) if (one.record.job_name, one.record.attempt) == start), None)
    if job is None or job.looked is not None:
        raise ActionRefusedError(
            409, "This job is not waited for any more. Nothing was changed; open the page again."
        )
    if not job.is_due:
        raise ActionRefusedError(
            409, "It is too early: the job may still appear in Alma. Look again 15 minutes after its start."
        )
    if form.typed != job.record.job_name:
        raise ActionRefusedError(
            422,
            "What you typed is not the name of the job. Copy the name from the review page into Alma's Monitor Jobs "
            "page, look for it, and type it again. Nothing was changed.",
        )
    entry = Looked(
        job_name=job.record.job_name,
        attempt=job.record.attempt,
        by=person,
        at=datetime.now(UTC),
        seen=form.seen,
        comment=form.comment,
    )
    run.folder.append(files.LOOKED_ENTRY, entry.to_bytes())
    return RedirectResponse(f"review?{query_of(run)}#looked", 303)


def _open_review(run: OpenedRun) -> LoadedReview:
    loaded = load_review(run)
    if loaded is None or not may_take_off(run, loaded):
        raise ActionRefusedError(409, _NOT_OPEN)
    return loaded


def _require_still_open(run: OpenedRun) -> None:
    """Say so when the list was answered in the same moment; then nothing is sent as it was approved."""
    try:
        loaded = load_review(run)
    except RunFileError:  # the decision was written since this request began
        loaded = None
    if loaded is None or not may_take_off(run, loaded):
        raise ActionRefusedError(
            409,
            "The approval was answered in the same moment, maybe about the list as it was before. Your entry is on "
            "file, and regroup_users refuses a list that differs from the approved one. Look at the run in Airflow "
            "now: if this person was approved all the same, clear approve_purge with everything after it.",
        )


def _listed(run: OpenedRun, loaded: LoadedReview, row: int) -> Listed:
    """Find a person who is still on the list."""
    ledger = rest_now(run, loaded.prepared_digest, loaded.taken_off).ledger
    found = ledger.loc[(ledger["row"] == row) & (ledger["state"] == RowState.TO_PURGE.value)]
    if len(found) != 1:
        raise ActionRefusedError(409, "This person is not on the list any more. Nothing was changed.")
    cells = {str(name): str(value) for name, value in found.iloc[0].items()}
    return Listed(
        row=row,
        primary_id=cells["primary_id"],
        name=", ".join(part for part in (cells["last_name"], cells["first_name"]) if part),
        group=cells["original_group"],
        purge_date=cells["purge_date"],
    )


def _confirm_page(
    request: Request, run: OpenedRun, loaded: LoadedReview, listed: Listed, shown: Mapping[str, object]
) -> HTMLResponse:
    values = {
        "listed": listed,
        "review": loaded.review,
        "prepared": loaded.prepared_digest,
        "longest": LONGEST_REASON,
        **shown,
    }
    return run_page("take_off.html", request, run, values)
