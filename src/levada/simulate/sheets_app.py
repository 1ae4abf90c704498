"""The HTTP side of the simulated Google Sheets: which request asks for what."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from levada.simulate import sheets_values as values
from levada.simulate.faults import Faults
from levada.simulate.sheets_book import Book
from levada.simulate.sheets_changes import changed
from levada.simulate.sheets_drawer import Drawer
from levada.simulate.sheets_page import page
from levada.simulate.sheets_refusal import Refused, invalid, not_found

__all__ = ["app"]

_TARGET: Final = re.compile(
    r"(?P<id>[^/:]+)(?:(?P<book>:batchUpdate)?|/values(?P<several>:batch(?:Get|Update|Clear))"
    r"|/values/(?P<range>.+?)(?P<act>:append|:clear)?)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Asked:
    """A request for a spreadsheet."""

    method: str
    #: The path below /v4/spreadsheets/, decoded.
    target: str
    authorization: str
    options: Mapping[str, str]
    ranges: Sequence[str]
    body: Mapping[str, Any]
    url: str

    @property
    def book(self) -> str:
        return re.split("[/:]", self.target, maxsplit=1)[0]

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def app(within: Drawer) -> FastAPI:
    """An app for the account and the spreadsheets of `within`."""
    made = FastAPI(openapi_url=None)
    made.add_middleware(Faults, clock=within.clock)

    @made.post("/token")
    async def token(request: Request) -> Response:
        place = f"{_origin(request)}/token"
        return _json(*within.account.trade(await request.body(), place, within.clock.now().timestamp()))

    @made.api_route("/v4/spreadsheets/{target:path}", methods=["GET", "PUT", "POST"])
    async def spreadsheets(request: Request, target: str) -> Response:
        try:
            return _json(200, _answer(within, _asked(request, target, await request.body())))
        except Refused as refused:
            return _json(refused.status, refused.body())

    @made.get("/spreadsheets/d/{book}/edit")
    async def looked_at(book: str) -> Response:
        found = within.books.get(book)
        return HTMLResponse(page(found)) if found else HTMLResponse("No such spreadsheet.", status_code=404)

    return made


def _json(status: int, told: Any) -> Response:
    text = json.dumps(told, ensure_ascii=False)
    return Response(text.encode(), status_code=status, media_type="application/json; charset=UTF-8")


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _asked(request: Request, target: str, body: bytes) -> _Asked:
    try:
        told = json.loads(body) if body else {}
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise invalid("Invalid JSON payload received.")
    return _Asked(
        method=request.method,
        target=target,
        authorization=request.headers.get("authorization", ""),
        options=request.query_params,
        ranges=request.query_params.getlist("ranges"),
        body=told,
        url=_origin(request),
    )


def _answer(within: Drawer, asked: _Asked) -> dict[str, Any]:
    book = within.opened(asked.book, asked.authorization, writes=asked.writes)
    act = _act(asked)
    if not asked.writes:
        return act(book)
    # What is refused midway leaves no trace.
    copy = book.copy()
    answer = act(copy)
    within.books[book.id] = copy
    return answer


def _act(asked: _Asked) -> Callable[[Book], dict[str, Any]]:
    """What a request is to do with its spreadsheet."""
    found = _TARGET.fullmatch(asked.target)
    if not found:
        raise not_found()
    text, options, body = found["range"], asked.options, asked.body
    known: dict[tuple[str, str], Callable[[Book], dict[str, Any]]] = {
        ("GET", "book"): lambda book: book.told(asked.url),
        ("POST", "book:batchUpdate"): lambda book: changed(book, body),
        ("GET", "values:batchGet"): lambda book: values.batch_get(book, list(asked.ranges), options),
        ("POST", "values:batchUpdate"): lambda book: values.batch_update(book, body),
        ("POST", "values:batchClear"): lambda book: values.batch_clear(book, body),
        ("GET", "range"): lambda book: values.get(book, text, options),
        ("PUT", "range"): lambda book: values.update(book, text, options, body),
        ("POST", "range:append"): lambda book: values.append(book, text, options, body),
        ("POST", "range:clear"): lambda book: values.clear(book, text),
    }
    if text is not None:
        name = f"range{found['act'] or ''}"
    else:
        name = f"values{found['several']}" if found["several"] else f"book{found['book'] or ''}"
    if (asked.method, name) not in known:
        raise not_found()
    return known[asked.method, name]
