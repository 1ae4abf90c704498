"""Pages under way: those asked for before the order reaches them, and the one that the order waits for.

Lives on the reader's thread. The result is the one that asking page after page gives: what came ahead is only looked
at to decide whether to go on asking ahead; failures wait, as first attempts, until the order reaches them.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime

from levada.edges import Answer, WireFault
from levada.nouns import Page
from levada.source.courier import Courier
from levada.source.events import Asked, Event
from levada.source.judge import judge
from levada.source.paginate import Position, guess, window
from levada.source.request import Plan, build
from levada.source.trouble import Trouble, from_fault

__all__ = ["Ahead", "Came"]


@dataclass(frozen=True, slots=True)
class Came:
    """What one attempt brought."""

    position: Position
    attempt: int
    result: Page | Trouble
    #: None where no complete answer came.
    answer: Answer | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _UnderWay:
    position: Position
    attempt: int
    url: str
    future: Future[tuple[Answer, datetime]]


class Ahead:
    """The window over the pages, from the lowest that was not handed on."""

    def __init__(self, plan: Plan, courier: Courier, observe: Callable[[Event], None]) -> None:
        self._plan = plan
        self._courier = courier
        self._observe = observe
        self._under_way: dict[int, _UnderWay] = {}
        self._came: dict[int, Came] = {}
        self._received = 0

    def take(self, position: Position) -> Came:
        """What the first attempt at `position`, the lowest page not handed on, brought; waits for it."""
        while position.number not in self._came:
            self.fill(position)
            if position.number in self._under_way:  # else filling has found its answer, and the others may take long
                wait([asked.future for asked in self._under_way.values()], return_when=FIRST_COMPLETED)
                self._gather()
        return self._came.pop(position.number)

    def again(self, position: Position, attempt: int) -> Came:
        """What a further attempt brought; nothing is asked ahead meanwhile."""
        self._ask(position, attempt)
        return self._settle(self._under_way.pop(position.number))

    def fill(self, lowest: Position) -> None:
        """Ask for the pages of the window that begins at `lowest`, as far as nothing speaks against it."""
        limits, paging = self._plan.source.limits, self._plan.stream.paging
        self._gather()
        for ahead in range(window(limits.concurrency if paging.ahead else 1, self._received)):
            position = guess(paging, lowest, ahead)
            if position is None or (ahead and self._must_stop()):
                return
            if position.number not in self._under_way and position.number not in self._came:
                self._ask(position, 1)

    def _must_stop(self) -> bool:
        """Whether a failure waits for its turn, or the end of the pages is in sight."""
        return any(isinstance(came.result, Trouble) or _ends(came.result) for came in self._came.values())

    def _ask(self, position: Position, attempt: int) -> None:
        call = build(self._plan, position)
        self._observe(Asked(position.number, attempt))
        self._under_way[position.number] = _UnderWay(position, attempt, call.url, self._courier.ask(call))

    def _gather(self) -> None:
        for number in sorted(self._under_way):
            if number in self._under_way and self._under_way[number].future.done():
                came = self._came[number] = self._settle(self._under_way.pop(number))
                if isinstance(came.result, Page) and _ends(came.result):
                    self._cancel_beyond(number)

    def _cancel_beyond(self, number: int) -> None:
        for beyond in [other for other in self._under_way if other > number]:
            self._under_way.pop(beyond).future.cancel()

    def _settle(self, asked: _UnderWay) -> Came:
        try:
            answer, at = asked.future.result()
        except WireFault as fault:
            return Came(asked.position, asked.attempt, from_fault(self._plan, fault))
        result = judge(self._plan, asked.position, asked.url, answer, at)
        self._received += isinstance(result, Page)
        return Came(asked.position, asked.attempt, result, answer, at)


def _ends(page: Page) -> bool:
    return page.facts.means != "page"
