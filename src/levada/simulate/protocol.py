"""uvicorn's HTTP/1.1 protocol, handing its connection to the app: faults below HTTP need it."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

from levada.simulate.connection import EXTENSION

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["ConnectionProtocol"]


class ConnectionProtocol(H11Protocol):
    """H11Protocol whose requests carry the ASGI extension `connection.EXTENSION`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent does
        """Wrap the app for this connection."""
        super().connection_made(transport)
        self.app = _with(transport, self.app)


def _with(transport: asyncio.Transport, app: "ASGIApp") -> "ASGIApp":
    async def wrapped(scope: "Scope", receive: "Receive", send: "Send") -> None:
        extensions = {**scope.get("extensions", {}), EXTENSION: {"transport": transport}}
        # Cancelled means that the server stops and the connection is gone: uvicorn would report it as a bug of the app.
        with contextlib.suppress(asyncio.CancelledError):
            await app({**scope, "extensions": extensions}, receive, send)

    return wrapped
