"""How many requests in how much time: all rates of a spec together, as sliding windows. Reads no clock."""

from collections import deque
from collections.abc import Iterable

from levada.spec.model import Rate

__all__ = ["Pace"]

#: Seconds that each window is longer than it says: requests do not arrive exactly as far apart as they were sent.
MARGIN = 0.001


class Pace:
    """Never more than `requests` in any span of `seconds`, for each rate that was ever given."""

    def __init__(self) -> None:
        self._rates: tuple[Rate, ...] = ()
        #: When requests were sent, as many as the largest rate counts.
        self._sent: deque[float] = deque(maxlen=0)

    def add(self, rates: Iterable[Rate]) -> None:
        """Keep these rates too, for what was sent before as well, as far as that is still known."""
        self._rates = tuple(dict.fromkeys((*self._rates, *rates)))
        self._sent = deque(self._sent, max((rate.requests for rate in self._rates), default=0))

    def sent(self, now: float) -> None:
        """A request goes out."""
        self._sent.append(now)

    def left(self, sent: float, moment: float) -> None:
        """The request that was counted at `sent` left only at `moment`: connections had to be made first."""
        if moment > sent and sent in self._sent:
            self._sent.remove(sent)
            self._sent = deque(sorted((*self._sent, moment)), self._sent.maxlen)

    def delay(self, now: float) -> tuple[float, str]:
        """Seconds until the next request may go, and the rate that says so."""
        waits = [(self._wait(rate, now), f"the rate {_shown(rate)}") for rate in self._rates]
        return max(waits, key=lambda wait: wait[0], default=(0.0, ""))

    def _wait(self, rate: Rate, now: float) -> float:
        if len(self._sent) < rate.requests:
            return 0.0
        return max(0.0, self._sent[-rate.requests] + rate.seconds + MARGIN - now)


def _shown(rate: Rate) -> str:
    """As a spec writes it: `10/s`, `40/10s`, `5000/h`."""
    for unit, seconds in (("h", 3600), ("m", 60), ("s", 1)):
        count = rate.seconds / seconds
        if count >= 1 and count == int(count):
            return f"{rate.requests}/{'' if count == 1 else int(count)}{unit}"
    return f"{rate.requests}/{rate.seconds:g}s"
