"""How long a function may work: it stops itself in good time, as a signal would, and leaves work to go on from."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NoReturn

from levada.errors import TryLater
from levada.source.events import Event, Waiting

__all__ = ["Until"]

#: Share of the time that is left for leaving in order: connections closed, the lease given back.
_SPARE = 0.1
#: Bounds of that, in seconds.
_LEAST, _MOST = 0.3, 10.0
#: Share of what is spared after which it is said again that the time is up: Python swallows what is raised in `__del__`
#: and callbacks of weak references. Not sooner, for it also cuts what leaving in order waits for.
_AGAIN = 0.3


class _Up(BaseException):
    """The time is up: no error of anybody's, so nothing on the way takes it for one."""

    def __init__(self, wait: Waiting | None = None) -> None:
        super().__init__(wait)
        #: What would outlast the time; None where it is up.
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Until:
    """The moment to stop at, by `time.monotonic`; None: never."""

    end: float | None = None
    #: Seconds after that for leaving.
    spare: float = _MOST

    @classmethod
    def of(cls, context: Any) -> "Until":
        """The moment for an invocation that has begun just now.

        Args:
            context: Lambda's, or None.
        """
        if context is None:
            return cls()
        left: float = context.get_remaining_time_in_millis() / 1000
        spare = min(max(left * _SPARE, _LEAST), _MOST)
        return cls(time.monotonic() + left - spare, spare)

    @property
    def left(self) -> float:
        """Seconds to work."""
        return float("inf") if self.end is None else self.end - time.monotonic()

    def later(self) -> "Until":
        """The half of the time for leaving in which what is due may still be written down."""
        if self.end is None:
            return self
        return Until(self.end + self.spare / 2, self.spare / 2)

    def watch(self, event: Event) -> None:
        """Stop where the time is up, or a wait would outlast it: to sleep to the end helps nobody, and is paid for."""
        if self.left <= 0:
            raise _Up
        if isinstance(event, Waiting) and self.left <= (event.until - datetime.now(UTC)).total_seconds():
            raise _Up(event)

    @contextmanager
    def kept(self, what: str) -> Iterator[None]:
        """Work on `what` inside; whatever it is at when the time is up is stopped.

        Raises:
            TryLater: the time was up.
        """
        try:
            with self._alarm():
                yield
        except _Up as up:
            raise _not_done(what, up.wait) from None

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        # Signals come to the main thread, where Lambda calls handlers; elsewhere `watch` alone sees to it.
        if self.end is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, max(self.left, 0.001), self.spare * _AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _not_done(what: str, wait: Waiting | None) -> TryLater:
    again = "let the event be tried again: it goes on from the pages that had arrived"
    if wait is None:
        said = f"The time of this function is nearly up; {what} is not done."
        return TryLater(said, where=what, todo=f"{again}; or raise the timeout")
    why = f"for {wait.why}" if wait.limit else f"after {wait.why}"
    said = f"The wait of {wait.seconds:.1f} s {why} would outlast the time of this function; {what} is not done."
    return TryLater(said, where=what, todo=f"{again}; or raise the timeout above such waits", at=wait.until)


def _ring(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Up
