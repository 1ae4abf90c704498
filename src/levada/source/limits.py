"""When the next request may go, and how many at once. Decides; never waits, and reads no clock."""

import threading
from collections.abc import Mapping
from datetime import datetime
from weakref import WeakKeyDictionary

from levada.edges import Clock, SystemClock
from levada.source.budget import Budgets
from levada.source.moments import retry_after
from levada.source.origin import origin
from levada.source.pace import Pace
from levada.source.width import TOO_MUCH, Width
from levada.spec.model import Limits, Source

__all__ = ["Limiter", "limiter_for"]

#: Seconds below which a wait is a rounding error; waiting for it may not move the clock at all.
_NOTHING = 1e-6
#: Seconds that one answer may hold all others; a Retry-After of years is a mistake that must not outlive a process.
_LONGEST_HOLD = 86_400.0
#: Seconds after which to look again, where what is left is all under way.
_LOOK_AGAIN = 0.1


class Limiter:
    """One for all requests with one key to one API, whoever sends them; may be used from several threads.

    Each request that is `sent` is followed by what became of it: `saw` for an answer, `lost` for none.
    All `now` are seconds of one clock that only grows.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._lock = threading.Lock()
        self._pace, self._budgets, self._width = Pace(), Budgets(), Width()
        self._concurrency: int | None = None
        self._under_way = 0
        self._held = 0.0
        self._why = ""
        if limits is not None:
            self.tighten(limits)

    def tighten(self, limits: Limits) -> None:
        """Keep these limits too: where several specs limit the same API, all rates hold, and the least concurrency."""
        with self._lock:
            self._pace.add(limits.rate)
            self._budgets.add(limits.budget)
            self._concurrency = min(limits.concurrency, self._concurrency or limits.concurrency)

    def delay(self, now: float) -> float:
        """Seconds until the next request may go; 0: now. Can be longer than a run may wait.

        Look at `room` first: where it is used up, the next answer may tell more than the time.
        """
        with self._lock:
            paced, rate = self._pace.delay(now)
            told = max(self._held - now, self._budgets.delay(now))
            if told < _LOOK_AGAIN and self._all_under_way():
                told = _LOOK_AGAIN
            self._why = rate if paced > told else "the API's limit"
            seconds = max(paced, told)
            return seconds if seconds > _NOTHING else 0.0

    def why(self) -> str:
        """What the last delay was for: "the API's limit", "the rate 10/s"."""
        return self._why

    def room(self, concurrency: int) -> int:
        """How many requests of a reader may be under way at once, at least 1 and at most `concurrency`.

        Fewer where another spec allows fewer, where the API has shown that it does not bear so many, and where less is
        left of a budget.
        """
        with self._lock:
            wide = self._width.room(min(concurrency, self._concurrency or concurrency))
            left = self._budgets.room()
            return max(1, wide if left is None else min(wide, left))

    def sent(self, now: float) -> None:
        """A request goes out."""
        with self._lock:
            self._under_way += 1
            self._pace.sent(now)

    def left(self, sent: float, moment: float) -> None:
        """The request of `sent` left only at `moment`; told once its answer is there."""
        with self._lock:
            self._pace.left(sent, moment)

    def saw(self, status: int, headers: Mapping[str, str], now: float, at: datetime) -> None:
        """An answer came at `now`, which was `at` (aware)."""
        folded = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            self._width.saw(status, self._under_way)
            self._budgets.saw(folded, now, at)
            if status in TOO_MUCH:
                seconds = min(_LONGEST_HOLD, retry_after(folded.get("retry-after"), at))
                self._held = max(self._held, now + seconds)

    def lost(self) -> None:
        """A request that was sent ended without an answer: it failed, or was given up."""
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            self._width.lost(self._under_way)
            self._budgets.lost()

    def _all_under_way(self) -> bool:
        left = self._budgets.room()
        return left is not None and 0 < left <= self._under_way


_lock = threading.Lock()
_shared: dict[tuple[str, str], Limiter] = {}
#: Clocks of tests and dry runs: their seconds are not the system's.
_apart: WeakKeyDictionary[Clock, dict[tuple[str, str], Limiter]] = WeakKeyDictionary()


def limiter_for(source: Source, credential: str, clock: Clock | None = None) -> Limiter:
    """The one limiter of this process for all reads of `source`'s API with one credential.

    Args:
        source: Its origin and limits count. Where specs differ, the stricter limits hold for all.
        credential: What tells one account at the API from another; "" for none. Is never shown.
        clock: Whose seconds the limiter will be told; None: the system's. Another clock has limiters of its own.
    """
    with _lock:
        shared = _shared if clock is None or isinstance(clock, SystemClock) else _apart.setdefault(clock, {})
        limiter = shared.setdefault((origin(source.url), credential), Limiter())
    limiter.tighten(source.limits)
    return limiter
