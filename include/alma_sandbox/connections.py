"""Open client connections, so that a fault can cut one off."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_LET_IT_ARRIVE = 0.05

_open: dict[tuple[str, int], asyncio.Transport] = {}


class TrackedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, remembering each connection while it is open."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        super().connection_made(transport)
        if self.client:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self.client:
            _open.pop(self.client, None)
        super().connection_lost(exc)


def cut(client: tuple[str, int]) -> None:
    """Reset a client's connection without another byte."""
    transport = _open.get(client)
    if transport is None or transport.is_closing():
        return
    plain = transport.get_extra_info("socket")
    if plain is not None:
        # Lingering for zero seconds turns the close into a TCP reset.
        cast("socket.socket", plain).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BrokenOff(Response):
    """An answer that announces its whole length, sends half of it, and resets the connection.

    Args:
        answer: The whole answer.
        client: The client to cut off.
    """

    def __init__(self, answer: Response, client: tuple[str, int]) -> None:
        super().__init__(answer.body, answer.status_code, dict(answer.headers))
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half, let it arrive, and cut."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: max(len(self.body) // 2, 1)]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(_LET_IT_ARRIVE)
        cut(self._client)
