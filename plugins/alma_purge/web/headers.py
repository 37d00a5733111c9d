"""The headers with which browsers keep these pages to themselves."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request, Response

POLICY: Final = "Content-Security-Policy"
_SHARED = "default-src 'none'; base-uri 'none'; frame-ancestors 'self'"
_PAGE_POLICY: Final = f"{_SHARED}; style-src 'self'; form-action 'self'"
# The certificate is one file that people keep and print, so its style stands inside it.
CERTIFICATE_POLICY: Final = f"{_SHARED}; style-src 'unsafe-inline'; form-action 'none'"
_HEADERS: Final = {
    POLICY: _PAGE_POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would also hide where a form was sent from, which the forms must know.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add the headers to every answer.

    The answer to an error that nothing foresaw is made outside of this function and brings them along.

    Args:
        request: The request.
        call_next: The rest of the app.
    """
    return with_headers(await call_next(request))


def with_headers(response: Response) -> Response:
    """Put the headers on an answer that has none of its own.

    Args:
        response: The answer.
    """
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
