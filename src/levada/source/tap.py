"""A tap on the wire: what was asked and what came back, for people who look at a source. Changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from levada.edges import Answer, Call, Clock, Edges, Wire, WireFault
from levada.secret import redact, shown_url
from levada.source.courier import network_of

__all__ = ["Exchange", "Tap"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and what came of it."""

    method: str
    #: Secrets redacted.
    url: str
    #: None: no whole answer came, and `fault` says why.
    status: int | None
    #: Bytes of the body after transfer- and content-decoding.
    size: int
    seconds: float
    fault: str = ""


@dataclass(slots=True)
class Tap:
    """Keeps what passes over the wires that it is put on; in the order in which the answers came."""

    exchanges: list[Exchange] = field(default_factory=list)
    #: The latest answer, whole.
    answer: Answer | None = None

    def on(self, edges: Edges) -> Edges:
        """These edges with the tap on their network."""
        network = network_of(edges)
        return replace(edges, network=lambda: _Tapped(self, network, edges.clock))

    def passed(self, call: Call, outcome: Answer | WireFault, seconds: float) -> None:
        """Take note of an exchange."""
        url = shown_url(call.url)
        if isinstance(outcome, Answer):
            self.answer = outcome
            self.exchanges.append(Exchange(call.method, url, outcome.status, len(outcome.body), seconds))
        else:
            self.exchanges.append(Exchange(call.method, url, None, 0, seconds, redact(str(outcome))))


class _Tapped:
    """A Wire that passes on and tells."""

    def __init__(self, tap: Tap, network: Callable[[], Wire], clock: Clock) -> None:
        self._tap = tap
        self._wire = network()
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    async def send(self, call: Call) -> Answer:
        """What the wire gives."""
        started = self._clock.monotonic()
        try:
            answer = await self._wire.send(call)
        except WireFault as fault:
            self._tap.passed(call, fault, self._clock.monotonic() - started)
            raise
        self._tap.passed(call, answer, self._clock.monotonic() - started)
        return answer
