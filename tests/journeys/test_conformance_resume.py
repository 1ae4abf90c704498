"""A run that failed in the middle goes on where it stopped, however its API pages: nothing twice, nothing lost."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cases import Settings, attempt, one, run
from levada.errors import TryLater
from webserver import Asked, Said, WebServer

PAGES = 4
FORMAT = "records: {path: '$.items[*]', optional: true}"


@dataclass(frozen=True)
class Kind:
    """A way to page: what the spec says, which page a request asks for, and what the page says of the next one."""

    below: str
    page_of: Callable[[Asked], int]
    answer: Callable[[int], Any]
    #: Requests of the second run: only what is missing, unless what leads on may not be written down.
    again: int = PAGES - 2


def rows(page: int) -> list[dict[str, int]]:
    return [{"id": 2 * page - 1}, {"id": 2 * page}]


def more(page: int, value: Any, end: Any = None) -> Any:
    return value if page < PAGES else end


def body(page: int, **said: Any) -> dict[str, Any]:
    return {"items": rows(page), **said}


def query(name: str = "page") -> Callable[[Asked], int]:
    return lambda asked: asked.number(name, 1)


def link(page: int, target: str) -> tuple[tuple[str, str], ...]:
    return more(page, (("Link", f'<{target}>; rel="next"'),), ())


def paged(by: str, more_keys: str = "", request: str = "{path: /a}") -> str:
    return f"request: {request}\npaging: {{by: {by}{more_keys}}}\n"


def xml(page: int) -> Said:
    items = "".join(f"<item><id>{row['id']}</id></item>" for row in rows(page))
    return Said(f"<r>{items}<next>{more(page, page + 1, '')}</next></r>", headers=(("Content-Type", "text/xml"),))


def hollow(page: int) -> Any:
    """The second page is an error by its status, and leads on all the same."""
    if page != 2:
        return body(page, next=more(page, page + 1))
    return Said({"message": "nothing here", "next": 3}, 404)


def hollow_and_long(page: int) -> Any:
    """As `hollow`; what leads on stands beyond what is kept of an answer that is no page."""
    return hollow(page) if page != 2 else Said({"message": "nothing here " * 1000, "next": 3}, 404)


GRAPHQL = '{path: /a, graphql: {query: "query($c: Int) { items(after: $c) { id } }", variables: {c: null}}}'
KINDS = {
    "page": Kind(paged("page", ", total_pages: $.pages") + FORMAT, query(), lambda page: body(page, pages=PAGES)),
    "page in a header": Kind(
        paged("page", ", in: header, param: X-Page, total_rows: {header: X-Total}") + FORMAT,
        lambda asked: int(asked.headers["x-page"]),
        lambda page: Said(body(page), headers=(("X-Total", "8"),)),
    ),
    "offset": Kind(
        paged("offset", ", limit: 2, total_rows: $.total") + FORMAT,
        lambda asked: asked.number("offset", 0) // 2 + 1,
        lambda page: body(page, total=8),
    ),
    "offset in the body": Kind(
        paged(
            "offset",
            ", in: body, param: at.from, limit_param: at.size, limit: 2, has_more: $.more",
            "{path: /a, json: {at: {}}, repeatable: true}",
        )
        + FORMAT,
        lambda asked: asked.json["at"]["from"] // 2 + 1,
        lambda page: body(page, more=more(page, "true", "false")),
    ),
    "cursor": Kind(
        paged("cursor", ", next: $.next") + FORMAT, query("cursor"), lambda page: body(page, next=more(page, page + 1))
    ),
    "cursor in a header": Kind(
        paged("cursor", ", next: {header: X-Next}") + FORMAT,
        query("cursor"),
        lambda page: Said(body(page), headers=(("X-Next", more(page, str(page + 1), "")),)),
    ),
    "cursor of the last record": Kind(
        paged("cursor", ", param: after, next: {last: $.id}, has_more: $.more") + FORMAT,
        lambda asked: asked.number("after", 0) // 2 + 1,
        lambda page: body(page, more=page < PAGES),
    ),
    "cursor of graphql": Kind(
        paged("cursor", ", in: body, param: variables.c, next: $.next", GRAPHQL) + FORMAT,
        lambda asked: asked.json["variables"]["c"] or 1,
        lambda page: body(page, next=more(page, page + 1)),
    ),
    "cursor in xml": Kind(paged("cursor", ", next: $.r.next") + "format: xml\nrecords: $.r.item", query("cursor"), xml),
    "cursor in gzip": Kind(
        paged("cursor", ", next: $.next") + "format: {type: json, unpack: gzip}\n" + FORMAT,
        query("cursor"),
        lambda page: Said(gzip.compress(json.dumps(body(page, next=more(page, page + 1))).encode(), mtime=0)),
    ),
    "cursor behind an answer that a rule calls empty": Kind(
        paged("cursor", ", next: $.next") + FORMAT + "\nresponses: [{status: 404, means: empty}]",
        query("cursor"),
        hollow,
    ),
    "cursor behind an empty answer that is too long to keep": Kind(
        paged("cursor", ", next: $.next") + FORMAT + "\nresponses: [{status: 404, means: empty}]",
        query("cursor"),
        hollow_and_long,
        again=PAGES,
    ),
    "next_url": Kind(
        paged("next_url") + FORMAT, query(), lambda page: body(page, next=more(page, f"/a?page={page + 1}"))
    ),
    "next_url that is signed": Kind(
        paged("next_url") + FORMAT, query(), lambda page: body(page, next=more(page, f"/a?sig=abcdef&page={page + 1}"))
    ),
    "link": Kind(paged("link"), query(), lambda page: Said(rows(page), headers=link(page, f"?page={page + 1}"))),
    "link that is signed": Kind(
        paged("link"),
        query(),
        lambda page: Said(rows(page), headers=link(page, f"/a?sig=abcdef&page={page + 1}")),
        again=PAGES,
    ),
    "class by a header": Kind(
        paged("class", ", class: 'pagers:by_header'") + FORMAT,
        query(),
        lambda page: Said(body(page), headers=(("X-And-Then", str(page + 1)),) if page < PAGES else ()),
    ),
    "class by a body": Kind(
        paged("class", ", class: 'pagers:by_body'") + FORMAT,
        query(),
        lambda page: body(page, then=more(page, page + 1)),
    ),
    "class by a header that is signed": Kind(
        paged("class", ", class: 'pagers:by_header', keep_origin: true") + FORMAT,
        query(),
        lambda page: (
            Said(body(page), headers=(("X-And-Then", f"http://api.test/a?sig=abcdef&page={page + 1}"),))
            if page < PAGES
            else body(page)
        ),
        again=PAGES,
    ),
}


def faithful(kind: Kind) -> WebServer:
    """Answers as the kind does; pages that are broken get a 503."""

    def answer(asked: Asked) -> Any:
        page = kind.page_of(asked)
        return Said("away", 503) if page in server.broken else kind.answer(page)

    server = WebServer(answer)
    return server


def expected(kind: Kind) -> list[int]:
    hidden = {2} if kind.answer in {hollow, hollow_and_long} else set()
    return [row["id"] for page in range(1, PAGES + 1) if page not in hidden for row in rows(page)]


@pytest.mark.parametrize("name", KINDS)
def test_a_run_goes_on_where_it_stopped(name):
    kind, settings = KINDS[name], Settings()
    fields = "id: string" if name == "cursor in xml" else "id: int64"
    text = one(kind.below, fields=fields, source="limits: {concurrency: 1}, retry: {attempts: 1}")
    with faithful(kind) as server:
        server.broken = {3}
        first = attempt(text, server, settings)
        assert isinstance(first.error, TryLater)
        assert len(first.requests) == 3
        server.broken.clear()
        again = run(text, server, settings)
        assert [int(row["id"]) for row in again.records()] == expected(kind)
        assert len(again.requests) == kind.again
    assert "abcdef" not in facts_in(settings)


def facts_in(settings: Settings) -> str:
    """All that the lake says of answers."""
    keys = [entry.key for entry in settings.store.list("") if "/pages/" in entry.key and entry.key.endswith(".json")]
    assert keys
    return "".join(settings.store.read(key).decode() for key in keys)


@pytest.mark.parametrize("by", ["link", "next_url"])
def test_a_relative_link_behind_a_redirect_is_still_relative_to_what_answered(by):
    def answer(asked):
        if asked.path == "/old":
            return Said(None, 302, (("Location", "/new/list"),))
        page = asked.number("page", 1)
        if page in server.broken:
            return Said("away", 503)
        target = f"?page={page + 1}"
        return Said(body(page, next=more(page, target)) if by == "next_url" else rows(page), headers=link(page, target))

    below = paged(by, request="{path: /old}") + (FORMAT if by == "next_url" else "")
    text = one(below, source="limits: {concurrency: 1}, retry: {attempts: 1}")
    settings = Settings()
    with WebServer(answer) as server:
        server.broken = {2}
        first = attempt(text, server, settings)
        assert first.requests == ["/old", "/new/list", "/new/list?page=2"]
        server.broken.clear()
        again = run(text, server, settings)
    assert again.requests == [f"/new/list?page={page}" for page in (2, 3, 4)]
    assert [row["id"] for row in again.records()] == list(range(1, 9))


def test_a_redirect_to_a_signed_place_is_not_written_down_and_the_run_begins_anew():
    def answer(asked):
        if asked.path == "/old":
            return Said(None, 302, (("Location", "/new/list?sig=abcdef"),))
        page = asked.number("page", 1)
        return Said("away", 503) if page in server.broken else Said(rows(page), headers=link(page, f"?page={page + 1}"))

    text = one(paged("link", request="{path: /old}"), source="limits: {concurrency: 1}, retry: {attempts: 1}")
    settings = Settings()
    with WebServer(answer) as server:
        server.broken = {2}
        attempt(text, server, settings)
        assert "abcdef" not in facts_in(settings)
        server.broken.clear()
        again = run(text, server, settings)
    assert [target.partition("?")[0] for target in again.requests[:2]] == ["/old", "/new/list"]
    assert [row["id"] for row in again.records()] == list(range(1, 9))
