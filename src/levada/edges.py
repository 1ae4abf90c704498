"""The edges of the world: clock, environment, randomness, network, in one frozen bundle that tests replace.

Rooms take an `Edges`; none reads the clock, the environment or a random number by itself. `FixedClock` and any
function that satisfies `Wire` are the fakes: they ship here because users test their pipelines too.
"""

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Literal, Protocol, Self

from levada.nouns import Holder
from levada.secret import Secret

__all__ = [
    "Answer",
    "Call",
    "Clock",
    "Credential",
    "Edges",
    "FixedClock",
    "SystemClock",
    "Wire",
    "WireFault",
    "WireFaultKind",
    "holder",
    "run_id",
]

WireFaultKind = Literal[
    "timeout", "refused", "dns", "no_such_host", "cut", "reset", "tls", "too_large", "redirects", "coding"
]


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret on its way: the header, query parameter or cookie that carries it."""

    carrier: Literal["header", "query", "cookie"]
    name: str
    #: What is sent, whole ("Bearer ..." included).
    secret: Secret


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, complete but for the credentials, which are added for their own origin only."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)  # that of a token request is secret
    #: Added to requests for `origin`, whatever redirects say.
    credentials: tuple[Credential, ...] = ()
    #: Scheme, host and port that the credentials are for, as in "https://host:443".
    origin: str = ""
    #: Seconds for the whole exchange.
    timeout: float = 60.0
    #: Bytes of decoded body above which the answer is refused.
    size_limit: int = 256 * 1024 * 1024
    #: Asked, with status and headers, once an answer begins: what takes its body in pieces, decoded, as they come; None
    #: where the answer is to hold it. Of a body that is taken `size_limit` does not count, and `timeout` is how long
    #: nothing may come.
    sink: Callable[[int, Mapping[str, str]], Callable[[bytes], object] | None] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer: the body is decoded from transfer- and content-coding, and was checked to be whole."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes = field(repr=False)  # that of a token endpoint is secret
    #: The URL that answered, after redirects, without credentials.
    url: str
    #: Seconds from when the request had left until the answer was whole; None where nobody knows.
    took: float | None = None


class WireFault(Exception):
    """No complete answer came; `kind` says why."""

    def __init__(self, kind: WireFaultKind, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class Wire(Protocol):
    """The one seam to the network: an async context manager that sends calls. The real one is source/fetch.py's."""

    async def __aenter__(self) -> Self:
        """Open connections."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        ...

    async def send(self, call: Call) -> Answer:
        """The answer to `call`; raises WireFault when none came whole."""
        ...


class Clock(Protocol):
    """Time, and the passing of it."""

    def now(self) -> datetime:
        """The present moment (aware, UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking other requests."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait, and everything with it: for the rooms that are not async."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment (aware, UTC)."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking other requests."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, and everything with it."""
        time.sleep(seconds)


class FixedClock:
    """A clock that moves only when somebody sleeps; `slept` tells how long each wait was. For tests and dry runs."""

    def __init__(self, start: datetime = datetime(2022, 8, 12, 6, 0, tzinfo=UTC)) -> None:
        self.start = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The start plus all that was slept."""
        return self.start + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        """Seconds slept so far."""
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        """Move the clock on and let others run."""
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def pause(self, seconds: float) -> None:
        """Move the clock on."""
        self.slept.append(seconds)


def _uniform(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - jitter, not cryptography


@dataclass(frozen=True, slots=True)
class Edges:
    """All that a run takes from outside besides the lake."""

    clock: Clock = field(default_factory=SystemClock)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    #: uniform(low, high): for jitter and run names.
    uniform: Callable[[float, float], float] = _uniform
    #: Makes the Wire of a run, None for HTTP over the network.
    network: Callable[[], Wire] | None = None


def holder(edges: Edges) -> Holder:
    """This process, for locks and records."""
    return Holder(host=socket.gethostname(), process=os.getpid(), since=edges.clock.now())


def run_id(edges: Edges) -> str:
    """A name for a run that sorts by time: `20220812T060000.000000Z-4f2a`."""
    stamp = edges.clock.now().strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{stamp}-{int(edges.uniform(0, 0x10000)) & 0xFFFF:04x}"
