"""uvicorn's server, made to stop at once: no waiting for idle connections or slow answers."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

import uvicorn

from levada.simulate.protocol import ConnectionProtocol

__all__ = ["Runner"]

#: Seconds for which an idle connection is kept. uvicorn's 5 close connections under clients that back off.
_KEEP_ALIVE = 75
_BACKLOG = 128
#: Seconds after which a signal is seen at the latest; `wake` is seen at once.
_TICK = 0.2
_TURNS = 10


class Runner(uvicorn.Server):
    """A server for one ASGI app that `wake` ends from any thread.

    Args:
        app: The ASGI app.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=ConnectionProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                backlog=_BACKLOG,
            )
        )
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the server soon; thread-safe, and harmless before it starts and after it has ended."""
        self.should_exit = True
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._woken.set)

    async def main_loop(self) -> None:
        """Renew the Date header until the server is to end."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout=_TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, drop every connection, give up every request."""
        with self._lock:
            self._loop = None
        # asyncio leaks connections that are being accepted while their server is closed: first no more are accepted,
        # then those on their way, known after a few turns of the loop, are dropped, and only then the server goes.
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
        for _ in range(_TURNS):
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        # Now that uvicorn knows that their connections are gone, it does not report them as failures of the app.
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
