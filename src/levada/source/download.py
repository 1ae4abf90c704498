"""A file of the web -> into a writer, as it comes: one GET; where it breaks off the rest is asked for, or all anew."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self
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
from levada.source.rest import asking, follows, validator
from levada.source.retry import GiveUp, decide
from levada.source.tokens import for_tokens
from levada.source.trouble import Trouble
from levada.version import __version__

__all__ = ["download"]

#: Bytes; a try that brought so many is a step forward.
_MUCH = 1024 * 1024
#: Answers that are the file, a part of it, or say that there is no such part.
_PARTS = {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}
_PASSING = {408, 425, 429}
_DENIED = {401, 403, 407}
_SERVER_ERROR = 500
_FATAL = {"no_such_host", "tls", "redirects", "coding"}


def download(plan: Plan, file: Found, opener: Opener, edges: Edges, tell: Callable[[Event], None]) -> None:
    """Write all bytes of a file of the web.

    Credentials of the source go along where the file is of its origin, and nowhere else. A timeout is one of silence:
    a large file may take as long as it comes. A try that brought much more of it is not counted.

    Raises:
        ApiRefused: there is no such file, or the key is refused.
        TryLater: the server or the network is away, after the retries.
    """
    attempt, waited, far = 1, 0.0, 0
    with Courier(edges) as courier, _Coming(opener) as coming:
        way = _Way(plan, edges, courier, tell)
        while True:
            tell(Asked(1, attempt))
            trouble = _try(way, file, coming)
            if trouble is None:
                return
            if coming.kept >= far + _MUCH:
                attempt, waited, far = 1, 0.0, coming.kept
            now = edges.clock.now()
            decision = decide(attempt, trouble, plan.source.retry, edges.uniform, now, waited=waited)
            if isinstance(decision, GiveUp):
                raise decision.error.at_place(str(file))
            tell(Waiting(1, decision.seconds, decision.why, now + timedelta(seconds=decision.seconds)))
            courier.sleep(decision.seconds)
            attempt, waited = attempt + 1, waited + decision.seconds


class _Replaced(Exception):
    """What comes is no part of what came."""


class _Unasked(Exception):
    """A part comes where all of it was asked for."""


class _Coming:
    """A file on its way into its sink, over as many answers as it takes."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._open = ExitStack()
        self._out: Sink | None = None
        self._headers: Mapping[str, str] = {}
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def kept(self) -> int:
        """Bytes that need not come again."""
        return self._size if validator(self._headers) else 0

    def asking(self) -> tuple[tuple[str, str], ...]:
        """The headers that ask for the rest; none where all of it is to come, into an empty sink then."""
        valid = validator(self._headers)
        if self._size and valid:
            return asking(self._size, valid)
        if self._size:
            with suppress(_Replaced), self._open:
                raise _Replaced
        if self._size or self._out is None:
            self._out, self._size = self._open.enter_context(self._opener()), 0
        return ()

    def take(self, status: int, headers: Mapping[str, str]) -> Callable[[bytes], object] | None:
        """What takes the body of an answer that begins so; None for one that is none of the file's."""
        if status == HTTPStatus.OK and not self._size:
            assert self._out  # noqa: S101 - `asking` opens it
            self._headers = headers
            self._out.begin(kept_headers(headers))
            return self._write
        if status == HTTPStatus.PARTIAL_CONTENT and not self._size:
            raise _Unasked
        if status == HTTPStatus.PARTIAL_CONTENT and follows(self._size, self._headers, headers):
            return self._write
        if status in _PARTS and self._size:
            self._headers = {}
            raise _Replaced
        return None

    def _write(self, data: bytes) -> None:
        assert self._out  # noqa: S101 - `asking` opens it
        self._size += len(data)
        self._out.write(data)


@dataclass(frozen=True, slots=True)
class _Way:
    """How files come."""

    plan: Plan
    edges: Edges
    courier: Courier
    tell: Callable[[Event], None]


def _try(way: _Way, file: Found, coming: _Coming) -> Trouble | None:
    try:
        answer, _ = way.courier.ask(_signed(way, file, _call(way.plan, file, coming))).result()
        if answer.body and (write := coming.take(answer.status, answer.headers)):  # of a wire that knows no sinks
            write(answer.body)
    except _Replaced:
        return Trouble(TryLater, f"{file} was replaced while it came.", "Try again later.", again=True)
    except _Unasked:
        what = f"The server answers 206 for {file}: a part of the file, where all of it was asked for."
        return Trouble(ApiRefused, what, "check the URL in `files`, and what the server makes of it", again=False)
    except WireFault as fault:
        return _fault(fault, file)
    return None if answer.status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT) else _trouble(answer, file)


def _signed(way: _Way, file: Found, call: Call) -> Call:
    plan, clock = way.plan, way.edges.clock
    if not plan.source.url or origin(file.url) != origin(plan.source.url):
        return call
    plan.signer.ready(for_tokens(plan, way.courier, way.edges, way.tell), clock.now())
    return plan.signer.sign(call, clock.now())


def _call(plan: Plan, file: Found, coming: _Coming) -> Call:
    return Call(
        method="GET",
        url=file.url,
        # As it lies there: a packed file stays packed.
        headers=(("User-Agent", f"levada/{__version__}"), ("Accept-Encoding", "identity"), *coming.asking()),
        origin=origin(file.url),
        timeout=plan.source.timeout,
        size_limit=plan.source.limits.page_size,
        sink=coming.take,
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
