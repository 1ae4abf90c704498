"""An answer -> the page it is, or the trouble it makes. Pure; does not decide what follows."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from levada.edges import Answer
from levada.errors import ContractBroken
from levada.nouns import Page, PageFacts
from levada.records.split import split
from levada.secret import redact
from levada.source.classify import classify
from levada.source.paginate import Position, meaning
from levada.source.request import Plan
from levada.source.trouble import Trouble, excerpt, from_answer, from_body

__all__ = ["judge", "kept_headers"]

_KEPT = {"content-type", "date", "etag", "last-modified", "retry-after", "x-request-id"}
_KEPT_PARTS = ("ratelimit", "rate-limit")


def judge(plan: Plan, position: Position, url: str, answer: Answer, at: datetime) -> Page | Trouble:
    """What `answer` to `url` brings: a page with its facts, or why it brings none."""
    verdict = classify(plan.stream.responses, answer)
    means = verdict.means
    if means == "retry" or means == "fail" or means == "denied" or means == "unknown":  # noqa: PLR1714 - mypy narrows ==
        return from_answer(plan, answer, verdict)
    rows = 0
    if means == "page":
        try:
            rows = len(split(answer.body, plan.stream.records, answer.headers.get("content-type", "")))
        except ContractBroken as error:
            return from_body(error)
    common: dict[str, Any] = {
        "number": position.number,
        "position": position.value,
        "url": redact(url),
        "status": answer.status,
        "headers": kept_headers(answer.headers),
        "size": len(answer.body),
        "sha256": hashlib.sha256(answer.body).hexdigest(),
        "at": at,
    }
    if rows:
        return Page(PageFacts(means="page", rows=rows, **common), answer.body)
    said = meaning(position, "empty" if means == "page" else means)
    return Page(PageFacts(means=said, rows=0, text=excerpt(answer.body), **common), b"")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping, redacted: what the body is, when it was made, what may be asked for and when."""
    return {
        name: redact(value)
        for name, value in headers.items()
        if name in _KEPT or any(part in name for part in _KEPT_PARTS)
    }
