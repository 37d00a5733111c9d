"""Open client connections, so that a fault can cut one off."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

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
