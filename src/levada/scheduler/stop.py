"""How a scheduler is told to end: a bell that waits hear, and a run before each request and while one is answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from levada.edges import Clock
from levada.pipeline import Pipeline
from levada.scheduler.wire import giving_up
from levada.source.events import Asked, Event, Waiting
from levada.source.through import Through, network_of

__all__ = ["ANSWER", "Bell", "Stopped", "heeding"]

#: Seconds after which a wait of a run hears the bell.
_SLICE = 0.25
#: Seconds that an answer which is under way has left once the bell rang. What stays of the 8 s that the command has is
#: for the commit, or for giving the lease back.
ANSWER = 4.0


class Bell(Protocol):
    """What rings when it is time to end; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether it rang."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds, or until it rings; whether it rang."""
        ...


class Stopped(BaseException):
    """The bell rang: what is durable stays, and can be gone on from. No Exception, so that nothing takes it for one."""


def heeding(pipeline: Pipeline, bell: Bell, observe: Callable[[Event], None]) -> Pipeline:
    """The pipeline whose runs raise Stopped instead of asking for more, or waiting, once the bell rang.

    An answer that is under way is waited for, some seconds: where it is the last, the run finishes its partition.
    """
    network = network_of(pipeline.edges)

    def watch(event: Event) -> None:
        observe(event)
        if bell.is_set() and isinstance(event, Asked | Waiting):
            raise Stopped

    edges = replace(
        pipeline.edges,
        clock=_Clock(pipeline.edges.clock, bell),
        network=lambda: Through(network(), giving_up(bell.is_set, ANSWER, Stopped)),
    )
    return replace(pipeline, edges=edges).observed(watch)


class _Clock:
    """A clock whose waits end when the bell rings."""

    def __init__(self, clock: Clock, bell: Bell) -> None:
        self._clock, self._bell = clock, bell

    def now(self) -> datetime:
        """The present moment (aware, UTC)."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking other requests; raises Stopped."""
        left = seconds
        while left > 0:
            self._heed()
            await self._clock.sleep(min(_SLICE, left))
            left -= _SLICE

    def pause(self, seconds: float) -> None:
        """Wait, and everything with it; raises Stopped."""
        self._heed()
        self._clock.pause(seconds)

    def _heed(self) -> None:
        if self._bell.is_set():
            raise Stopped
