"""A tap on the wire: what was asked and what came back, for people who look at a source. Changes nothing."""

from dataclasses import dataclass, field, replace

from levada.edges import Answer, Call, Edges, WireFault
from levada.secret import redact, shown_url
from levada.source.through import Send, Through, network_of

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
        network, clock = network_of(edges), edges.clock

        async def told(call: Call, send: Send) -> Answer:
            started = clock.monotonic()
            try:
                answer = await send(call)
            except WireFault as fault:
                self.passed(call, fault, clock.monotonic() - started)
                raise
            self.passed(call, answer, clock.monotonic() - started)
            return answer

        return replace(edges, network=lambda: Through(network(), told))

    def passed(self, call: Call, outcome: Answer | WireFault, seconds: float) -> None:
        """Take note of an exchange."""
        url = shown_url(call.url)
        if isinstance(outcome, Answer):
            self.answer = outcome
            self.exchanges.append(Exchange(call.method, url, outcome.status, len(outcome.body), seconds))
        else:
            self.exchanges.append(Exchange(call.method, url, None, 0, seconds, redact(str(outcome))))
