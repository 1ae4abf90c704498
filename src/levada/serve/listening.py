"""Where job servers listen: on this machine alone, by IPv4 and, where it has that, IPv6; waitress serves."""

import errno
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from waitress.server import BaseWSGIServer, create_server

from levada.errors import FixThis
from levada.serve.connection import Channel

__all__ = ["serve"]

_V4, _V6 = "127.0.0.1", "::1"
#: Jobs at once; more wait. One that waits for the turn of its folder keeps a thread, too.
_THREADS = 64
#: Connections at once, silent ones included; whoever comes then waits. A process has 1024 files, and jobs need some.
_CONNECTIONS = 400
#: Seconds after which a connection on which nothing happens, and no job is waited for, is closed.
_IDLE = 60
#: Bytes of a body that are read in order to answer that they are too many; beyond, waitress itself refuses.
_READ = 32 * 1024 * 1024
#: What a machine without IPv6 says.
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
#: Tries to find a port that is free for both families.
_TRIES = 20


def serve(apps: Sequence[tuple[Any, int]], ready: Callable[[Sequence[int]], None]) -> None:
    """Serve each WSGI app on its port of localhost, until a signal ends this (the main) thread.

    Jobs that are at work then end with the process, which is safe at any moment.

    Args:
        apps: Each app with its port; 0 takes a free one.
        ready: Called once with the ports, in the order of the apps, when connections are taken.

    Raises:
        FixThis: a port is taken or may not be used.
    """
    with ExitStack() as stack:
        by_port: dict[int, Any] = {}
        sockets = []
        for app, port in apps:
            both = [stack.enter_context(each) for each in _bound(port)]
            by_port[both[0].getsockname()[1]] = app
            sockets += both

        def one_of(environ: dict[str, Any], start: Any) -> Any:
            return by_port[int(environ["SERVER_PORT"])](environ, start)

        _run(one_of, sockets, lambda: ready(list(by_port)))


def _run(app: Any, sockets: Sequence[socket.socket], ready: Callable[[], None]) -> None:
    servers: dict[int, Any] = {}
    server = create_server(
        app,
        map=servers,
        sockets=sockets,
        threads=_THREADS,
        connection_limit=_CONNECTIONS,
        channel_timeout=_IDLE,
        max_request_body_size=_READ,
        clear_untrusted_proxy_headers=True,
        log_socket_errors=False,  # that a client goes away is no trouble of the server's
        asyncore_use_poll=True,  # select fails for file descriptors above 1023, of which jobs may need many
        ident="levada",
    )
    for each in servers.values():
        if isinstance(each, BaseWSGIServer):
            each.channel_class = Channel
    ended: list[Exception] = []
    # Not on this thread: waitress would take the signal that is meant to end it for its own affair.
    thread = threading.Thread(target=_noting, args=(server.run, ended), name="levada-serve", daemon=True)
    thread.start()
    ready()
    thread.join()
    raise RuntimeError("the server ended, although nobody stopped it") from (ended[0] if ended else None)


def _noting(run: Callable[[], None], ended: list[Exception]) -> None:
    try:
        run()
    except Exception as error:  # noqa: BLE001 - told by the main thread, with the exit code of a bug
        ended.append(error)


def _bound(port: int) -> list[socket.socket]:
    """A socket for each address family, on the same port; port 0 takes one that is free in both."""
    for _ in range(_TRIES):
        first = _socket(socket.AF_INET, _V4, port)
        try:
            return [first, _socket(socket.AF_INET6, _V6, first.getsockname()[1])]
        except _NoFamily:
            return [first]
        except FixThis:
            first.close()
            if port:
                raise
    raise FixThis("no port is free on this machine", where="--port", todo="name one that is")


class _NoFamily(Exception):
    """The machine has no such addresses."""


def _socket(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _NoFamily(address) from error
    try:
        # Not a port that another server listens on, only one whose old connections are still dying.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except OSError as error:
        made.close()
        if error.errno in _NO_IPV6 and family == socket.AF_INET6:
            raise _NoFamily(address) from error
        raise _refused(port, error) from error
    return made


def _refused(port: int, error: OSError) -> FixThis:
    if error.errno == errno.EADDRINUSE:
        todo = "stop what listens there, or choose another --port"
        return FixThis(f"port {port} of this machine is taken", where=f"localhost:{port}", todo=todo)
    said = error.strerror or os.strerror(error.errno or 0)
    what = f"port {port} of this machine cannot be used ({said})"
    return FixThis(what, where=f"localhost:{port}", todo="choose another --port, above 1023")
