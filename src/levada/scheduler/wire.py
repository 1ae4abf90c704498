"""A wire on which nobody waits for ever: once it is time to end, an answer that is under way has some seconds left."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from levada.edges import Answer, Call, Wire

__all__ = ["Leaving"]

#: Seconds between two looks at whether it is time to end.
_LOOK = 0.25


class Leaving:
    """A Wire that passes on, and gives up.

    Args:
        wire: What carries the calls.
        is_over: Whether it is time to end.
        patience: Seconds that an answer has from then on.
        end: What is raised in place of one that does not come.
    """

    def __init__(
        self, wire: Wire, is_over: Callable[[], bool], patience: float, end: Callable[[], BaseException]
    ) -> None:
        self._wire = wire
        self._is_over = is_over
        self._patience = patience
        self._end = end

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    async def send(self, call: Call) -> Answer:
        """What the wire gives; raises `end` where that takes too long."""
        under_way = asyncio.ensure_future(self._wire.send(call))
        left = self._patience
        try:
            while not (await asyncio.wait({under_way}, timeout=_LOOK))[0]:
                left -= _LOOK * self._is_over()
                if left <= 0:
                    raise self._end()
            return under_way.result()
        finally:
            under_way.cancel()
            await asyncio.wait({under_way})
