"""An answer -> the page it is and what it tells the paging, or the trouble it makes. Pure; decides not what follows."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from levada.edges import Answer
from levada.errors import ContractBroken
from levada.nouns import Format, Page, PageFacts
from levada.records.raw import tree as record_tree
from levada.records.split import finder, parsed, split
from levada.secret import SHOWN_AS, redact, shown_url
from levada.source.classify import classify
from levada.source.paginate import Position, noted
from levada.source.request import Plan
from levada.source.signals import Told, header_names, kept
from levada.source.trouble import Trouble, excerpt, from_answer, from_body
from levada.spec.model import Paging

__all__ = ["Judged", "judge", "kept_headers", "recalled"]

_KEPT = {"content-type", "date", "etag", "last-modified", "retry-after", "x-request-id"}
_KEPT_PARTS = ("ratelimit", "rate-limit")
#: Media types of JSON (RFC 6839, 3.1), but not of JSON lines.
_JSON = re.compile(r"\A\s*[^\s;/]+/(?:json|[^\s;]+\+json)\s*(?:;|\Z)", re.IGNORECASE)
_OK = range(200, 300)
_TROUBLES = {"retry", "wait", "fail", "denied", "unknown", "refresh_auth"}


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that brings a page, or says that there is none. Its place in the partition is not settled yet."""

    #: `facts.number` is its number in the slice; "empty" may yet be a page, where paging goes on behind it.
    page: Page
    told: Told
    #: Whether its records say that the rest is not needed.
    enough: bool = False
    #: Whether its status or a rule says that it holds no records: then its body is no page, whatever follows.
    bare: bool = False


def judge(plan: Plan, position: Position, url: str, answer: Answer, at: datetime) -> Judged | Trouble:
    """What `answer` to `url` brings: a page with its facts, or why it brings none."""
    media = answer.headers.get("content-type", "")
    tree = _lazily(lambda: _tree(plan, answer, media))
    verdict = classify(plan.stream.responses, answer, tree, graphql=_graphql(plan))
    if verdict.means in _TROUBLES:
        return from_answer(plan, answer, verdict, tree)
    records: Sequence[Any] = ()
    if verdict.means == "page":
        try:
            records = split(answer.body, plan.stream.records, media)
        except ContractBroken as error:
            return from_body(error)
    common: dict[str, Any] = {
        "number": position.number,
        "position": noted(position.value),
        "url": shown_url(url),
        "status": answer.status,
        "headers": kept_headers(answer.headers, plan.stream.paging),
        "answered": shown_url(answer.url) if answer.url and answer.url != url else None,
        "size": len(answer.body),
        "sha256": hashlib.sha256(answer.body).hexdigest(),
        "at": at,
    }
    if records:
        facts = PageFacts(means="page", rows=len(records), **common)
    else:
        means: Any = "empty" if verdict.means == "page" else verdict.means
        facts = PageFacts(means=means, rows=0, text=excerpt(answer.body), **common)
    bare = verdict.means != "page"
    find = _finder(plan, answer.body, media, bare=bare)
    told = Told(facts, position.value, answer.url or url, answer.headers, find, _last(records))
    return Judged(Page(facts, answer.body), told, _enough(plan, records), bare)


def recalled(plan: Plan, position: Position, url: str, facts: PageFacts, body: Callable[[], bytes]) -> Judged:
    """A page that is durable already, as it was judged; `body` reads its bytes, and is called only if it must be."""
    media = facts.headers.get("content-type", "")
    read = _lazily(body if facts.means == "page" else lambda: _of_text(facts))

    def records() -> Sequence[Any]:
        return split(read(), plan.stream.records, media) if facts.means == "page" else []

    def last() -> Any:
        return _last(records())()

    finds = _lazily(lambda: _finder(plan, read(), media, bare=facts.means != "page"))

    def find(path: str) -> list[Any]:
        found: list[Any] = finds()(path)
        return found

    told = Told(facts, position.value, _answered(facts, url), facts.headers, find, last)
    return Judged(Page(facts, b""), told, plan.enough is not None and _enough(plan, records()))


def kept_headers(headers: Mapping[str, str], paging: Paging | None = None) -> dict[str, str]:
    """The headers worth keeping, redacted: what the body is, when it was made, what may be asked for, what leads on."""
    everything = paging is not None and paging.by == "class"  # nobody knows what the user's own code looks at
    leading = set(headers) if everything else header_names(paging) if paging else set()
    found = {
        name: redact(value)
        for name, value in headers.items()
        if name in _KEPT or any(part in name for part in _KEPT_PARTS)
    }
    return found | {name: kept(name, headers[name]) for name in sorted(leading & headers.keys())}


def _finder(plan: Plan, body: bytes, media: str, *, bare: bool) -> Callable[[str], list[Any]]:
    """Finds values in a body; an answer that is no page need not be written in the stream's format: it says nothing."""
    find = finder(body, plan.stream.records, media)

    def forgiving(path: str) -> list[Any]:
        try:
            return find(path)
        except ContractBroken:
            return []

    return forgiving if bare else find


def _of_text(facts: PageFacts) -> bytes:
    """The body of an answer without records, which only its facts keep."""
    body = (facts.text or "").encode()
    if hashlib.sha256(body).hexdigest() != facts.sha256:
        raise ContractBroken("What the answer said was not kept whole.", todo="Read the partition anew.")
    return body


def _answered(facts: PageFacts, url: str) -> str:
    """The URL that links are relative to; "" where it held a secret, so that none is made up."""
    if facts.answered is None:
        return url
    return "" if SHOWN_AS in facts.answered else facts.answered


def _tree(plan: Plan, answer: Answer, media: str) -> Any:
    """The body for `responses` and messages: errors come as JSON whatever the pages are written in."""
    records = plan.stream.records
    if records.format != Format() and (_JSON.search(media) or answer.status not in _OK):
        try:
            return parsed(answer.body, replace(records, format=Format()), media)
        except ContractBroken:
            pass
    return parsed(answer.body, records, media)


def _graphql(plan: Plan) -> bool:
    body = plan.request.body
    return body is not None and body.kind == "graphql"


def _enough(plan: Plan, records: Sequence[Any]) -> bool:
    return plan.enough is not None and bool(records) and plan.enough(records)


def _last(records: Sequence[Any]) -> Callable[[], Any]:
    return _lazily(lambda: record_tree(records[-1]) if records else None)


def _lazily(make: Callable[[], Any]) -> Callable[[], Any]:
    return cache(make)
