"""Run a simulator over real sockets: in the foreground for the CLI, in a background thread for demos and tests."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from levada.errors import FixThis
from levada.simulate import require

if TYPE_CHECKING:
    from levada.simulate.runner import Runner

__all__ = ["Running", "running", "serve"]

_LOOPBACK = "127.0.0.1"
_HIGHEST_PORT = 65535


class Running:
    """A simulator in a background thread. Its methods may be called from any thread, `stop` more than once."""

    def __init__(self, url: str, runner: "Runner", thread: threading.Thread) -> None:
        #: Scheme, host and port, without a slash at the end.
        self.url = url
        self._runner = runner
        self._thread = thread

    def stop(self) -> None:
        """Close the listening socket and all connections, give up requests in flight, and end the thread."""
        self._runner.wake()
        self._thread.join()


def serve(app: Any, host: str = _LOOPBACK, port: int = 0, *, ready: Callable[[str], None] | None = None) -> None:
    """Run `app` until SIGINT or SIGTERM; prints nothing.

    Args:
        app: Any ASGI app, as `sales.make_app` gives.
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        ready: Called once with the URL, when connections are accepted.

    Raises:
        FixThis: The address is taken or not this machine's, or the extra `simulate` is not installed.
        KeyboardInterrupt: SIGINT came; SIGTERM ends the process as if it had not been caught.
    """
    runner, listener, url = _prepared(app, host, port)
    with listener:
        if ready is not None:
            ready(url)
        runner.run(sockets=[listener])


@contextmanager
def running(app: Any, host: str = _LOOPBACK, port: int = 0) -> Iterator[Running]:
    """Run `app` in a background thread while the block lasts.

    Args:
        app: Any ASGI app, as `sales.make_app` gives.
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.

    Yields:
        The running server, whose `url` accepts connections.

    Raises:
        FixThis: The address is taken or not this machine's, or the extra `simulate` is not installed.
    """
    runner, listener, url = _prepared(app, host, port)
    # A daemon, so that an interpreter that ends within the block is not held up.
    thread = threading.Thread(
        target=runner.run, kwargs={"sockets": [listener]}, name=f"levada simulate {url}", daemon=True
    )
    server = Running(url, runner, thread)
    with listener:
        thread.start()
        try:
            yield server
        finally:
            server.stop()


def _prepared(app: Any, host: str, port: int) -> "tuple[Runner, socket.socket, str]":
    require()
    from levada.simulate.runner import Runner

    listener = _listener(host, port)
    shown = f"[{host}]" if ":" in host else host
    return Runner(app), listener, f"http://{shown}:{listener.getsockname()[1]}"


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket: from here on no other process can take the port, and clients may connect."""
    if not 0 <= port <= _HIGHEST_PORT:  # getaddrinfo would take 70000 for 4464
        raise _not_listening(ValueError("no such port"), f"{host}:{port}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            # Without it a port stays taken for a minute after the last connection.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except BaseException:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        raise _not_listening(error, f"{host}:{port}") from error
    return listener


def _not_listening(error: Exception, where: str) -> FixThis:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return FixThis(
            "The port is in use by another program.",
            where=where,
            todo="choose another with --port, or 0 for any free one, or stop the program that listens there",
        )
    if number == errno.EACCES:
        return FixThis("This user may not listen on the port.", where=where, todo="choose a port from 1024 up")
    reason = getattr(error, "strerror", None) or str(error)
    return FixThis(
        f"The simulator cannot listen there: {reason}.",
        where=where,
        todo=f"choose an address of this machine ({_LOOPBACK} for itself alone) and a port from 0 to {_HIGHEST_PORT}",
    )
