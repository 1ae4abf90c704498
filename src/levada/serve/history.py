"""The last jobs of a server: those it has taken, and before them what the lake still tells of earlier ones."""

import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from levada.errors import LevadaError
from levada.lake.latest import Ended, latest_jobs
from levada.lake.store import Store
from levada.nouns import Run
from levada.serve.jobs import LAND, STAGE, Told
from levada.serve.replies import succeeded

__all__ = ["History", "earlier"]

_KEPT = 50


class History:
    """The latest jobs, running ones included; may be used from any thread.

    Args:
        earlier: Jobs from before this server was started, the latest first.
    """

    def __init__(self, earlier: Iterable[Told] = ()) -> None:
        # A deque that is given more than it holds keeps the last of them, which are the oldest.
        self._told = deque(islice(earlier, _KEPT), maxlen=_KEPT)
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


def earlier(store: Store, pipeline: str, root: str) -> list[Told]:
    """The jobs of a pipeline that the lake at `root` tells of, the latest first."""
    with suppress(LevadaError):  # no history is no reason to take no jobs: each will say what is wrong with the lake
        return [_told(ended, root) for ended in latest_jobs(store, pipeline, _KEPT)]
    return []


def _told(ended: Ended, root: str) -> Told:
    kind, end = (LAND if ended.fetched else STAGE), ended.end
    filled = {kind.parameters[-1]: f"{root.rstrip('/')}/{ended.folder}"} if ended.folder else {}
    if isinstance(end, Run):
        date = {"date": end.partition} if ended.fetched else {}
        message = succeeded(kind, end).message
        return Told(kind.name, ended.began, {**date, **filled}, None, message, ended.seconds, end)
    message = f"{end.what} ({end.where})" if end.where else end.what
    return Told(kind.name, ended.began, filled, None, message, ended.seconds)
