"""Pages that say why there is nothing to see."""

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alma_purge.web.deleted_files import FileDeletedError
from alma_purge.web.pages import message_page
from patron_purge.errors import ConfigurationError, RunFileError

API_PATH: Final = "/api/"
_HEADLINES: Final = {
    HTTPStatus.UNAUTHORIZED: "You are not logged in",
    HTTPStatus.FORBIDDEN: "You have no access to this page",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.GONE: "This was deleted as planned",
}
_TEXTS: Final = {
    HTTPStatus.UNAUTHORIZED: "Log in to Airflow, then open this page again from the DAG run.",
    HTTPStatus.FORBIDDEN: "Your Airflow account may not read the data of this DAG. Ask your Airflow administrator.",
}


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
        return _answer(
            request,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The filter in the address is not one of this page's. Go back.",
        )

    @app.exception_handler(ConfigurationError)
    def no_institution(request: Request, error: ConfigurationError) -> Response:
        return _answer(request, HTTPStatus.NOT_FOUND, str(error))

    @app.exception_handler(FileDeletedError)
    def deleted(request: Request, error: FileDeletedError) -> Response:
        return _answer(request, HTTPStatus.GONE, str(error))

    @app.exception_handler(RunFileError)
    def wrong_file(request: Request, error: RunFileError) -> Response:
        return _answer(request, HTTPStatus.CONFLICT, str(error))


def _answer(request: Request, status: HTTPStatus, text: str) -> Response:
    if API_PATH in request.url.path:
        return JSONResponse({"detail": text}, status)
    dag_ids = request.query_params.getlist("dag_id")
    headline = _HEADLINES.get(status, "This can't be shown")
    certificate = f"certificate?{request.url.query}" if status is HTTPStatus.GONE else ""
    return message_page(headline, text, status, dag_ids[0] if len(dag_ids) == 1 else "", certificate)
