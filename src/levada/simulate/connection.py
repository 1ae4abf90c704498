"""The connection under an ASGI request, for faults that HTTP has no words for: closing it midway, resetting it."""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

__all__ = ["EXTENSION", "close", "is_gone", "reset"]

#: ASGI extension under which `protocol` hands over the connection: {"transport": asyncio.Transport}.
EXTENSION: Final = "levada.connection"


def is_gone(scope: "Scope") -> bool:
    """Whether the client has left, so that nothing that is sent arrives."""
    return _transport(scope).is_closing()


async def close(scope: "Scope", receive: "Receive") -> None:
    """Send what was written so far, then close, whatever the answer still lacks."""
    _transport(scope).close()
    await _closed(receive)


async def reset(scope: "Scope", receive: "Receive") -> None:
    """Close with TCP RST, as a server does that dies: SO_LINGER of zero seconds drops what was not sent."""
    transport = _transport(scope)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _closed(receive)


async def _closed(receive: "Receive") -> None:
    # uvicorn complains about answers without an end, but not once it knows that the connection is closed.
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(scope: "Scope") -> asyncio.Transport:
    transport: asyncio.Transport = scope["extensions"][EXTENSION]["transport"]
    return transport
