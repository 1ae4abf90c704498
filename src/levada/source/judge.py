"""An answer -> the page it is and what it tells the paging, or the trouble it makes. Pure; decides not what follows."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from levada.edges import Answer
from levada.errors import ContractBroken
from levada.nouns import Page, PageFacts
from levada.records.raw import tree as record_tree
from levada.records.split import finder, parsed, split
from levada.secret import redact, shown_url
from levada.source.classify import classify
from levada.source.paginate import Position, noted
from levada.source.request import Plan
from levada.source.signals import Told, header_names, kept
from levada.source.trouble import Trouble, excerpt, from_answer, from_body
from levada.spec.model import Paging

__all__ = ["Judged", "judge", "kept_headers", "recalled"]

_KEPT = {"content-type", "date", "etag", "last-modified", "retry-after", "x-request-id"}
_KEPT_PARTS = ("ratelimit", "rate-limit")
_TROUBLES = {"retry", "wait", "fail", "denied", "unknown", "refresh_auth"}


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that brings a page, or says that there is none. Its place in the partition is not settled yet."""

    #: `facts.number` is its number in the slice; "empty" may yet be a page, where paging goes on behind it.
    page: Page
    told: Told
    #: Whether its records say that the rest is not needed.
    enough: bool = False


def judge(plan: Plan, position: Position, url: str, answer: Answer, at: datetime) -> Judged | Trouble:
    """What `answer` to `url` brings: a page with its facts, or why it brings none."""
    media = answer.headers.get("content-type", "")
    tree = _lazily(lambda: parsed(answer.body, plan.stream.records, media))
    verdict = classify(plan.stream.responses, answer, tree, graphql=_graphql(plan))
    if verdict.means in _TROUBLES:
        return from_answer(plan, answer, verdict, tree)
    records: list[Any] = []
    if verdict.means == "page":
        try:
            records = list(split(answer.body, plan.stream.records, media))
        except ContractBroken as error:
            return from_body(error)
    common: dict[str, Any] = {
        "number": position.number,
        "position": noted(position.value),
        "url": shown_url(url),
        "status": answer.status,
        "headers": kept_headers(answer.headers, plan.stream.paging),
        "size": len(answer.body),
        "sha256": hashlib.sha256(answer.body).hexdigest(),
        "at": at,
    }
    if records:
        facts = PageFacts(means="page", rows=len(records), **common)
    else:
        means: Any = "empty" if verdict.means == "page" else verdict.means
        facts = PageFacts(means=means, rows=0, text=excerpt(answer.body), **common)
    find = finder(answer.body, plan.stream.records, media)
    told = Told(facts, position.value, answer.url or url, answer.headers, find, _last(records))
    return Judged(Page(facts, answer.body), told, _enough(plan, records))


def recalled(plan: Plan, position: Position, url: str, facts: PageFacts, body: Callable[[], bytes]) -> Judged:
    """A page that is durable already, as it was judged; `body` reads its bytes, and is called only if it must be."""
    media = facts.headers.get("content-type", "")
    read = _lazily(body)

    def records() -> list[Any]:
        return list(split(read(), plan.stream.records, media)) if facts.means == "page" else []

    def last() -> Any:
        return _last(records())()

    def find(path: str) -> list[Any]:
        return finder(read(), plan.stream.records, media)(path) if facts.means == "page" else []

    told = Told(facts, position.value, url, facts.headers, find, last)
    return Judged(Page(facts, b""), told, plan.enough is not None and _enough(plan, records()))


def kept_headers(headers: Mapping[str, str], paging: Paging | None = None) -> dict[str, str]:
    """The headers worth keeping, redacted: what the body is, when it was made, what may be asked for, what leads on."""
    leading = header_names(paging) if paging else set()
    found = {
        name: redact(value)
        for name, value in headers.items()
        if name in _KEPT or any(part in name for part in _KEPT_PARTS)
    }
    return found | {name: kept(name, headers[name]) for name in sorted(leading & headers.keys())}


def _graphql(plan: Plan) -> bool:
    body = plan.request.body
    return body is not None and body.kind == "graphql"


def _enough(plan: Plan, records: list[Any]) -> bool:
    return plan.enough is not None and bool(records) and plan.enough(records)


def _last(records: list[Any]) -> Callable[[], Any]:
    return _lazily(lambda: record_tree(records[-1]) if records else None)


def _lazily(make: Callable[[], Any]) -> Callable[[], Any]:
    return cache(make)
