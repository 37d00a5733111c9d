"""The web application: the Alma API under /almaws/v1, the control API under /control, a page at /."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alma_sandbox import connections
from alma_sandbox.control.routes import control_router
from alma_sandbox.control.service import Control
from alma_sandbox.rest import analytics, codes, jobs, sets, users
from alma_sandbox.rest.gateway import Answer, Gateway
from alma_sandbox.rest.wire import Call, Route
from alma_sandbox.stage import Stage

PREFIX = "/almaws/v1"
# Fixed paths first: /users/operation/test would otherwise be a user's sub-resource.
ROUTES = [*codes.ROUTES, *analytics.ROUTES, *sets.ROUTES, *jobs.ROUTES, *users.ROUTES]
FAKES = Path(__file__).with_name("FAKES.md")

Endpoint = Callable[[Request], Awaitable[Response]]


class RawPath:
    """Routes on the path as sent, so that an id may hold an encoded slash.

    Args:
        app: The application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with the undecoded path."""
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = scope["raw_path"].decode("ascii")
        await self._app(scope, receive, send)


def build_app(stage: Stage, control: Control) -> FastAPI:
    """Build the application.

    Args:
        stage: The stage with the tenant.
        control: What the control API does.
    """
    app = FastAPI(title="Alma sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    gateway = Gateway(stage)
    for route in ROUTES:
        app.add_api_route(
            PREFIX + route.path.replace("{0}", "{p0}").replace("{1}", "{p1}"),
            _endpoint(gateway, route),
            methods=[route.method],
            response_model=None,
        )
    app.add_api_route(
        PREFIX + "/{rest:path}",
        _endpoint(gateway, None),
        methods=["GET", "POST", "PUT", "DELETE"],
        response_model=None,
    )
    app.include_router(control_router(control))

    @app.get("/")
    async def page() -> PlainTextResponse:
        return PlainTextResponse(FAKES.read_text(encoding="utf-8"), media_type="text/markdown; charset=utf-8")

    app.add_middleware(RawPath)
    return app


def _endpoint(gateway: Gateway, route: Route | None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        call = Call(
            request.method,
            request.url.path,
            tuple(
                unquote(str(value)) for name, value in sorted(request.path_params.items()) if name != "rest"
            ),
            dict(request.query_params),
            request.headers.get("accept", ""),
            request.headers.get("content-type", ""),
            await request.body(),
        )
        answer = gateway.run(call, route, _key(request), _target(request))
        return await _send(request, answer)

    return endpoint


async def _send(request: Request, answer: Answer) -> Response:
    if answer.delay:
        await _wait(request, answer.delay)
    if answer.cut and request.client is not None:
        connections.cut((request.client.host, request.client.port))
    headers = answer.headers | {"Content-Type": answer.media_type}
    response = Response(answer.content, answer.status, headers)
    if answer.broken_off and request.client is not None:
        return connections.BrokenOff(response, (request.client.host, request.client.port))
    return response


async def _wait(request: Request, seconds: float) -> None:
    ends = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends and not await request.is_disconnected():
        await asyncio.sleep(min(0.05, seconds))


def _key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "apikey":
        return key.strip()
    return request.query_params.get("apikey", "")


def _target(request: Request) -> str:
    query = "&".join(f"{name}={value}" for name, value in request.query_params.items() if name != "apikey")
    return f"{request.url.path}?{query}" if query else request.url.path
