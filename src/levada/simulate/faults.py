"""ASGI middleware for every simulator: it writes down each request, and makes answers fail when asked to.

GET, DELETE /_log           the requests seen so far; forgotten
PUT, GET, DELETE /_faults   rules as `rules` reads them: set, shown with what is left of each, forgotten

Neither path needs a token, and neither is written down. Faults strike before the simulator looks at the token.
"""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import Response

from levada.edges import Clock, SystemClock
from levada.errors import FixThis
from levada.simulate import connection
from levada.simulate.log import Log
from levada.simulate.replies import Reply, altered
from levada.simulate.rules import Book, Fault, parse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Faults", "JSONAnswer"]

_LOG: Final = "/_log"
_FAULTS: Final = "/_faults"


class JSONAnswer(Response):
    """JSON as the recorded APIs write it: ASCII, with a space after each colon and comma."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of `content`."""
        return json.dumps(content).encode("ascii")


class Faults:
    """Middleware: a log of requests and a book of faults around any ASGI app that `server` runs.

    Args:
        app: The simulator.
        hide: Texts that the log never shows, such as the token that counts.
        clock: Where time and waiting come from; the machine's when None.
    """

    def __init__(self, app: "ASGIApp", *, hide: Sequence[str] = (), clock: Clock | None = None) -> None:
        self._app = app
        self._clock = clock or SystemClock()
        self._log = Log(hide)
        self._book = Book()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == _LOG:
            await self._about_log(Request(scope))(scope, receive, send)
        elif scope["path"] == _FAULTS:
            answer = await self._about_faults(Request(scope, receive))
            await answer(scope, receive, send)
        else:
            await self._about_data(scope, receive, send)

    def _about_log(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._log.clear()
        elif request.method != "GET":
            return _no_such_method(request)
        return JSONAnswer(self._log.shown())

    async def _about_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._book.replace(())
        elif request.method == "PUT":
            try:
                self._book.replace(parse(await request.body()))
            except FixThis as error:
                return JSONAnswer({"message": str(error)}, status_code=400)
        elif request.method != "GET":
            return _no_such_method(request)
        return JSONAnswer(self._book.shown())

    async def _about_data(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        query = _first_values(scope)
        fault = self._book.take(query, re.sub("/+", "/", scope["path"]))
        entry = self._log.add(scope, query, fault, self._clock.now())

        async def noted(message: "Message") -> None:
            if message["type"] == "http.response.start" and not connection.is_gone(scope):
                entry["status"] = message["status"]
            await send(message)

        if fault is None:
            await self._app(scope, receive, noted)
        else:
            await self._strike(fault, scope, receive, noted)

    async def _strike(self, fault: Fault, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if fault.delay:
            await self._clock.sleep(fault.delay)
        if fault.kind == "reset":
            await connection.reset(scope, receive)
            return
        asked = _asking_for(fault.value, scope) if fault.kind == "repeat_page" else scope
        reply = altered(fault, await _right_reply(self._app, asked, receive), self._clock.now())
        await _send(reply, send)
        if reply.cut:
            await connection.close(scope, receive)


def _no_such_method(request: Request) -> Response:
    return JSONAnswer({"message": f"{request.url.path} knows no {request.method}"}, status_code=405)


def _first_values(scope: "Scope") -> dict[str, str]:
    """Query values by name; of a repeated name the first counts."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return dict(reversed(pairs))


def _asking_for(page: int, scope: "Scope") -> "Scope":
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    others = [(name, value) for name, value in pairs if name != "page"]
    return {**scope, "query_string": urlencode([*others, ("page", page)]).encode("ascii")}


async def _right_reply(app: "ASGIApp", scope: "Scope", receive: "Receive") -> Reply:
    messages: list[Message] = []

    async def keep(message: "Message") -> None:
        messages.append(message)

    await app(scope, receive, keep)
    headers = {name.decode("latin-1"): value for name, value in messages[0]["headers"]}
    headers.pop("content-length", None)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(messages[0]["status"], headers, body, len(body))


async def _send(reply: Reply, send: "Send") -> None:
    headers = [(name.encode("latin-1"), value) for name, value in reply.headers.items()]
    if reply.length is not None:
        headers.append((b"content-length", str(reply.length).encode("ascii")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.cut})
