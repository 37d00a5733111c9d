"""The page that says why one person is on or off the list."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, status
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from alma_purge import files
from alma_purge.documents import ExclusionManifest
from alma_purge.web.explanation import Basis, Explanation, explain
from alma_purge.web.group_names import GroupNames
from alma_purge.web.loaded_people import load_people
from alma_purge.web.loaded_review import LoadedReview, load_review
from alma_purge.web.opened_run import OpenedRun, OpenedRunDep
from alma_purge.web.pages import run_page
from alma_purge.web.people_query import PeopleQuery
from patron_purge.errors import InputRefusedError, RunFileError
from patron_purge.exclusion_place import exclusion_places
from patron_purge.exclusion_rows import PersonName
from patron_purge.states import Reason

router = APIRouter()
_FILE_REASONS = frozenset({Reason.IN_EXCLUSION_FILE, Reason.NAME_IN_EXCLUSION_FILE})


class PersonQuery(PeopleQuery):
    """Which person, and to which place in the list the page leads back.

    Attributes:
        row: Row of the report; 0 to look for the primary id.
        primary_id: The whole primary id as typed.
    """

    row: Annotated[int, Field(ge=0)] = 0
    primary_id: Annotated[str, Field(max_length=200)] = ""


class ExplainedRow(BaseModel):
    """One row of the report with its explanation.

    Attributes:
        cells: The row of the ledger.
        group: User group in words.
        explanation: Why it is on or off the list.
        where: In which rows of the exclusion file the person stands; empty when no file held the person back.
    """

    cells: dict[str, str]
    group: str
    explanation: Explanation
    where: str


@router.post("/person")
def person(request: Request, run: OpenedRunDep, query: Annotated[PersonQuery, Form()]) -> HTMLResponse:
    """Show why a person is on or off the list.

    The question is posted, because addresses are written to access logs and an id must not be.
    """
    loaded = load_review(run)
    people = None if loaded is None else load_people(run, loaded)
    if loaded is None or people is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "This run has no list of people yet.")
    found = people.rows_of(row=query.row, primary_id=query.primary_id)
    values = {
        "review": loaded.review,
        "query": query,
        "asked": query.primary_id,
        "rows": [_explained(run, loaded, cells) for cells in found],
    }
    return run_page("person.html", request, run, values)


def _explained(run: OpenedRun, loaded: LoadedReview, cells: dict[str, str]) -> ExplainedRow:
    names = GroupNames(loaded.review.group_names)
    group = names.label(names.code(cells["original_group"] or cells["report_group"]))
    rules = loaded.review.rules
    today = loaded.review.created_at.astimezone(run.institution.zone).date()
    basis = None if rules is None else Basis(rules, today, names.label(loaded.review.marker_group))
    return ExplainedRow(
        cells=cells,
        group=group,
        explanation=explain({**cells, "group": group}, basis),
        where=_where(run, cells),
    )


def _where(run: OpenedRun, cells: dict[str, str]) -> str:
    """Say in which row of an exclusion file a person stands."""
    if cells["reason"] not in _FILE_REASONS:
        return ""
    gone = f"The file is {cells['detail']}. It is no longer on file here, so its row can't be named."
    try:
        manifest = run.document(files.EXCLUSIONS, ExclusionManifest)
        fetched = [one for one in manifest.files if one.remote_name == cells["detail"]] if manifest else []
        content = run.file(fetched[0].stored_name) if fetched else None
        if content is None:
            return gone
        places = exclusion_places(
            content,
            file_name=cells["detail"],
            id_headings=run.institution.exclusion_id_headings,
            primary_id=cells["primary_id"],
            name=PersonName(cells["first_name"], cells["last_name"]),
        )
    except (RunFileError, InputRefusedError):
        return gone
    if not places:
        return (
            f"The file is {cells['detail']}. It does not list this primary id, but another identifier of the same "
            "person in Alma, such as a barcode."
        )
    rows = "; ".join(f"sheet {place.sheet}, row {place.row}" for place in places)
    how = " The row has no id, so everybody of this name is kept." if places[0].by_name else ""
    return f"Look it up in {cells['detail']}: {rows}.{how}"
