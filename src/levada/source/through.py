"""A wire around a wire: what it opens and closes is the inner one's, what it sends goes through a function."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

from levada.edges import Answer, Call, Edges, Wire

__all__ = ["Send", "Through", "network_of"]

Send: TypeAlias = Callable[[Call], Awaitable[Answer]]


def network_of(edges: Edges) -> Callable[[], Wire]:
    """What makes the Wire of a run: that of the edges, else HTTP."""
    return edges.network or _http


def _http() -> Wire:
    from levada.source.fetch import HttpWire

    return HttpWire()


class Through:
    """A Wire whose calls go through `send`, which is given the call and how the inner wire sends it."""

    def __init__(self, wire: Wire, send: Callable[[Call, Send], Awaitable[Answer]]) -> None:
        self._wire = wire
        self._send = send

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    async def send(self, call: Call) -> Answer:
        """What `send` makes of it."""
        return await self._send(call, self._wire.send)
