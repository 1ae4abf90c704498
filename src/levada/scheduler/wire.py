"""Calls that nobody waits for for ever: once it is time to end, an answer that is under way has some seconds left."""

import asyncio
from collections.abc import Awaitable, Callable

from levada.edges import Answer, Call
from levada.source.through import Send

__all__ = ["giving_up"]

#: Seconds between two looks at whether it is time to end.
_LOOK = 0.25


def giving_up(
    is_over: Callable[[], bool], patience: float, end: Callable[[], BaseException]
) -> Callable[[Call, Send], Awaitable[Answer]]:
    """What a wire sends its calls through.

    Args:
        is_over: Whether it is time to end.
        patience: Seconds that an answer has from then on.
        end: What is raised in place of one that does not come.
    """

    async def sent(call: Call, send: Send) -> Answer:
        under_way, left = asyncio.ensure_future(send(call)), patience
        try:
            while not (await asyncio.wait({under_way}, timeout=_LOOK))[0]:
                left -= _LOOK * is_over()
                if left <= 0:
                    raise end()
            return under_way.result()
        finally:
            under_way.cancel()
            await asyncio.wait({under_way})

    return sent
