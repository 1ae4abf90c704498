"""A small web server for tests: a function answers, every request is kept, single requests fail by plan."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from patience import PATIENCE

__all__ = ["Asked", "EndingServer", "Said", "WebServer", "paths_of"]

#: Requests after which a server refuses all: a client that goes round for ever fails instead of hanging.
_ENOUGH = 1000
#: Statuses without a body (RFC 9110).
_BARE = {204, 304}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    #: As sent, escapes and all.
    path: str
    query: tuple[tuple[str, str], ...]
    #: Names in lower case.
    headers: Mapping[str, str] = field(compare=False)
    body: bytes = b""
    #: Path and query as they were sent, byte for byte.
    raw: str = ""

    @property
    def target(self) -> str:
        """Path and query, decoded, for asserts: `/posts?page=2`."""
        written = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.path}?{written}" if written else self.path

    @property
    def json(self) -> Any:
        """The body as JSON; {} where there is none."""
        return json.loads(self.body or b"{}")

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def value(self, name: str, default: str | None = None) -> str | None:
        """The first query value of that name."""
        return next((value for known, value in self.query if known == name), default)

    def number(self, name: str, default: int) -> int:
        """The first query value of that name as a number."""
        return int(self.value(name) or default)


@dataclass(frozen=True)
class Said:
    """An answer: a body of bytes or text goes as it is, anything else as JSON; None is no body."""

    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Headers, a Content-Type among them."""
        kind = "text/plain; charset=utf-8" if isinstance(self.body, bytes | str) else "application/json"
        told = {name.lower() for name, _ in self.headers}
        own = [] if self.body is None or "content-type" in told else [("Content-Type", kind)]
        return [*own, *self.headers]


def paths_of(asked: list[Asked]) -> list[str]:
    return [request.target for request in asked]


class WebServer:
    """Answers each request with what `answer` gives, while a `with` block lasts.

    Args:
        answer: Request -> `Said`, or what becomes the JSON of a 200.
        truth: The records that a faithful reader gets.
        port: Where to listen, 0 for a free port.
    """

    def __init__(self, answer: Callable[[Asked], Any], truth: list[Any] | None = None, port: int = 0) -> None:
        self.answer = answer
        self.truth = truth or []
        #: Requests in the order in which they came.
        self.seen: list[Asked] = []
        #: Seconds that each answer takes.
        self.latency = 0.0
        #: For `answer`: pages that it refuses as long as they are here.
        self.broken: set[int] = set()
        #: Requests under way now and at most.
        self.now = self.most = 0
        self._plans: list[tuple[str, str | None, list[Said]]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._http = EndingServer(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._thread.join(PATIENCE)
        self._http.end_connections()
        self._http.server_close()

    @property
    def targets(self) -> list[str]:
        """Path and query of each request, in the order in which they came."""
        return paths_of(self.seen)

    def forget(self) -> None:
        """No requests seen, no failures planned."""
        self.seen.clear()
        self._plans.clear()

    def fail(self, path: str, page: int | str | None, answers: list[int | Said]) -> None:
        """Answer the next requests for this path and `page` (None: any) with these, one each, then rightly again."""
        said = [one if isinstance(one, Said) else Said({"message": f"planned {one}"}, one) for one in answers]
        self._plans.append((path, None if page is None else str(page), said))

    def respond(self, asked: Asked) -> Said:
        with self._lock:
            self.seen.append(asked)
            planned = self._planned(asked)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            self._over.wait(self.latency)
            said = planned or (Said("enough", 418) if len(self.seen) > _ENOUGH else self.answer(asked))
            return said if isinstance(said, Said) else Said(said)
        finally:
            with self._lock:
                self.now -= 1

    def _planned(self, asked: Asked) -> Said | None:
        for path, page, answers in self._plans:
            if answers and path == asked.path and page in {None, asked.value("page")}:
                return answers.pop(0)
        return None


class EndingServer(ThreadingHTTPServer):
    """A server whose connections can be ended, and whose end waits for them."""

    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no error; anything else is told, as a bug of a test's server."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            said = server.respond(self._asked())
            content = said.content
            self.send_response_only(said.status)
            for name, value in said.fields:
                self.send_header(name, value)
            if said.status not in _BARE:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if said.status not in _BARE and self.command != "HEAD":
                self.wfile.write(content)

        def _asked(self) -> Asked:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = tuple(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Asked(self.command, parts.path, query, headers, body, self.path)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            pass

    return Handler
