"""One exchange of a call: where it goes, and what it may carry there. Pure; redirects lead from one hop to the next.

Credentials go to their own origin and nowhere else, at every hop anew. No `Hop` holds one: `sent_url` and
`sent_headers` add them for the wire alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urldefrag, urljoin, urlsplit

from levada.edges import Answer, Call, Credential, WireFault
from levada.secret import shown_url
from levada.source.origin import origin

__all__ = ["MAX_REDIRECTS", "Hop", "first", "follow", "sent_headers", "sent_url"]

MAX_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
#: After these a POST is asked for as a GET, as every browser does (RFC 9110, 15.4.2 and 15.4.3).
_POST_TURNS = {301, 302}
_SEE_OTHER = 303
_ASCII = "".join(map(chr, range(33, 127)))
#: Never for another origin, though they came with the call (RFC 9110, 15.4).
_PRIVATE = {"authorization", "cookie", "origin", "proxy-authorization", "referer"}


@dataclass(frozen=True, slots=True)
class Hop:
    """One request on the way to an answer. Its URL holds no credentials, so it can be shown."""

    method: str
    url: str
    body: bytes | None = None


def first(call: Call) -> Hop:
    """The request that begins `call`.

    Raises:
        WireFault: its URL is none; it may come from an API's next link.
    """
    try:
        return Hop(call.method, _bare(call, call.url), call.body)
    except ValueError:
        raise WireFault("no_such_host", f"{shown_url(call.url)!r} is no URL") from None


def follow(call: Call, hops: Sequence[Hop], answer: Answer) -> Hop | None:
    """The request to which `answer`, that of the last of `hops`, redirects; None where it does not (RFC 9110, 15.4).

    Raises:
        WireFault: it leads nowhere, in circles, or would carry a body to another origin.
    """
    target = _target(answer)
    if target is None:
        return None
    last, url = hops[-1], _bare(call, target)
    gets = answer.status == _SEE_OTHER or (answer.status in _POST_TURNS and last.method == "POST")
    hop = Hop("GET", url) if gets else Hop(last.method, url, last.body)
    if hop in hops:
        raise WireFault("redirects", f"{shown_url(url)} is redirected to itself")
    if len(hops) > MAX_REDIRECTS:
        raise WireFault("redirects", f"more than {MAX_REDIRECTS}, the last to {shown_url(url)}")
    if hop.body is not None and origin(url) != origin(hops[0].url):
        raise WireFault("redirects", f"a {hop.method} with a body to another origin, {shown_url(url)}, is not sent on")
    return hop


def sent_url(call: Call, hop: Hop) -> str:
    """The URL of `hop` as it goes over the wire: with query credentials, if it is their origin."""
    url = hop.url
    for each in _credentials(call, hop, "query"):
        joint = "?" if "?" not in url else "" if url[-1] in "?&" else "&"
        url = f"{url}{joint}{quote(each.name, safe='')}={quote(each.secret.value, safe='')}"
    return url


def sent_headers(call: Call, hop: Hop) -> list[tuple[str, str]]:
    """The headers of `hop` as they go over the wire; a credential takes the place of a header of its name."""
    mine = _credentials(call, hop, "header")
    cookies = [f"{each.name}={each.secret.value}" for each in _credentials(call, hop, "cookie")]
    taken = {each.name.lower() for each in mine} | (set() if _is_own(call, hop.url) else _PRIVATE)
    headers = [pair for pair in call.headers if pair[0].lower() not in taken]
    if hop.body is None and call.body is not None:  # what described the body goes with it
        headers = [pair for pair in headers if not pair[0].lower().startswith("content-")]
    cookies = [value for name, value in headers if name.lower() == "cookie"] + cookies
    headers = [pair for pair in headers if pair[0].lower() != "cookie"]
    headers += [(each.name, each.secret.value) for each in mine]
    return [*headers, ("Cookie", "; ".join(cookies))] if cookies else headers


def _is_own(call: Call, url: str) -> bool:
    """Whether `url` is of the origin that the call's credentials are for."""
    return origin(url) == (call.origin or origin(call.url))


def _credentials(call: Call, hop: Hop, carrier: str) -> list[Credential]:
    # A call without an origin has nobody whom its credentials are for.
    if not call.origin or not _is_own(call, hop.url):
        return []
    return [each for each in call.credentials if each.carrier == carrier]


def _bare(call: Call, url: str) -> str:
    """`url` without the parameters that carry credentials: APIs repeat them in their next links and redirects.

    At the credentials' origin that is every parameter of their names, elsewhere every parameter of their values.
    """
    mine = [each for each in call.credentials if each.carrier == "query"]
    names = {each.name for each in mine} if _is_own(call, url) else set[str]()
    values = {each.secret.value for each in call.credentials}
    return _without(url, lambda name, value: name in names or (name != "" and value in values))


def _without(url: str, dropped: Callable[[str, str], bool]) -> str:
    """`url` without some of its parameters, byte for byte otherwise."""
    base, mark, query = url.partition("?")
    pairs = [(pair, *map(unquote_plus, pair.partition("=")[::2])) for pair in query.split("&")]
    kept = [pair for pair, name, value in pairs if not dropped(name, value)]
    return url if len(kept) == len(pairs) else f"{base}{mark if kept else ''}{'&'.join(kept)}"


def _target(answer: Answer) -> str | None:
    """Where a redirect leads, None for any other answer."""
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or location is None:
        return None
    try:
        target = urldefrag(urljoin(answer.url, quote(location, safe=_ASCII))).url
        scheme, host = urlsplit(target).scheme, urlsplit(target).hostname
        origin(target)
    except ValueError:
        raise WireFault("redirects", f"{shown_url(location)!r} is no URL") from None
    if scheme not in {"http", "https"} or not host:
        raise WireFault("redirects", f"{shown_url(target)} is no http address")
    return target
