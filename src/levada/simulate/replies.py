"""What a fault makes of a right answer. Pure: answers in, answers out; `faults` sends them."""

import gzip
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final

from levada.simulate.rules import Fault

__all__ = ["Reply", "altered"]

#: Bytes that `wrong_length` promises and never sends.
_NEVER_SENT: Final = 100
_HTML: Final = b"<!doctype html>\n<title>Please wait</title>\n<p>This page is for people; the data is elsewhere.</p>\n"
_TYPES: Final = {"json": b"application/json", "html": b"text/html; charset=utf-8", "text": b"text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, not yet sent."""

    status: int
    #: Names in lower case; Content-Length is not among them.
    headers: Mapping[str, bytes]
    body: bytes
    #: What Content-Length says; None: there is none, so the body goes in chunks.
    length: int | None
    #: Whether the connection is closed after `body` as if the server had died, without an end of the answer.
    cut: bool = False


def altered(fault: Fault, right: Reply, now: datetime) -> Reply:
    """The answer that `fault` makes of the right one; `now` (aware, UTC) is for Retry-After dates."""
    return _ALTERATIONS[fault.kind](fault, right, now)


def _unchanged(_fault: Fault, right: Reply, _now: datetime) -> Reply:
    return right


def _cut_body(fault: Fault, right: Reply, _now: datetime) -> Reply:
    return replace(right, body=right.body[: fault.value], length=None, cut=True)


def _wrong_length(_fault: Fault, right: Reply, _now: datetime) -> Reply:
    return replace(right, length=len(right.body) + _NEVER_SENT, cut=True)


def _html(_fault: Fault, _right: Reply, _now: datetime) -> Reply:
    return _made(200, "html", _HTML)


def _invalid_json(_fault: Fault, right: Reply, _now: datetime) -> Reply:
    return _made(200, "json", right.body[: len(right.body) // 2])


def _gzip(_fault: Fault, right: Reply, _now: datetime) -> Reply:
    packed = gzip.compress(right.body, mtime=0)
    return replace(right, headers={**right.headers, "content-encoding": b"gzip"}, body=packed, length=len(packed))


def _gzip_truncated(fault: Fault, right: Reply, now: datetime) -> Reply:
    packed = _gzip(fault, right, now)
    half = packed.body[: len(packed.body) // 2]
    return replace(packed, body=half, length=len(half))


def _status(fault: Fault, _right: Reply, now: datetime) -> Reply:
    reply = _made(fault.status, "json", json.dumps({"message": _phrase(fault.status)}).encode())
    return _retry_after(fault, reply, now)


def _body(fault: Fault, _right: Reply, now: datetime) -> Reply:
    if isinstance(fault.value, str):
        reply = _made(fault.status, "text", fault.value.encode(errors="surrogatepass"))
    else:
        reply = _made(fault.status, "json", json.dumps(fault.value).encode())
    return _retry_after(fault, reply, now)


def _retry_after(fault: Fault, reply: Reply, now: datetime) -> Reply:
    given = fault.retry_after
    if given is None:
        return reply
    text = _http_date(now, given["date_in"]) if isinstance(given, dict) else str(given)
    return replace(reply, headers={**reply.headers, "retry-after": text.encode("ascii")})


def _http_date(now: datetime, seconds: float) -> str:
    # Up to the whole second: a date that is cut down lies nearer than it was asked to.
    moment = now.replace(microsecond=0) + timedelta(seconds=math.ceil(seconds + now.microsecond / 1e6))
    return format_datetime(moment, usegmt=True)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else f"Status {status}"


def _made(status: int, kind: str, body: bytes) -> Reply:
    if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return Reply(status, {}, b"", None)  # RFC 9110: these two have no body
    return Reply(status, {"content-type": _TYPES[kind]}, body, len(body))


_ALTERATIONS: Final[Mapping[str, Callable[[Fault, Reply, datetime], Reply]]] = {
    "": _unchanged,
    # The page was already changed in the question.
    "repeat_page": _unchanged,
    "cut_body": _cut_body,
    "wrong_length": _wrong_length,
    "html": _html,
    "invalid_json": _invalid_json,
    "gzip": _gzip,
    "gzip_truncated": _gzip_truncated,
    "status": _status,
    "body": _body,
}
