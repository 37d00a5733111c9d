"""The app that Airflow's API server mounts for the review pages."""

from fastapi import Depends, FastAPI

from alma_purge.web.actions import router as actions
from alma_purge.web.address import URL_PREFIX
from alma_purge.web.guard import require_access
from alma_purge.web.headers import add_headers
from alma_purge.web.history_page import router as history_router
from alma_purge.web.person_page import router as person_router
from alma_purge.web.refusals import add_refusals
from alma_purge.web.refused_action import add_action_refusals
from alma_purge.web.routes import router

__all__ = ["URL_PREFIX", "review_app"]


def review_app() -> FastAPI:
    """Build the app; every route, present or future, is closed to whoever may not read the DAG's data."""
    app = FastAPI(
        title="User purge review",
        dependencies=[Depends(require_access)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.middleware("http")(add_headers)
    add_refusals(app)
    add_action_refusals(app)
    for each in (router, person_router, history_router, actions):
        app.include_router(each)
    return app
