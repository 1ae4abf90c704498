"""One background thread with an event loop: calls go in, futures of answers come out. Decides nothing.

The reader's side is synchronous. Nothing outlives `close`, whatever was under way: tasks are cancelled, connections
closed, the thread joined.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from threading import Thread
from types import TracebackType
from typing import Any, Self

from levada.edges import Answer, Call, Edges, Wire
from levada.source.through import network_of

__all__ = ["Courier"]


class Courier:
    """Carries calls over a Wire from a thread of its own; a context manager."""

    def __init__(self, edges: Edges) -> None:
        self._clock = edges.clock
        self._network = network_of(edges)
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_Daemons())
        self._stop = asyncio.Event()
        self._ready: Future[Wire] = Future()
        # A daemon: an iterator that nobody closes must not keep the process from ending.
        self._thread = Thread(target=self._run, name="levada-courier", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, call: Call) -> Future[tuple[Answer, datetime]]:
        """Send `call`; the future gives the answer and when it was complete, or raises WireFault."""
        return asyncio.run_coroutine_threadsafe(self._send(call), self._loop)

    def sleep(self, seconds: float) -> None:
        """Wait on the reader's side, while what is under way goes on."""
        asyncio.run_coroutine_threadsafe(self._clock.sleep(seconds), self._loop).result()

    def close(self) -> None:
        """Cancel what is under way and end the thread."""
        # The loop is closed already where the network could not be opened, even if the thread still lives for a moment.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _send(self, call: Call) -> tuple[Answer, datetime]:
        answer = await self._ready.result().send(call)
        return answer, self._clock.now()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)  # for the reader, on the reader's thread
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with self._network() as wire:
            self._ready.set_result(wire)
            await self._stop.wait()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


class _Daemons(ThreadPoolExecutor):
    """A thread a job, none waited for: a name lookup may hang for minutes, and cannot be cancelled."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        Thread(target=_settle, args=(future, lambda: fn(*args, **kwargs)), daemon=True).start()
        return future


def _settle(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
        future.set_exception(error)
