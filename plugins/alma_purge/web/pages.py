"""Rendering the pages."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alma_purge.web import formats
from alma_purge.web.address import query_of, required_action
from alma_purge.web.opened_run import OpenedRun
from patron_purge.amounts import money, number
from patron_purge.institution import Institution

_HERE: Final = Path(__file__).parent
LINKS: Final = {"certificate": "Open the certificate", "review": "Back to the review"}
STYLE: Final = (_HERE / "static" / "style.css").read_text(encoding="utf-8")


def _environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=number,
        money=money,
        day=formats.day,
        age=formats.age,
        amount=formats.amount,
        change=formats.change,
        mode=formats.mode,
    )
    return templates


_TEMPLATES: Final = _environment()


def institution_page(
    name: str, request: Request, institution: Institution, dag_id: str, values: Mapping[str, object]
) -> HTMLResponse:
    """Render a page about an institution.

    Args:
        name: Name of the template.
        request: The request; it knows whether the page is shown in a tab of Airflow.
        institution: Its settings.
        dag_id: Id of its DAG.
        values: What this template shows besides.
    """
    shared = {
        "institution": institution,
        "dag_id": dag_id,
        # Inside Airflow's tab a link would open a second Airflow within the first.
        "in_tab": request.headers.get("sec-fetch-dest") == "iframe",
        "moment": formats.moment_in(institution.zone),
    }
    return HTMLResponse(_TEMPLATES.get_template(name).render({**shared, **values}))


def run_page(name: str, request: Request, run: OpenedRun, values: Mapping[str, object]) -> HTMLResponse:
    """Render a page about a run.

    Args:
        name: Name of the template.
        request: The request; it knows under which path Airflow is reached.
        run: The run.
        values: What this template shows besides.
    """
    about = {"run": run, "run_query": query_of(run), "required_action": required_action(request, run)}
    return institution_page(name, request, run.institution, run.dag_id, {**about, **values})


def message_page(
    request: Request, headline: str, text: str, status_code: int, leads_to: Collection[str] = ()
) -> HTMLResponse:
    """Render a page that says why there is nothing to see.

    Args:
        request: The request; its address names the DAG, under which the style sheet is served, and the run.
        headline: A few words.
        text: What is wrong and what to do.
        status_code: HTTP status.
        leads_to: The pages of the same run to which links lead, as in `LINKS`; inside Airflow's tab there is no
            other way back.
    """
    given = {name: request.query_params.getlist(name) for name in ("dag_id", "run_id")}
    about = {name: values[0] for name, values in given.items() if len(values) == 1}
    values = {
        "headline": headline,
        "text": text,
        "dag_id": about.get("dag_id", ""),
        # Without both ids there is no run to lead to.
        "links": {f"{page}?{urlencode(about)}": LINKS[page] for page in leads_to if len(about) == len(given)},
    }
    return HTMLResponse(_TEMPLATES.get_template("message.html").render(values), status_code)
