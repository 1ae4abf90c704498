"""A proxy before an S3 server that fails by plan: the n-th request of a kind, always the same one.

It hands on what was signed untouched, Host header and all, so that the server behind checks what the client signed.
"""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from http.server import BaseHTTPRequestHandler
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from patience import PATIENCE
from webserver import EndingServer

__all__ = ["FAULTS", "KINDS", "Fault", "FaultProxy", "Kind", "Plan", "fault_proxy"]

#: What a request is for. `create` and `replace` are puts on a condition, `begin` to `abort` uploads in parts.
Kind = Literal[
    "get", "head", "list", "put", "create", "replace", "copy", "delete", "begin", "part", "complete", "abort"
]
KINDS: tuple[Kind, ...] = Kind.__args__
#: - 500, 503, 403: answered so, without the server.
#: - reset: the connection is reset before the server hears of it.
#: - half: the server gets half of the request's body, the client a reset.
#: - lost: the server does it, the client gets a reset instead of the answer.
#: - cut: the server does it, the client gets half of the answer.
#: - stall: nothing happens for some time, then all is well.
#: - late: the server does it, and the answer takes its time.
Fault = Literal["500", "503", "403", "reset", "half", "lost", "cut", "stall", "late"]
FAULTS: tuple[Fault, ...] = Fault.__args__
Plan = Mapping[tuple[Kind, int], Fault]
_CODES = {"500": "InternalError", "503": "SlowDown", "403": "RequestTimeTooSkewed"}
#: Headers of one hop, and the length, which is told anew.
_OF_A_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class _Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes
    #: Bytes that the head promises.
    length: int


class FaultProxy:
    """Hands requests on to the server at `port`, but for those in `plan`: (kind, which one, counted from 1) -> fault.

    Args:
        port: The server's.
        plan: What fails.
        stall: Seconds that a stall takes.
    """

    def __init__(self, port: int, plan: Plan, stall: float = 10.0) -> None:
        self.port = port
        self.plan = plan
        self.stall = stall
        #: Requests by kind.
        self.asked: Counter[Kind] = Counter()
        #: What failed, in the order in which it did.
        self.failed: list[tuple[Kind, int, Fault]] = []
        self.over = threading.Event()
        self._guard = threading.Lock()
        self.http = EndingServer(("127.0.0.1", 0), _handler(self))
        self.endpoint = f"http://127.0.0.1:{self.http.server_port}"

    def begin(self, plan: Plan) -> None:
        """Count anew, by another plan."""
        with self._guard:
            self.plan = plan
            self.asked.clear()
            self.failed.clear()

    def fault(self, kind: Kind) -> Fault | None:
        """What becomes of a request of this kind that came just now."""
        with self._guard:
            self.asked[kind] += 1
            fault = self.plan.get((kind, self.asked[kind]))
            if fault:
                self.failed.append((kind, self.asked[kind], fault))
            return fault

    def ask(self, method: str, path: str, headers: HTTPMessage, body: bytes) -> _Answer:
        """What the server says."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, {**headers})
            answer = connection.getresponse()
            said = answer.read()
            length = int(answer.headers.get("Content-Length") or len(said))
            return _Answer(answer.status, answer.getheaders(), said, length)
        finally:
            connection.close()

    def ask_half(self, method: str, path: str, headers: HTTPMessage, body: bytes) -> None:
        """Let the server wait for the other half of a body, in vain."""
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall("\r\n".join(lines).encode() + body[: len(body) // 2])


def kind_of(method: str, path: str, headers: Mapping[str, str]) -> Kind:
    """What a request is for."""
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    if "uploads" in query or "uploadId" in query:
        return "begin" if "uploads" in query else {"PUT": "part", "POST": "complete", "DELETE": "abort"}[method]
    if method == "PUT":
        told = (("x-amz-copy-source", "copy"), ("if-none-match", "create"), ("if-match", "replace"))
        return next((kind for name, kind in told if name in headers), "put")
    if method == "GET":
        return "list" if "list-type" in query else "get"
    return {"HEAD": "head", "DELETE": "delete", "POST": "delete"}[method]


@contextmanager
def fault_proxy(port: int, plan: Plan, stall: float = 10.0) -> Iterator[FaultProxy]:
    """A proxy before the server at `port`, for as long as the context lasts."""
    proxy = FaultProxy(port, plan, stall)
    thread = threading.Thread(target=proxy.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.http.shutdown()
        thread.join(PATIENCE)
        proxy.http.end_connections()
        proxy.http.server_close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"proxy": proxy})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultProxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = self.command, self.path, self.headers, body
        fault = self.proxy.fault(kind_of(self.command, self.path, self.headers))
        if fault in _CODES:
            self._say(_refusal(fault))
        elif fault == "reset":
            self._reset()
        elif fault == "half":
            self.proxy.ask_half(*request)
            self._reset()
        else:
            self._wait(fault == "stall")
            answer = self.proxy.ask(*request)
            self._wait(fault == "late")
            self._reset() if fault == "lost" else self._say(answer, cut=fault == "cut")

    def _wait(self, due: bool) -> None:
        if due:
            self.proxy.over.wait(self.proxy.stall)

    def _say(self, answer: _Answer, *, cut: bool = False) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.fields:
            if name.lower() not in _OF_A_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(answer.length))
        body = b"" if self.command == "HEAD" else answer.body
        if cut and not body:  # within the head, then
            self.flush_headers()
        else:
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # Closed here and now: a shutdown, which comes first elsewhere, would end it properly.
        self.rfile.close()
        self.connection.close()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        pass


def _refusal(fault: str) -> _Answer:
    code = _CODES[fault]
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>planned</Message></Error>'.encode()
    return _Answer(int(fault), [("Content-Type", "application/xml")], body, len(body))
