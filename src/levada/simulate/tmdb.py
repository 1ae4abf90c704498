"""TMDB, simulated: lists of shows by page, details by id, a key in the query or as a bearer, four kinds of refusal.

Known from recorded answers and the API's documentation: keys of lists and details, 20 a page, 500 pages at most, the
bodies of refusals. Guessed: the order of the checks, an empty list beyond the last page, Retry-After, and that a
filter that cannot be read changes nothing. The shows are made up.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from levada.edges import Clock, SystemClock
from levada.errors import FixThis
from levada.simulate import require
from levada.simulate.keys import key_in
from levada.simulate.tmdb_detail import detailed
from levada.simulate.tmdb_query import discover, page_number
from levada.simulate.tmdb_quota import Quota
from levada.simulate.tmdb_shows import SHOWS, listed, shows

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import Response

__all__ = ["DEMO_KEY", "key", "make_app"]

DEMO_KEY: Final = "levada-demo"
_VARIABLES: Final = ("TMDB_API_KEY", "IMDB_API_KEY")
_LANGUAGE: Final = "en-US"
_QUOTA: Final = (40, 10.0)
_MOST_SHOWS: Final = 100_000
#: code -> HTTP status and what is said.
_REFUSALS: Final = {
    6: (404, "Invalid id: The pre-requisite id is invalid or not found."),
    7: (401, "Invalid API key: You must be granted a valid key."),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    25: (429, "Your request count ({count}) is over the allowed limit of ({most})."),
    34: (404, "The resource you requested could not be found."),
}


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """What the API serves; `quota` is None where everything is taken."""

    count: int
    accepted: str
    quota: Quota | None
    clock: Clock

    def discover(self, asked: Mapping[str, str]) -> _Answer:
        page = page_number(asked.get("page", "1"))
        if page is None:
            return _refused(22)
        found = discover(self.count, {name: text for name, text in asked.items() if name != "page"}, page)
        language = asked.get("language", _LANGUAGE)
        results = [listed(show, language) for show in found.shows]
        return _told({"page": page, "results": results, "total_pages": found.pages, "total_results": found.results})

    def detail(self, text: str, asked: Mapping[str, str]) -> _Answer:
        if not (text.isascii() and text.isdigit()):
            return _refused(6)
        show = next((show for show in shows(self.count) if str(show.id) == text), None)
        return _refused(34) if show is None else _told(detailed(show, asked.get("language", _LANGUAGE)))

    def barred(self, asked: Mapping[str, str], authorization: str) -> _Answer | None:
        """The refusal of a request that may not be answered now, or None."""
        if self.accepted not in (asked.get("api_key"), authorization.removeprefix("Bearer ")):
            return _refused(7)
        if self.quota and (wait := self.quota.take(self.clock.monotonic())):
            most = self.quota.most
            return _refused(25, {"Retry-After": str(math.ceil(wait))}, count=most + 1, most=most)
        return None


def key(environment: Mapping[str, str]) -> tuple[str, str]:
    """The key that counts and where it comes from: TMDB_API_KEY, IMDB_API_KEY, or else the default."""
    return key_in(environment, _VARIABLES, DEMO_KEY)


def make_app(
    *,
    key: str | None = None,
    count: int = SHOWS,
    limited: bool = False,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> "FastAPI":
    """The simulated TMDB, with the log and the faults of `faults.Faults`.

    Args:
        key: The key that counts; None for the one that `environment` gives.
        count: Shows that there are.
        limited: Whether the 41st request within 10 seconds is refused.
        environment: Variables for `tmdb.key`; this process's own when None.
        clock: What the 10 seconds are measured by; this machine's when None.

    Raises:
        FixThis: `count` is out of range, or the extra `simulate` is not installed.
    """
    require()
    if not 1 <= count <= _MOST_SHOWS:
        raise FixThis(f"count is {count}.", where="the simulated TMDB", todo=f"give a number from 1 to {_MOST_SHOWS}")
    shows(count)  # made now: the first request is not slower than the others
    accepted = _accepted(key, os.environ if environment is None else environment)
    quota = Quota(*_QUOTA) if limited else None
    return _app(_Catalogue(count, accepted, quota, clock or SystemClock()))


def _app(catalogue: _Catalogue) -> "FastAPI":
    from fastapi import FastAPI, Request

    from levada.simulate.faults import Faults

    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Faults, hide=(catalogue.accepted,))

    @app.get("/3/discover/tv")
    async def discover_tv(request: Request) -> "Response":
        return _sent(_barred(catalogue, request) or catalogue.discover(request.query_params))

    @app.get("/3/tv/{show}")
    async def tv(request: Request, show: str) -> "Response":
        return _sent(_barred(catalogue, request) or catalogue.detail(show, request.query_params))

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def unknown(request: Request, _error: Exception) -> "Response":
        return _sent(_barred(catalogue, request) or _refused(34))

    return app


def _barred(catalogue: _Catalogue, request: "Request") -> _Answer | None:
    return catalogue.barred(request.query_params, request.headers.get("authorization", ""))


def _accepted(given: str | None, environment: Mapping[str, str]) -> str:
    return given if given is not None else key(environment)[0]


def _told(content: dict[str, Any]) -> _Answer:
    return _Answer(200, content, {})


def _refused(code: int, headers: Mapping[str, str] | None = None, **numbers: int) -> _Answer:
    status, text = _REFUSALS[code]
    content = {"status_code": code, "status_message": text.format(**numbers), "success": False}
    return _Answer(status, content, headers or {})


def _sent(answer: _Answer) -> "Response":
    """The answer as the API writes it: UTF-8, without spaces."""
    from fastapi.responses import Response

    body = json.dumps(answer.content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, answer.status, dict(answer.headers), media_type="application/json;charset=utf-8")
