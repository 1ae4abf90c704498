import asyncio

import pytest

from levada.edges import Call, Edges, FixedClock, WireFault
from levada.secret import Secret
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.tap import Exchange, Tap


class Slow(FixedClock):
    """A clock on which everything takes a quarter of a second."""

    def monotonic(self):
        self.slept.append(0.25)
        return super().monotonic()


def send(outcome, call):
    tap = Tap()
    edges = tap.on(Edges(clock=Slow(), network=lambda: ScriptedWire(lambda *_: Reply(outcome))))

    async def through():
        async with edges.network() as wire:
            return await wire.send(call)

    return tap, lambda: asyncio.run(through())


def test_what_passes_is_kept_and_handed_on():
    said = answer(200, b"[1]")
    tap, go = send(said, Call("GET", "http://h/x"))
    assert go() is said
    assert (tap.answer, tap.exchanges) == (said, [Exchange("GET", "http://h/x", 200, 3, 0.25)])


def test_a_fault_is_kept_and_raised():
    tap, go = send(WireFault("reset", "gone"), Call("POST", "http://h/x"))
    with pytest.raises(WireFault):
        go()
    assert (tap.answer, tap.exchanges) == (None, [Exchange("POST", "http://h/x", None, 0, 0.25, "reset: gone")])


def test_secrets_are_kept_back():
    Secret("TOKEN", "open-sesame-93")
    tap, go = send(WireFault("dns", "open-sesame-93"), Call("GET", "http://h/open-sesame-93?api_key=unknown-to-us"))
    with pytest.raises(WireFault):
        go()
    (told,) = tap.exchanges
    assert (told.url, told.fault) == ("http://h/[secret]?api_key=[secret]", "dns: [secret]")
