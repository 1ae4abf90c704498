"""How many requests a simulated API takes in a time. Pure: moments in, seconds to wait out."""

from collections import deque
from typing import Final

__all__ = ["Quota"]


class Quota:
    """At most so many requests in any so many seconds; refused ones do not count. It lives in one event loop.

    Args:
        most: Requests.
        seconds: The time in which they may come.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most: Final = most
        self._seconds = seconds
        self._taken: deque[float] = deque()

    def take(self, now: float) -> float:
        """Seconds until a request would be taken; 0.0: it is taken now.

        Args:
            now: Seconds of a clock that only grows.
        """
        while self._taken and now - self._taken[0] >= self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self.most:
            return self._taken[0] + self._seconds - now
        self._taken.append(now)
        return 0.0
