"""One small server for each way in which collectors lose records, loop, leak or stop.

Each function gives a server to enter: its `truth` are the records that a faithful reader gets (or may get before it
must fail), its `seen` the requests that came.
"""

from collections.abc import Callable
from typing import Any

from webserver import Asked, Said, WebServer

__all__ = [
    "EVERY",
    "LINK_FORMS",
    "STRANGE",
    "capped_limit",
    "cookie_only",
    "cursor_stands_still",
    "cut_short",
    "empty_answers",
    "empty_header_cursor",
    "empty_next",
    "ids",
    "known_total",
    "link_rel_lists",
    "nested_lists",
    "newest_first",
    "next_elsewhere",
    "nothing_selected",
    "null_parent",
    "offsets_of_zones",
    "one_page_and_a_decoy",
    "pages_from_one",
    "retry_after",
    "short_last_page",
    "strange_parent",
    "total_once",
    "unsafe_post",
    "zero_limit",
]


def ids(first: int, last: int) -> list[dict[str, int]]:
    """Records with these ids, both included."""
    return [{"id": number} for number in range(first, last + 1)]


def pages_from_one() -> WebServer:
    """Z1: pages count from 1, one record each, and the body tells how many there are."""
    return WebServer(lambda asked: {"items": ids(n := asked.number("page", 1), n), "total_pages": 5}, truth=ids(1, 5))


def one_page_and_a_decoy() -> WebServer:
    """Z2: one page, whatever is asked; `next_update` looks like a cursor and is none."""
    return WebServer(lambda _: {"items": ids(1, 3), "next_update": "2026-01-01"}, truth=ids(1, 3))


def cursor_stands_still() -> WebServer:
    """Z3: the second page names itself as the next one, and has other records each time."""

    def answer(asked: Asked) -> Any:
        if asked.value("cursor") is None:
            return {"items": ids(1, 2), "next": "c2"}
        first = 2 * len(server.seen) - 1
        return {"items": ids(first, first + 1), "next": "c2"}

    server = WebServer(answer, truth=ids(1, 4))
    return server


def empty_header_cursor() -> WebServer:
    """Z4: the last page has the cursor's header, without a value."""

    def answer(asked: Asked) -> Said:
        page = asked.number("page", 1)
        follows = str(page + 1) if page < 3 else ""
        return Said(ids(page, page), headers=(("X-Next-Page", follows),))

    return WebServer(answer, truth=ids(1, 3))


def zero_limit() -> WebServer:
    """Z5: a limit of 0 gives an empty page that goes nowhere."""

    def answer(asked: Asked) -> Any:
        offset, limit = asked.number("offset", 0), int(asked.value("limit", "3") or 0)
        return {"items": ids(1, 7)[offset : offset + limit], "total": 7}

    return WebServer(answer, truth=ids(1, 7))


def empty_next(last: Any) -> WebServer:
    """Z6: the last page's next URL is `last`: an empty text, or false."""

    def answer(asked: Asked) -> Any:
        page = asked.number("page", 1)
        return {"items": ids(page, page), "next": f"/items?page={page + 1}" if page < 3 else last}

    return WebServer(answer, truth=ids(1, 3))


def capped_limit() -> WebServer:
    """Z7: whatever limit is asked for, two records come."""

    def answer(asked: Asked) -> Any:
        offset = asked.number("offset", 0)
        return {"items": ids(1, 7)[offset : offset + 2], "total": 7}

    return WebServer(answer, truth=ids(1, 7))


def total_once() -> WebServer:
    """Z8: only the first page tells the total; a page beyond the end is an error."""

    def answer(asked: Asked) -> Any:
        offset = asked.number("offset", 0)
        rows = ids(1, 7)[offset : offset + 3]
        if not rows:
            return Said({"message": "offset beyond the end"}, 416)
        return {"items": rows, **({"total": 7} if offset == 0 else {})}

    return WebServer(answer, truth=ids(1, 7))


def nothing_selected() -> WebServer:
    """Z9: the records are under `result.posts`, not where one may look for them."""
    return WebServer(lambda _: {"result": {"posts": ids(1, 3)}}, truth=ids(1, 3))


def nested_lists() -> WebServer:
    """Z10: the first page has two lists of records, the second one has one."""

    def answer(asked: Asked) -> Any:
        if asked.number("page", 1) == 1:
            return {"a": [{"x": ids(1, 2)}, {"x": ids(3, 5)}], "pages": 2}
        return {"a": [{"x": ids(6, 7)}], "pages": 2}

    return WebServer(answer, truth=ids(1, 7))


def next_elsewhere(stranger: WebServer) -> WebServer:
    """Z11: the second page is on another origin, where the key must not go; asked for at home it is there, too."""

    def answer(asked: Asked) -> Any:
        if asked.number("page", 1) > 1:
            return {"items": ids(3, 4), "next": None}
        return {"items": ids(1, 2), "next": f"{stranger.url}/items?page=2"}

    return WebServer(answer, truth=ids(1, 4))


def retry_after(wait: str, times: int = 1) -> WebServer:
    """Z12: the first `times` answers are 429 with this Retry-After: seconds, or an HTTP date."""

    def answer(_: Asked) -> Any:
        if len(server.seen) > times:
            return ids(1, 2)
        return Said({"message": "slow down"}, 429, (("Retry-After", wait),))

    server = WebServer(answer, truth=ids(1, 2))
    return server


def unsafe_post(times: int = 1) -> WebServer:
    """Z13: the first `times` POSTs are answered 500, though the server may have acted on them."""

    def answer(_: Asked) -> Any:
        return ids(1, 2) if len(server.seen) > times else Said({"message": "half done"}, 500)

    server = WebServer(answer, truth=ids(1, 2))
    return server


def cookie_only(name: str, key: str) -> WebServer:
    """Z14: the key counts in a cookie alone."""

    def answer(asked: Asked) -> Any:
        sent = asked.headers.get("cookie", "").split("; ")
        return ids(1, 2) if f"{name}={key}" in sent else Said({"message": "no session"}, 401)

    return WebServer(answer, truth=ids(1, 2))


#: An id made to break out of a path.
STRANGE = "a/b?c=1#z"


def strange_parent() -> WebServer:
    """Z15: a parent whose id holds what separates parts of a URL; only the escaped path has its child."""

    def answer(asked: Asked) -> Any:
        if asked.path == "/parents":
            return [{"id": STRANGE}]
        right = asked.path == "/p/a%2Fb%3Fc%3D1%23z/kids" and not asked.query
        return [{"kid": "one"}] if right else Said({"message": "not the parent's"}, 404)

    return WebServer(answer, truth=[{"kid": "one"}])


def null_parent() -> WebServer:
    """Z16: of four parents one has no id and one a null; whoever asks for them gets records that are nobody's."""

    def answer(asked: Asked) -> Any:
        if asked.path == "/parents":
            return [{"id": 1}, {"id": None}, {"name": "nameless"}, {"id": 2}]
        return [{"kid": asked.path}]

    return WebServer(answer, truth=[{"kid": "/p/1/kids"}, {"kid": "/p/2/kids"}])


def newest_first(*, bad: int = 3, rows: int = 50, size: int = 10) -> WebServer:
    """Z18: five pages, newest record first; page `bad` is a 422 while it is in `broken`."""

    def answer(asked: Asked) -> Any:
        page = asked.number("page", 1)
        if page in server.broken:
            return Said({"message": "this page cannot be read"}, 422)
        return stamped[(page - 1) * size : page * size]

    stamped = [{"id": n, "at": f"2022-01-01T00:{n:02}:00Z"} for n in range(rows, 0, -1)]
    server = WebServer(answer, truth=stamped)
    server.broken = {bad}
    return server


def offsets_of_zones() -> WebServer:
    """Z19: instants in several zones, whose order as texts is not their order in time; `truth` may get more."""
    rows = [
        {"id": 1, "at": "2022-01-01T13:00:00+05:00"},  # 08:00Z
        {"id": 2, "at": "2022-01-01T12:30:00Z"},
        {"id": 3, "at": "2022-01-01T09:00:00-05:00"},  # 14:00Z
    ]
    server = WebServer(lambda _: server.truth, truth=rows)
    return server


def cut_short(bad: int = 9, pages: int = 10) -> WebServer:
    """Z20: page `bad` of `pages` is a 503 while it is in `broken`; the body tells how many pages there are."""

    def answer(asked: Asked) -> Any:
        page = asked.number("page", 1)
        if page in server.broken:
            return Said({"message": "away"}, 503)
        return {"items": ids(page, page), "pages": pages}

    server = WebServer(answer, truth=ids(1, pages))
    server.broken = {bad}
    return server


def known_total(pages: int = 20, latency: float = 0.05) -> WebServer:
    """Z29: every page tells how many there are, and takes its time."""
    server = WebServer(lambda asked: {"items": ids(n := asked.number("page", 1), n), "pages": pages})
    server.truth, server.latency = ids(1, pages), latency
    return server


def empty_answers(status: int) -> WebServer:
    """Z30: two pages of records, then `status` with an empty body."""

    def answer(asked: Asked) -> Any:
        page = asked.number("page", 1)
        return ids(page, page) if page < 3 else Said(None, status, (("Content-Type", "application/json"),))

    return WebServer(answer, truth=ids(1, 2))


#: How the Link header writes the next page: name -> text with {page}, {before} and {url} to fill.
LINK_FORMS = {
    "a list of relations": '</items?page={page}>; rel="prev next"',
    "an unquoted relation": "</items?page={page}>; rel=next",
    "several links": '<{url}/items?page=1>; rel="first", <{url}/items?page={page}>; rel="next"',
    "a comma within a target": '<{url}/items?x=a,b&page={before}>; rel="prev", </items?x=a,b&page={page}>; rel="next"',
    "another case": '</items?page={page}>; REL="Next"',
    "another parameter first": '</items?page={page}>; title="the; next, page"; rel="next"',
    "a target without a path": '<?page={page}>; rel="next"',
}


def link_rel_lists(form: str) -> WebServer:
    """Z31: three pages linked as `LINK_FORMS[form]` says."""

    def answer(asked: Asked) -> Said:
        page = asked.number("page", 1)
        text = LINK_FORMS[form].format(page=page + 1, before=page - 1, url=server.url)
        return Said(ids(page, page), headers=(("Link", text),) if page < 3 else ())

    server = WebServer(answer, truth=ids(1, 3))
    return server


def short_last_page() -> WebServer:
    """Z32: pages of three of seven records, and no total."""

    def answer(asked: Asked) -> Any:
        first = 3 * (asked.number("page", 1) - 1)
        return ids(1, 7)[first : first + 3]

    return WebServer(answer, truth=ids(1, 7))


#: A server for every case, for a test that all of them answer.
EVERY: dict[str, Callable[[], WebServer]] = {
    "Z1": pages_from_one,
    "Z2": one_page_and_a_decoy,
    "Z3": cursor_stands_still,
    "Z4": empty_header_cursor,
    "Z5": zero_limit,
    "Z6": lambda: empty_next(""),
    "Z7": capped_limit,
    "Z8": total_once,
    "Z9": nothing_selected,
    "Z10": nested_lists,
    "Z12": lambda: retry_after("3600"),
    "Z13": unsafe_post,
    "Z14": lambda: cookie_only("session", "key"),
    "Z15": strange_parent,
    "Z16": null_parent,
    "Z18": newest_first,
    "Z19": offsets_of_zones,
    "Z20": cut_short,
    "Z29": known_total,
    "Z30": lambda: empty_answers(204),
    "Z31": lambda: link_rel_lists("a list of relations"),
    "Z32": short_last_page,
}
