"""Makes sure that a form was sent from these pages, by the person to whom it was shown.

Airflow's login travels with every request of the browser, so another site could send a form in a person's name.
"""

from typing import Final
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.configuration import conf
from fastapi import Request
from itsdangerous import BadData, URLSafeTimedSerializer

from alma_purge.web.opened_run import OpenedRun
from alma_purge.web.refused_action import ActionRefusedError
from patron_purge.decision import Person

_VALID_SECONDS: Final = 12 * 60 * 60


def form_token(run: OpenedRun, person: Person) -> str:
    """Return the token that a form carries.

    Args:
        run: The run that the form is about.
        person: To whom the form is shown.
    """
    return _serializer().dumps([person.id, run.dag_id, run.run_id])


def require_own_form(request: Request, run: OpenedRun, person: Person, token: str) -> None:
    """Refuse a form that does not come from these pages.

    Args:
        request: The request.
        run: The run that the address names.
        person: Who is logged in.
        token: The token of the form.

    Raises:
        ActionRefusedError: 403, it was sent from another site, by another person, or for another run, or it is old.
    """
    if not _same_origin(request):
        raise ActionRefusedError(403, "This form was not sent from the review page, so nothing was changed.")
    try:
        shown_for = _serializer().loads(token, max_age=_VALID_SECONDS)
    except BadData:
        shown_for = None
    if shown_for != [person.id, run.dag_id, run.run_id]:
        raise ActionRefusedError(
            403, "This form is too old, or it was not made for you. Nothing was changed; open the page again."
        )


def _same_origin(request: Request) -> bool:
    """Ask the browser where the form was sent from; a browser without an answer is not trusted."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    # Behind a proxy the address in the browser may be known from Airflow's settings only.
    base_url = urlsplit(conf.get("api", "base_url", fallback="") or "").netloc
    return bool(origin) and origin in {request.headers.get("host", ""), base_url}


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_signing_key("api", "secret_key"), salt="alma-purge form")
