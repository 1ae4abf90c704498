"""An API in every shape that collectors meet: 25 posts in 5 pages of 5, each with 50 comments in 10 pages.

Paths that end in `_via_...` take `post_id` from that place alone.
"""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from webserver import Asked, Said, WebServer

__all__ = ["COMMENTS", "PAGE", "POSTS", "MockApi", "comments_of", "mock_api"]

PAGE = 5
POSTS = [{"id": number, "title": f"Post {number}"} for number in range(25)]
#: Comments of a post, and its reactions.
COMMENTS, REACTIONS = 50, 5
_USERS = [{"id": number, "name": f"User {number}"} for number in range(14)]
_TOKEN = "test-token"

Answer = Callable[..., Any]


class MockApi(WebServer):
    """The API on a free port; `seen` has the requests, `fail` plans failures, `latency` slows it."""

    def __init__(self) -> None:
        super().__init__(self._route, truth=POSTS)

    def _route(self, asked: Asked) -> Any:
        for methods, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if found and asked.method in methods:
                return answer(self, asked, *map(int, found.groups()))
        return Said({"message": f"no such path: {asked.method} {asked.path}"}, 404)


@contextmanager
def mock_api(latency: float = 0.0) -> Iterator[MockApi]:
    """The API while the block lasts; each answer takes `latency` seconds."""
    with MockApi() as api:
        api.latency = latency
        yield api


def comments_of(post: int) -> list[dict[str, Any]]:
    return [{"id": n, "post_id": post, "body": f"Comment {n} for post {post}"} for n in range(COMMENTS)]


def _with_reactions() -> list[dict[str, Any]]:
    def reactions(post: int) -> list[dict[str, Any]]:
        return [{"id": n, "title": f"Reaction {n} for post {post}"} for n in range(REACTIONS)]

    return [{**post, "reactions": reactions(post["id"])} for post in POSTS]


def _sheet(
    rows: list[Any], *, base: int = 1, key: str = "data", link: str = "absolute"
) -> Callable[[MockApi, Asked], Any]:
    """Pages by number; `base` is the first one, `key` holds the records, `link` says how the next page is named."""

    def answer(api: MockApi, asked: Asked) -> Any:
        page = asked.number("page", base)
        total = -(-len(rows) // PAGE)
        first = (page - base) * PAGE
        body = {key: rows[first : first + PAGE], "page": page, "total_pages": total}
        if page - base + 1 < total:
            origin = api.url if link == "absolute" else ""
            post = asked.value("post_id")
            body["next_page"] = f"{origin}{asked.path}?page={page + 1}" + (f"&post_id={post}" if post else "")
        return body

    return answer


def _header_link(api: MockApi, asked: Asked) -> Said:
    page = asked.number("page", 1)
    follows = f'<{api.url}{asked.path}?page={page + 1}>; rel="next"'
    return Said(_five(page), headers=(("Link", follows),) if page < PAGE else ())


def _header_cursor(_: MockApi, asked: Asked) -> Said:
    page = asked.number("page", 1)
    return Said(_five(page), headers=(("cursor", str(page + 1)),) if page < PAGE else ())


def _five(page: int) -> list[dict[str, Any]]:
    return POSTS[(page - 1) * PAGE : page * PAGE]


def _offset_limit(_: MockApi, asked: Asked) -> Any:
    return _slice_of(asked.number("offset", 0), int(asked.value("limit", "10") or 0))


def _offset_limit_body(_: MockApi, asked: Asked) -> Any:
    return _slice_of(int(asked.json.get("offset", 0)), int(asked.json.get("limit", 10)))


def _slice_of(offset: int, limit: int) -> dict[str, Any]:
    rows = POSTS[offset : offset + limit]
    return {"data": rows, "total_records": len(POSTS), "offset": offset, "limit": limit}


def _cursor(_: MockApi, asked: Asked) -> Any:
    first = asked.number("cursor", 0)
    following = first + PAGE
    return {"data": POSTS[first:following], "next_cursor": following if following < len(POSTS) else None}


def _null_terminated(_: MockApi, asked: Asked) -> Any:
    return {
        None: {"users": _USERS[:10], "next_token": "cursor_page_2"},
        "cursor_page_2": {"users": _USERS[10:], "next_token": "cursor_final"},
        "cursor_final": {"users": None, "next_token": None},
    }[asked.value("cursor")]


def _search(_: MockApi, asked: Asked) -> Any:
    told = {"page_size": 5, "page_count": 5, "page": 1, "ids_greater_than": 0, **asked.json}
    size, page = told["page_size"], told["page"]
    found = [post for post in POSTS if post["id"] > told["ids_greater_than"]]
    more = page * size < len(found) and page < told["page_count"]
    return {
        "data": found[(page - 1) * size : page * size],
        "next_page": page + 1 if more else None,
        "total_pages": told["page_count"],
    }


def _detail(_: MockApi, __: Asked, post: int) -> Any:
    return {"id": post, "body": f"Post body {post}"}


def _comments(api: MockApi, asked: Asked, post: int) -> Any:
    return _sheet(comments_of(post))(api, asked)


def _told_by(where: Callable[[Asked], Any], answer: Answer) -> Answer:
    """`answer` for the post that the request names in this place."""

    def found(api: MockApi, asked: Asked) -> Any:
        post = where(asked)
        return Said({"message": "no post_id"}, 422) if post is None else answer(api, asked, int(post))

    return found


def _in_query(asked: Asked) -> Any:
    return asked.value("post_id")


def _in_header(asked: Asked) -> Any:
    return asked.headers.get("post_id", asked.headers.get("post-id"))


def _in_json(asked: Asked) -> Any:
    return asked.json.get("post_id")


def _in_form(asked: Asked) -> Any:
    return asked.form.get("post_id")


def _some_404(api: MockApi, asked: Asked, post: int) -> Any:
    return _detail(api, asked, post) if post == 0 else Said({"detail": "Post not found"}, 404)


def _404_others_422(api: MockApi, asked: Asked, post: int) -> Any:
    return Said(None, 422) if post > 1 else _some_404(api, asked, post)


def _some_204(api: MockApi, asked: Asked, post: int) -> Any:
    return _detail(api, asked, post) if post == 0 else Said(None, 204)


def _protected(header: str, expected: str, refusal: Any = None) -> Answer:
    refused = Said({"message": "unauthorized"} if refusal is None else refusal, 401)

    def answer(api: MockApi, asked: Asked) -> Any:
        return _sheet(POSTS)(api, asked) if asked.headers.get(header) == expected else refused

    return answer


def _basic_of(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _token(lives: int) -> Answer:
    def answer(_: MockApi, asked: Asked) -> Any:
        form = asked.form
        client = (form.get("client_id"), form.get("client_secret"))
        by_client = form.get("grant_type") == "client_credentials" and client == (
            "test-client-id",
            "test-client-secret",
        )
        by_assertion = "jwt-bearer" in form.get("grant_type", "") and form.get("assertion")
        return _granted(lives) if by_client or by_assertion else Said({"error": "invalid_client"}, 401)

    return answer


def _custom_token(_: MockApi, asked: Asked) -> Any:
    right = (
        asked.form.get("grant_type") == "account_credentials"
        and asked.form.get("account_id") == "test-account-id"
        and asked.headers.get("authorization") == _basic_of("test-account-id", "test-client-secret")
    )
    return _granted(3600) if right else Said({"error": "invalid_client"}, 401)


def _granted(lives: int) -> dict[str, Any]:
    return {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": lives}


_GET, _POST = ("GET",), ("POST",)
_ID = r"/posts/(\d+)"
_ROUTES: list[tuple[tuple[str, ...], str, Answer]] = [
    (_GET, "/posts", _sheet(POSTS)),
    (_GET, "/posts_zero_based", _sheet(POSTS, base=0)),
    (_GET, "/posts_relative_next_url", _sheet(POSTS, link="relative")),
    (_GET, "/posts_no_key", _sheet(POSTS, key="null")),
    (_GET, "/posts_under_a_different_key", _sheet(POSTS, key="many-results")),
    (_GET, "/posts_with_reactions", _sheet(_with_reactions())),
    (_GET, "/posts_header_link", _header_link),
    (_GET, "/posts_header_cursor", _header_cursor),
    (_GET, "/posts_offset_limit", _offset_limit),
    (_POST, "/posts_offset_limit_via_json_body", _offset_limit_body),
    (_GET, "/posts_cursor", _cursor),
    (_GET, "/posts_cursor_null_terminated", _null_terminated),
    (_POST, "/posts/search", _search),
    (_GET, _ID, _detail),
    (_GET, f"{_ID}/comments", _comments),
    (_GET, f"{_ID}/some_details_404", _some_404),
    (_GET, f"{_ID}/some_details_404_others_422", _404_others_422),
    (_GET, f"{_ID}/some_details_204", _some_204),
    (_GET, "/post_comments", _told_by(_in_query, _comments)),
    (_GET, "/post_detail", _told_by(_in_query, _detail)),
    (_GET, "/post_comments_via_header", _told_by(_in_header, _comments)),
    (_GET, "/post_detail_via_header", _told_by(_in_header, _detail)),
    (_POST, "/post_comments_via_json_body", _told_by(_in_json, _comments)),
    (_POST, "/post_detail_via_json_body", _told_by(_in_json, _detail)),
    (_POST, "/post_comments_via_form_body", _told_by(_in_form, _comments)),
    (_POST, "/post_detail_via_form_body", _told_by(_in_form, _detail)),
    (_GET, "/protected/posts/basic-auth", _protected("authorization", _basic_of("user", "password"))),
    (_GET, "/protected/posts/bearer-token", _protected("authorization", f"Bearer {_TOKEN}")),
    (
        _GET,
        "/protected/posts/bearer-token-plain-text-error",
        _protected("authorization", f"Bearer {_TOKEN}", "Unauthorized"),
    ),
    (_GET, "/protected/posts/api-key", _protected("x-api-key", "test-api-key")),
    (_POST, "/oauth/token", _token(3600)),
    (_POST, "/oauth/token-expires-now", _token(0)),
    (_POST, "/custom-oauth/token", _custom_token),
]
