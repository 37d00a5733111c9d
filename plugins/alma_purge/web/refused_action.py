"""An action that is not done, with the reason for the person who asked for it."""

from fastapi import FastAPI, HTTPException, Request, Response

from alma_purge.web.pages import message_page


class ActionRefusedError(HTTPException):
    """Something was asked for that can't be done; nothing was changed."""


def add_action_refusals(app: FastAPI) -> None:
    """Make an app say in full why an action was refused.

    Args:
        app: The app.
    """

    @app.exception_handler(ActionRefusedError)
    def refused(request: Request, error: ActionRefusedError) -> Response:
        return message_page(request, "This was not done", str(error.detail), error.status_code, ["review"])
