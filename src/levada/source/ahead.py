"""Requests under way: for the pages whose turn it is, and for those asked before the order reaches them.

Lives on the reader's thread. The result is the one that asking page after page gives: what came ahead is only looked
at to decide whether to go on asking ahead; failures wait, as first attempts, until the order reaches them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from levada.edges import Answer, Call, Edges, WireFault
from levada.source.auth.signer import Ask
from levada.source.courier import Courier
from levada.source.events import Asked, Event
from levada.source.judge import Judged, judge
from levada.source.paginate import Position, Value, window
from levada.source.request import Plan, build
from levada.source.tokens import for_tokens
from levada.source.trouble import from_fault
from levada.source.walk import Came, Walk

__all__ = ["Ahead"]

#: Pages of later slices that may lie ready, for each request that may be under way: their turn comes slice by slice.
READY = 4


@dataclass(frozen=True, slots=True)
class _UnderWay:
    walk: Walk
    position: Position
    attempt: int
    call: Call
    future: Future[tuple[Answer, datetime]]
    #: As the limiter was told.
    sent: float


_Key: TypeAlias = tuple[int, Value]


class Ahead:
    """The slices that have begun, the first whose turn it is, and the requests under way for them."""

    def __init__(self, plan: Plan, courier: Courier, edges: Edges, observe: Callable[[Event], None]) -> None:
        self._plan = plan
        self._courier = courier
        self._clock = edges.clock
        self._observe = observe
        self._for_tokens = self._counted(for_tokens(plan, courier, edges, observe))
        #: Whether a token was asked for since the last request; the next one, which it is for, waits for its turn.
        self._fetched = False
        self._walks: deque[Walk] = deque()
        self._next = 0
        self._under_way: dict[_Key, _UnderWay] = {}
        self._received = 0

    def begin(self, walk: Walk) -> None:
        """Go on with a slice that an interrupted read had begun."""
        self._walks.append(walk)
        self._next = walk.part.index + 1

    @property
    def head(self) -> Walk | None:
        """The slice whose turn it is; None when all are through."""
        while self._walks and self._walks[0].finished:
            self._cancel(self._walks.popleft(), beyond=0)
        if not self._walks and self._next < len(self._plan.slices):
            self._start()
        return self._walks[0] if self._walks else None

    def fill(self) -> float:
        """Ask for the pages of the window, as far as nothing speaks against it; seconds until more may be asked."""
        self._gather()
        wide = self._wide()
        for walk, position in self._wishes(wide):
            if len(self._under_way) >= wide or self._loaded(wide):
                return 0.0
            if (delay := self._due()) > 0:
                return delay
            self._ask(walk, position, 1)
        return 0.0

    def due(self) -> float:
        """Seconds until the next request may go; 0: the limits let it, and what signs it is there."""
        self._gather()  # as long as nobody looks at what has come, it counts as under way
        return self._due()

    def close(self) -> None:
        """Nothing is waited for any more."""
        for _ in self._under_way:
            self._plan.limiter.lost()
        self._under_way.clear()

    def wait(self) -> None:
        """Until an answer has come."""
        wait([asked.future for asked in self._under_way.values()], return_when=FIRST_COMPLETED)
        self._gather()

    def awaits(self, walk: Walk) -> bool:
        """Whether the page whose turn it is in `walk` is under way."""
        return walk.position is not None and (walk.part.index, walk.position.value) in self._under_way

    def again(self, walk: Walk, position: Position, attempt: int) -> None:
        """Ask once more and wait for the answer; nothing is asked ahead meanwhile."""
        while len(self._under_way) >= self._wide():
            self.wait()
        self._ask(walk, position, attempt)
        walk.came[position.value] = self._settle(self._under_way.pop((walk.part.index, position.value)))
        self._digest(walk)

    def _start(self) -> Walk:
        walk = Walk(self._plan, self._plan.slices[self._next])
        self._next += 1
        self._walks.append(walk)
        return walk

    def _wide(self) -> int:
        """How many requests may be under way."""
        limits, paging = self._plan.source.limits, self._plan.stream.paging
        room = self._plan.limiter.room(limits.concurrency) if paging.ahead else 1
        return window(room, self._received)

    def _loaded(self, wide: int) -> bool:
        """Whether so much has come that is not handed on that no more may be asked for, but for the page in turn."""
        head = self._walks[0]
        mine = len(head.came) + len(head.ready)
        others = sum(len(walk.came) + len(walk.ready) for walk in self._walks) - mine
        if self._waits_for(head):
            return False
        return mine + others + len(self._under_way) >= wide if others == 0 else mine + others >= wide * READY

    def _waits_for(self, walk: Walk) -> bool:
        """Whether the page whose turn it is has not been asked for, and nothing is ready before it."""
        position = walk.position
        return bool(position and not walk.ready and position.value not in walk.came and not self.awaits(walk))

    def _wishes(self, wide: int) -> Iterator[tuple[Walk, Position]]:
        """What is worth asking for, most urgent first: each slice's page in turn, then what can be guessed."""
        for walk in list(self._walks):
            yield from self._in_turn(walk)
        while (
            self._plan.stream.paging.ahead and self._next < len(self._plan.slices) and len(self._walks) < READY * wide
        ):
            yield from self._in_turn(self._start())
        bold = self._next >= len(self._plan.slices)
        for walk in list(self._walks):
            if bold or walk.trail.total_rows is not None or walk.trail.total_pages is not None:
                yield from ((walk, each) for each in walk.wanted() if not self._known(walk, each))

    def _in_turn(self, walk: Walk) -> Iterator[tuple[Walk, Position]]:
        position = walk.position
        if position and not walk.broken and not self._known(walk, position):
            yield walk, position

    def _known(self, walk: Walk, position: Position) -> bool:
        return position.value in walk.came or (walk.part.index, position.value) in self._under_way

    def _due(self) -> float:
        if not self._fetched:
            if (delay := self._delay()) > 0:
                return delay
            self._plan.signer.ready(self._for_tokens, self._clock.now())
        return self._delay()

    def _delay(self) -> float:
        """Seconds until the limits let the next request go."""
        return self._plan.limiter.delay(self._clock.monotonic())

    def _counted(self, ask: Ask) -> Ask:
        def counted(call: Call, again: bool) -> Answer:
            self._fetched = True
            return ask(call, again)

        return counted

    def _ask(self, walk: Walk, position: Position, attempt: int) -> None:
        now = self._clock.now()
        self._fetched = False
        call = self._plan.signer.sign(build(self._plan, walk.part, position), now)
        self._observe(Asked(position.number, attempt))
        sent = self._clock.monotonic()
        self._plan.limiter.sent(sent)
        key = walk.part.index, position.value
        self._under_way[key] = _UnderWay(walk, position, attempt, call, self._courier.ask(call), sent)

    def _gather(self) -> None:
        for key, asked in sorted(self._under_way.items(), key=lambda each: (each[0][0], each[1].position.number)):
            if key in self._under_way and asked.future.done():
                came = self._settle(self._under_way.pop(key))
                walk = asked.walk
                walk.came[asked.position.value] = came
                if not came.goes_on and isinstance(came.result, Judged):
                    self._cancel(walk, beyond=asked.position.number)
                self._digest(walk)

    def _digest(self, walk: Walk) -> None:
        if not walk.digest() or walk.position is None:
            self._cancel(walk, beyond=0)  # the order goes another way than was guessed

    def _cancel(self, walk: Walk, *, beyond: int) -> None:
        """Give up requests of a slice; an answer that comes all the same is not looked at."""
        for key, asked in list(self._under_way.items()):
            if asked.walk is walk and asked.position.number > beyond:
                self._under_way.pop(key).future.cancel()
                self._plan.limiter.lost()

    def _settle(self, asked: _UnderWay) -> Came:
        position, attempt, call = asked.position, asked.attempt, asked.call
        try:
            answer, at = asked.future.result()
        except WireFault as fault:
            self._plan.limiter.lost()
            return Came(position, attempt, from_fault(self._plan, fault), call=call)
        now = self._clock.monotonic()
        if answer.took is not None:
            age = max(0.0, (self._clock.now() - at).total_seconds())
            self._plan.limiter.left(asked.sent, now - age - answer.took)
        self._plan.limiter.saw(answer.status, answer.headers, now, at)
        result = judge(self._plan, position, call.url, answer, at)
        self._received += isinstance(result, Judged)
        return Came(position, attempt, result, answer, at, call)
