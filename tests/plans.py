"""A plan to read, with the parts that a test cares about."""

from datetime import date
from typing import Any

from levada.nouns import Place, Records
from levada.source.auth.fixed import Fixed, api_key
from levada.source.limits import Limiter
from levada.source.request import Plan
from levada.spec.auth import ApiKey, SecretRef
from levada.spec.model import Limits, Paging, Request, ResponseRule, Retry, Source, Stream
from levada.spec.template import Template, parse

__all__ = ["DAY", "PLACE", "plan", "rule", "texts"]

PLACE = Place("pipeline.yaml", 3, 5)
DAY = date(2022, 8, 9)


def texts(**pairs: str) -> tuple[tuple[str, Template], ...]:
    return tuple((name.replace("_", "-"), parse(text)) for name, text in pairs.items())


def rule(means: str, status: int | None = None, text: str | None = None) -> ResponseRule:
    return ResponseRule(means, PLACE, ((status, status),) if status else (), text)


#: What the sales API says past the end, and on a day without data.
RULES = (rule("end", 404, "doesn't exist"), rule("no_data", 404, "No data found"))


def plan(url: str = "http://api.test", *, token: str | None = "sesame-4711", **parts: Any) -> Plan:
    """A plan for ?date=2022-08-09&page=N; `parts` are fields of Paging, Retry, Limits, Source, Request or Stream."""

    def some(noun: Any) -> dict[str, Any]:
        return {name: parts.pop(name) for name in list(parts) if name in noun.__dataclass_fields__}

    values = parts.pop("values", {"date": DAY})
    paging = Paging(**{"by": "page", **some(Paging)})
    retry, limits = Retry(**some(Retry)), Limits(**some(Limits))
    path = parse(parts.pop("path", "/sales"))
    request = Request(
        path, PLACE, params=parts.pop("asked", texts(date="{date}")), headers=parts.pop("request_headers", ())
    )
    records = Records(parts.pop("records", None))
    stream = Stream("sales", request, PLACE, paging=paging, responses=parts.pop("responses", RULES), records=records)
    auth = (
        ApiKey("header", "Authorization", SecretRef(("AUTH_TOKEN", "API_AUTH_TOKEN"), PLACE), PLACE) if token else None
    )
    source = Source(url, PLACE, **{"auth": auth, "retry": retry, "limits": limits, **some(Source)})
    said = {name: parts.pop(name) for name in ("slices", "follow", "enough") if name in parts}
    assert not parts, parts
    signer = api_key(source.auth, {"AUTH_TOKEN": token}) if source.auth else Fixed()
    return Plan(source, stream, values, signer, Limiter(limits), **said)
