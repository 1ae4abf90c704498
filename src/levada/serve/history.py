"""The last jobs of a server: those it has taken, and before them what the lake still tells of earlier ones."""

import threading
from collections import deque
from collections.abc import Iterable

from levada.serve.jobs import Told

__all__ = ["History"]

_KEPT = 50


class History:
    """The latest jobs, running ones included; may be used from any thread.

    Args:
        earlier: Jobs from before this server was started, the latest first.
    """

    def __init__(self, earlier: Iterable[Told] = ()) -> None:
        self._told = deque(earlier, maxlen=_KEPT)
        self._running: dict[int, Told] = {}
        self._lock = threading.Lock()

    def began(self, told: Told) -> None:
        """A job is being worked on; its parameters are shown while it lasts."""
        with self._lock:
            self._running[id(told)] = told

    def ended(self, began: Told, told: Told) -> None:
        """The job that `began` came to its end as `told`."""
        with self._lock:
            self._running.pop(id(began), None)
            self._told.appendleft(told)

    def latest(self) -> list[Told]:
        """Running jobs, then those that ended, the latest first."""
        with self._lock:
            return [*reversed(self._running.values()), *self._told]
