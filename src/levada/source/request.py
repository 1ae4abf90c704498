"""What is asked: a frozen plan, a slice and a position -> one HTTP call. Pure; does not decide what is asked next."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from levada.edges import Call
from levada.errors import FixThis
from levada.secret import redact, shown_url
from levada.source.auth.signer import Signer
from levada.source.body import content
from levada.source.limits import Limiter
from levada.source.origin import origin
from levada.source.paginate import Position
from levada.source.signals import Follow
from levada.source.slices import Slice
from levada.spec.model import Pairs, Request, Source, Stream
from levada.spec.template import Value, fill
from levada.version import __version__

__all__ = ["Plan", "build", "place", "shown"]

#: Characters that literal text of a path keeps: RFC 3986 pchar, "/", the query's "?" and escapes already made.
_PATH = "/?%:@!$&'()*+,;=~-._"
#: What no header value may hold (RFC 9110, 5.5); a token read from a file often ends in a line break.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
#: Kinds of paging whose position is a whole URL.
_BY_URL = {"next_url", "link"}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that reading one partition of one stream needs to know."""

    source: Source
    stream: Stream
    #: What fills the templates; `date` is the partition's day.
    values: Mapping[str, Value]
    #: Adds the credentials.
    signer: Signer
    limiter: Limiter
    #: The parts that are asked for, in order.
    slices: Sequence[Slice] = (Slice(),)
    #: The user's function of `by: class`.
    follow: Follow | None = None
    #: Whether the records of a page say that the rest is not needed (`incremental` in order).
    enough: Callable[[Sequence[bytes]], bool] | None = None

    @property
    def request(self) -> Request:
        """What the stream asks for; a stream that asks for nothing has no plan."""
        assert self.stream.request  # noqa: S101 - `pages_of` streams are never read from an API
        return self.stream.request


def build(plan: Plan, part: Slice, position: Position) -> Call:
    """The call for the page at `position` of a slice, not signed yet.

    Raises:
        FixThis: a header value holds a line break or another control character; a template's value is null.
    """
    source, request = plan.source, plan.request
    values = {**plan.values, **part.values}
    sent = content(request.body, values, _carried(plan, "body", position))
    headers = _headers(plan, values, position)
    kind = () if sent is None or sent.media is None or _given(headers, "content-type") else ((_TYPE, sent.media),)
    return Call(
        method=request.method,
        url=_url(plan, values, position),
        headers=(*headers, *kind),
        body=None if sent is None else sent.data,
        origin=origin(source.url),
        timeout=source.timeout,
        size_limit=source.limits.page_size,
    )


_TYPE = "Content-Type"


def place(plan: Plan, part: Slice | None = None, number: int | None = None, url: str | None = None) -> str:
    """Where something happened, for people: "stream sales, 2022-08-09, page 3, https://host/sales?page=3"."""
    partition = [str(plan.values["partition"])] if "partition" in plan.values else map(str, plan.values.values())
    page = "" if number is None else f"page {number}"
    label = part.label if part else ""
    parts = (f"stream {plan.stream.name}", *partition, label, page, "" if url is None else shown_url(url))
    return redact(", ".join(text for text in parts if text))


def shown(call: Call) -> str:
    """The URL of a call, for people and records."""
    return shown_url(call.url)


def _url(plan: Plan, values: Mapping[str, Value], position: Position) -> str:
    if isinstance(position.value, str) and (plan.stream.paging.by in _BY_URL or _by_class(plan, position.value)):
        return _followed(plan, position.value)
    base, _, asked = plan.source.url.partition("?")
    path = _path(plan.request, values)
    url = path if _ABSOLUTE.match(path) else f"{base.rstrip('/')}/{path}" if path else base
    carried = _carried(plan, "query", position)
    # The paginator has the last word on its own parameters.
    pairs = [pair for pair in _params(plan, values) if pair[0] not in carried]
    pairs += [(name, str(value)) for name, value in carried.items()]
    written = "&".join(f"{_escape(name)}={_escape(value)}" for name, value in pairs)
    query = "&".join(part for part in (asked, written) if part)
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _by_class(plan: Plan, value: str) -> bool:
    return plan.stream.paging.by == "class" and _ABSOLUTE.match(value) is not None


def _followed(plan: Plan, link: str) -> str:
    if not plan.stream.paging.keep_origin:
        return link
    ours, theirs = urlsplit(plan.source.url), urlsplit(link)
    return urlunsplit((ours.scheme, ours.netloc, *theirs[2:]))


def _carried(plan: Plan, carrier: str, position: Position) -> dict[str, int | str]:
    """What paging sends with this request in that place, by name: the limit, and where the page begins."""
    paging = plan.stream.paging
    if paging.carrier != carrier or paging.by == "none":
        return {}
    limit = {paging.limit_param: paging.limit} if paging.limit_param and paging.limit else {}
    begins = {} if position.value is None or paging.by in _BY_URL else {paging.param: position.value}
    return {**limit, **begins}


def _path(request: Request, values: Mapping[str, Value]) -> str:
    """The stream's path without its first slash, escaped: a value never adds a segment, a query or a fragment."""
    filled = fill(request.path, values, _escape)
    return quote(filled.lstrip("/"), safe=_PATH)


def _escape(text: str) -> str:
    # A segment of dots alone would climb (RFC 3986, 5.2.4), and quote() leaves dots as they are.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def _params(plan: Plan, values: Mapping[str, Value]) -> list[tuple[str, str]]:
    return _joined(plan.source.params, plan.request.params, values, str)


def _joined(
    source: Pairs, stream: Pairs, values: Mapping[str, Value], same: Callable[[str], str]
) -> list[tuple[str, str]]:
    """The source's pairs, then the stream's; a name that the stream gives too is the stream's."""
    own = {same(name) for name, _ in stream}
    pairs = [pair for pair in source if same(pair[0]) not in own]
    return [(name, fill(template, values)) for name, template in (*pairs, *stream)]


def _headers(plan: Plan, values: Mapping[str, Value], position: Position) -> tuple[tuple[str, str], ...]:
    asked = _joined(plan.source.headers, plan.request.headers, values, str.lower)
    carried = {name: str(value) for name, value in _carried(plan, "header", position).items()}
    low = {name.lower() for name in carried}
    asked = [pair for pair in asked if pair[0].lower() not in low] + list(carried.items())
    for name, value in asked:
        _refuse_control(value, f"The header {name}")
    ours = () if _given(asked, "user-agent") else (("User-Agent", f"levada/{__version__}"),)
    # Not for the spec to change: the wire decodes these two, and checks that they end.
    kept = (pair for pair in asked if pair[0].lower() != "accept-encoding")
    return (*ours, ("Accept-Encoding", "gzip, deflate"), *kept)


def _given(headers: Sequence[tuple[str, str]], name: str) -> bool:
    return any(given.lower() == name for given, _ in headers)


def _refuse_control(value: str, what: str) -> None:
    if _CONTROL.search(value):
        raise FixThis(
            f"{what} holds a line break or another control character, which no header can carry.",
            todo="Take it out; a token read from a file often ends in a line break.",
        )
