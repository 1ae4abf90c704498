"""A Wire without a network: a function says what each call gets. For tests of sources, yours too.

def script(call: Call, attempt: int) -> Reply:
    return Reply(answer(200, b"[1, 2]") if "page=1" in call.url else answer(404, b"no such page"))

edges = Edges(clock=FixedClock(), network=lambda: ScriptedWire(script))
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from levada.edges import Answer, Call, WireFault

__all__ = ["Reply", "ScriptedWire", "answer"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call gets: an answer or a fault, after so many turns of the event loop; None: nothing, ever.

    `beside`: not before so many calls, itself counted, were under way at once.
    """

    outcome: Answer | WireFault | None
    turns: int = 0
    beside: int = 0


#: (call, attempt from 1 for this URL) -> reply
Script = Callable[[Call, int], Reply]


class ScriptedWire:
    """A Wire that asks `script`. `asked` lists the URLs in order; `most` is how many were under way at once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._attempts: Counter[str] = Counter()
        self.asked: list[str] = []
        self.under_way = 0
        self.most = 0
        self.open = False
        self._more = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self.open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False

    async def send(self, call: Call) -> Answer:
        """What the script says."""
        self.asked.append(call.url)
        self._attempts[call.url] += 1
        reply = self._script(call, self._attempts[call.url])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self._company(reply.beside)
            return await _deliver(reply)
        finally:
            self.under_way -= 1

    async def _company(self, most: int) -> None:
        async with self._more:
            self._more.notify_all()
            await self._more.wait_for(lambda: self.most >= most)


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, url: str = "") -> Answer:
    """An Answer, for scripts; header names are folded to lower case."""
    folded = {name.lower(): value for name, value in (headers or {}).items()}
    return Answer(status=status, headers=folded, body=body, url=url)


async def _deliver(reply: Reply) -> Answer:
    for _ in range(reply.turns):
        await asyncio.sleep(0)
    while reply.outcome is None:
        await asyncio.Event().wait()
    if isinstance(reply.outcome, WireFault):
        raise reply.outcome
    return reply.outcome
