"""A server that writes exactly the bytes it is told to, on real sockets: cut, reset, slow, wrong by choice."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from patience import PATIENCE

__all__ = ["CLOSE", "RESET", "RawServer", "Seen", "http"]

#: End the connection properly, or with a TCP reset.
CLOSE, RESET = object(), object()


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    #: How often this path was asked, this time included.
    times: int
    #: Requests that were under way when it came, itself included.
    at_once: int = field(compare=False)


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP/1.1 answer; a Content-Length is added unless headers tell the length; `_` in names is `-`."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if not {"Content-Length", "Transfer-Encoding"} & told.keys():
        told["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} Some Reason", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """Answers each request with what `script` gives: bytes are sent, CLOSE and RESET end it.

    Numbers are seconds to wait: give many to hold an answer, as nobody waits longer than the server lives.
    """

    def __init__(self, script: Callable[[Seen], Iterable[Any] | bytes]) -> None:
        self.script = script
        self.seen: list[Seen] = []
        #: Connections that were opened, and requests under way now and at most.
        self.connections = 0
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        # The first thread is the one that accepts: after it no connection comes that would not be ended below.
        self._threads[0].join(PATIENCE)
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # the client may have reset it
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def alive(self) -> int:
        """Connections that are open now."""
        with self._lock:
            return len(self._open)

    def _begin(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with self._lock:
                self._open.add(connection)
            self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            while head := self._head(connection):
                if not self._answer(connection, head):
                    break
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()

    def _head(self, connection: socket.socket) -> str:
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            more = connection.recv(1)
            if not more:
                return ""
            data += more
        return data.decode()

    def _answer(self, connection: socket.socket, head: str) -> bool:
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        path = first.split(" ")[1]
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            seen = Seen(path, headers, self.paths.count(path) + 1, self.now)
            self.seen.append(seen)
        try:
            said = self.script(seen)
            return all(self._part(connection, part) for part in ([said] if isinstance(said, bytes) else said))
        finally:
            with self._lock:
                self.now -= 1

    def _part(self, connection: socket.socket, part: Any) -> bool:
        if part is RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if part in (CLOSE, RESET):
            return False
        if isinstance(part, bytes):
            connection.sendall(part)
        else:
            self._over.wait(part)
        return True
