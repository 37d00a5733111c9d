"""Pages that say why there is nothing to see."""

import logging
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alma_purge.web.deleted_files import FileDeletedError
from alma_purge.web.headers import with_headers
from alma_purge.web.pages import message_page
from patron_purge.errors import ConfigurationError, PurgeError

API_PATH: Final = "/api/"
_log = logging.getLogger(__name__)
_HEADLINES: Final = {
    HTTPStatus.UNAUTHORIZED: "You are not logged in",
    HTTPStatus.FORBIDDEN: "You have no access to this page",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.GONE: "This was deleted as planned",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}
_TEXTS: Final = {
    HTTPStatus.UNAUTHORIZED: "Log in to Airflow, then open this page again from the DAG run.",
    HTTPStatus.FORBIDDEN: "Your Airflow account may not read the data of this DAG. Ask your Airflow administrator.",
}
_ACTIONS: Final = ("/take-off", "/looked")
_WRONG_FORM: Final = (
    "The form was incomplete, or it held something that it can't take. Nothing was changed. Open the review again and "
    "fill it in once more."
)
_WRONG_FILTER: Final = "The filter in the address is not one of this page's. Nothing was changed."
_BROKEN_PAGE: Final = (
    "This page could not be made; the log of Airflow's API server says why. Nothing was changed. Open it again in a "
    "minute. If it stays so, tell your systems staff."
)
_BROKEN_ACTION: Final = (
    "The log of Airflow's API server says why. Nothing was sent to Alma. Open the review again: it shows whether your "
    "entry was kept. If this stays so, tell your systems staff."
)


def add_refusals(app: FastAPI) -> None:
    """Make an app answer errors with a readable page, and its data route with JSON.

    Args:
        app: The app.
    """

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        return _answer(request, status, _TEXTS.get(status, str(error.detail)))

    @app.exception_handler(RequestValidationError)
    def not_understood(request: Request, error: RequestValidationError) -> Response:
        del error  # it repeats what was typed, which may be a name
        text = _WRONG_FORM if _is_action(request) else _WRONG_FILTER
        return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, text)

    @app.exception_handler(ConfigurationError)
    def no_institution(request: Request, error: ConfigurationError) -> Response:
        return _answer(request, HTTPStatus.NOT_FOUND, str(error))

    @app.exception_handler(FileDeletedError)
    def deleted(request: Request, error: FileDeletedError) -> Response:
        return _answer(request, HTTPStatus.GONE, str(error))

    @app.exception_handler(PurgeError)
    def stopped(request: Request, error: PurgeError) -> Response:
        return _answer(request, HTTPStatus.CONFLICT, str(error))

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> Response:
        # Not its text, which may quote a file with people in it.
        _log.error("%s %s has failed: %s", request.method, request.url.path, type(error).__qualname__)
        text = _BROKEN_ACTION if _is_action(request) else _BROKEN_PAGE
        return with_headers(_answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, text))


def _is_action(request: Request) -> bool:
    """Tell whether somebody has sent a form that changes something."""
    return request.method == "POST" and request.url.path.endswith(_ACTIONS)


def _answer(request: Request, status: HTTPStatus, text: str) -> Response:
    if API_PATH in request.url.path:
        return JSONResponse({"detail": text}, status)
    return message_page(
        request, _HEADLINES.get(status, "This can't be shown"), text, status, _leads_to(request, status)
    )


def _leads_to(request: Request, status: HTTPStatus) -> tuple[str, ...]:
    """Choose the links; a page that can't be shown does not lead to itself."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ()
    certificate = ("certificate",) if status is HTTPStatus.GONE else ()
    is_review = request.url.path.endswith("/review") and status is not HTTPStatus.UNPROCESSABLE_ENTITY
    return certificate if is_review else (*certificate, "review")
