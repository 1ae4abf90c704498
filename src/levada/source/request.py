"""What is asked: a frozen plan and a position -> one HTTP call. Pure; does not decide what is asked next."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from levada.edges import Call, Credential
from levada.errors import FixThis
from levada.secret import Secret, redact
from levada.source.paginate import Position
from levada.spec.auth import ApiKey
from levada.spec.model import Source, Stream
from levada.spec.template import Template, Value, fill
from levada.version import __version__

__all__ = ["Plan", "build", "fingerprint", "origin", "place"]

_PORTS = {"http": 80, "https": 443}
#: Characters that literal text of a path keeps: RFC 3986 pchar, "/", the query's "?" and escapes already made.
_PATH = "/?%:@!$&'()*+,;=~-._"
#: What no header value may hold (RFC 9110, 5.5); a token read from a file often ends in a line break.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_Pairs = tuple[tuple[str, Template], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that reading one partition of one stream needs to know."""

    source: Source
    stream: Stream
    #: What fills the templates; `date` is the partition's day.
    values: Mapping[str, Value]
    #: The key for the source's own origin, None where the API asks for none.
    key: Secret | None = None


def build(plan: Plan, position: Position) -> Call:
    """The call for the page at `position`.

    Raises:
        FixThis: a header value, the secret included, holds a line break or another control character.
    """
    source = plan.source
    return Call(
        method="GET",
        url=_url(plan, position),
        headers=_headers(plan),
        credentials=_credentials(plan),
        origin=origin(source.url),
        timeout=source.timeout,
        size_limit=source.limits.page_size,
    )


def origin(url: str) -> str:
    """Scheme, host and port of `url`, as in "https://host:443" (RFC 6454, 4)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def place(plan: Plan, number: int | None = None, url: str | None = None) -> str:
    """Where something happened, for people: "stream sales, 2022-08-09, page 3, https://host/sales?page=3"."""
    partition = [str(plan.values["partition"])] if "partition" in plan.values else map(str, plan.values.values())
    page = "" if number is None else f"page {number}"
    parts = (f"stream {plan.stream.name}", *partition, page, "" if url is None else url)
    return redact(", ".join(part for part in parts if part))


def fingerprint(plan: Plan) -> str:
    """SHA-256 (hex) of what decides which pages come: url, request, page position, responses, records.

    Templates are filled; secrets, limits and how far is asked ahead are left out.
    """
    stream, source, paging = plan.stream, plan.source, plan.stream.paging
    said = {
        "url": source.url,
        "key_header": source.auth.name if isinstance(source.auth, ApiKey) else None,
        "path": _path(plan),
        "params": _params(plan),
        "headers": _asked_headers(plan),
        "paging": [paging.by, paging.param, paging.start, paging.max_pages],
        "responses": [[rule.statuses, rule.text, rule.means] for rule in stream.responses],
        "records": [stream.records.path],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _url(plan: Plan, position: Position) -> str:
    base, _, asked = plan.source.url.partition("?")
    path = _path(plan)
    url = f"{base.rstrip('/')}/{path}" if path else base
    pairs = _params(plan)
    if plan.stream.paging.by == "page":
        # The paginator has the last word on its own parameter.
        pairs = [pair for pair in pairs if pair[0] != plan.stream.paging.param]
        pairs.append((plan.stream.paging.param, str(position.value)))
    written = "&".join(f"{_escape(name)}={_escape(value)}" for name, value in pairs)
    query = "&".join(part for part in (asked, written) if part)
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _path(plan: Plan) -> str:
    """The stream's path without its first slash, escaped: a value never adds a segment, a query or a fragment."""
    filled = fill(plan.stream.request.path, plan.values, _escape)
    return quote(filled.lstrip("/"), safe=_PATH)


def _escape(text: str) -> str:
    # A segment of dots alone would climb (RFC 3986, 5.2.4), and quote() leaves dots as they are.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def _params(plan: Plan) -> list[tuple[str, str]]:
    return _joined(plan, plan.source.params, plan.stream.request.params, str)


def _asked_headers(plan: Plan) -> list[tuple[str, str]]:
    return _joined(plan, plan.source.headers, plan.stream.request.headers, str.lower)


def _joined(plan: Plan, source: _Pairs, stream: _Pairs, same: Callable[[str], str]) -> list[tuple[str, str]]:
    """The source's pairs, then the stream's; a name that the stream gives too is the stream's."""
    own = {same(name) for name, _ in stream}
    pairs = [pair for pair in source if same(pair[0]) not in own]
    return [(name, fill(template, plan.values)) for name, template in (*pairs, *stream)]


def _headers(plan: Plan) -> tuple[tuple[str, str], ...]:
    asked = _asked_headers(plan)
    for name, value in asked:
        _refuse_control(value, f"The header {name}")
    given = {name.lower() for name, _ in asked}
    ours = () if "user-agent" in given else (("User-Agent", f"levada/{__version__}"),)
    # Not for the spec to change: the wire decodes these two, and checks that they end.
    kept = (pair for pair in asked if pair[0].lower() != "accept-encoding")
    return (*ours, ("Accept-Encoding", "gzip, deflate"), *kept)


def _credentials(plan: Plan) -> tuple[Credential, ...]:
    auth = plan.source.auth
    if plan.key is None or not isinstance(auth, ApiKey):
        return ()
    _refuse_control(plan.key.value, f"The secret {plan.key.name}")
    return (Credential(auth.carrier, auth.name, plan.key),)


def _refuse_control(value: str, what: str) -> None:
    if _CONTROL.search(value):
        raise FixThis(
            f"{what} holds a line break or another control character, which no header can carry.",
            todo="Take it out; a token read from a file often ends in a line break.",
        )
