"""A file of the web -> into a writer, as it comes: one GET, asked again from its beginning where it breaks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from levada.edges import Answer, Call, Edges, WireFault
from levada.errors import ApiRefused, ContractBroken, TimedOut, TryLater
from levada.secret import shown_url
from levada.source.copying import Opener, Sink
from levada.source.courier import Courier
from levada.source.events import Asked, Event, Waiting
from levada.source.files import Found
from levada.source.judge import kept_headers
from levada.source.message import readable, said
from levada.source.origin import origin
from levada.source.request import Plan
from levada.source.retry import GiveUp, decide
from levada.source.tokens import for_tokens
from levada.source.trouble import Trouble
from levada.version import __version__

__all__ = ["download"]

_PASSING = {408, 425, 429}
_DENIED = {401, 403, 407}
_SERVER_ERROR = 500
_FATAL = {"no_such_host", "tls", "redirects", "coding"}


def download(plan: Plan, file: Found, opener: Opener, edges: Edges, tell: Callable[[Event], None]) -> Mapping[str, str]:
    """Write all bytes of a file of the web; returns headers worth keeping.

    Credentials of the source go along where the file is of its origin, and nowhere else. A timeout is one of silence:
    a large file may take as long as it comes.

    Raises:
        ApiRefused: there is no such file, or the key is refused.
        TryLater: the server or the network is away, after the retries.
    """
    attempt, waited = 1, 0.0
    with Courier(edges) as courier:
        way = _Way(plan, edges, courier, tell)
        while True:
            tell(Asked(1, attempt))
            outcome = _try(way, file, opener)
            if not isinstance(outcome, Trouble):
                return outcome
            now = edges.clock.now()
            decision = decide(attempt, outcome, plan.source.retry, edges.uniform, now, waited=waited)
            if isinstance(decision, GiveUp):
                raise decision.error.at_place(str(file))
            tell(Waiting(1, decision.seconds, decision.why, now + timedelta(seconds=decision.seconds)))
            courier.sleep(decision.seconds)
            attempt, waited = attempt + 1, waited + decision.seconds


class _Refused(Exception):
    """What came is not the file: the writer forgets it."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class _Way:
    """How files come."""

    plan: Plan
    edges: Edges
    courier: Courier
    tell: Callable[[Event], None]


def _try(way: _Way, file: Found, opener: Opener) -> Mapping[str, str] | Trouble:
    try:
        with opener() as out:
            answer, _ = way.courier.ask(_signed(way, file, _call(way.plan, file, out))).result()
            _refuse(answer, file)
            if answer.body:  # of a wire that knows no sinks
                out.write(answer.body)
    except _Refused as refused:
        return refused.trouble
    except WireFault as fault:
        return _fault(fault, file)
    return kept_headers(answer.headers)


def _signed(way: _Way, file: Found, call: Call) -> Call:
    plan, clock = way.plan, way.edges.clock
    if not plan.source.url or origin(file.url) != origin(plan.source.url):
        return call
    plan.signer.ready(for_tokens(plan, way.courier, way.edges, way.tell), clock.now())
    return plan.signer.sign(call, clock.now())


def _refuse(answer: Answer, file: Found) -> None:
    if answer.status != HTTPStatus.OK:
        raise _Refused(_trouble(answer, file))


def _call(plan: Plan, file: Found, out: Sink) -> Call:
    return Call(
        method="GET",
        url=file.url,
        # As it lies there: a packed file stays packed.
        headers=(("User-Agent", f"levada/{__version__}"), ("Accept-Encoding", "identity")),
        origin=origin(file.url),
        timeout=plan.source.timeout,
        size_limit=plan.source.limits.page_size,
        sink=out.write,
    )


def _trouble(answer: Answer, file: Found) -> Trouble:
    words = said(readable(answer))
    what = f"The server answers {answer.status} for {file}{f': {words}' if words else '.'}"
    if answer.status in _DENIED:
        todo = "check the key; `source: auth` is sent to files of the source's own origin only"
        return Trouble(ApiRefused, what, todo, again=False)
    if answer.status in _PASSING or answer.status >= _SERVER_ERROR:
        later = answer.headers.get("retry-after")
        return Trouble(TryLater, what, "Try again later.", again=True, retry_after=later)
    return Trouble(ApiRefused, what, "check the URL in `files`; or run again when the file is there", again=False)


def _fault(fault: WireFault, file: Found) -> Trouble:
    host = urlsplit(file.url).hostname
    what = f"{shown_url(file.url)} did not come whole ({fault})."
    if fault.kind in _FATAL:
        return Trouble(ApiRefused, what, f"check the URL in `files`, and what {host} answers", again=False)
    if fault.kind == "too_large":
        return Trouble(ContractBroken, what, "raise `limits: page_size`", again=False)
    kind = TimedOut if fault.kind == "timeout" else TryLater
    return Trouble(kind, what, "Try again later; files that came whole are kept.", again=True)
