"""Never more requests are under way than `concurrency` says, retries among them; a long read stays small."""

import asyncio
import itertools
import tracemalloc
from contextlib import closing

from hypothesis import example, given, settings
from hypothesis import strategies as st

from levada.edges import Edges, FixedClock, WireFault
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.read import read
from levada.source.slices import Slice
from plans import plan, texts

ROWS = 12


def wire_of(faults, turns):
    def script(call, attempt):
        row = int(call.url.rpartition("=")[2])
        late = turns[(row * 5 + attempt) % len(turns)]
        if attempt > faults.get(row, 0):
            return Reply(answer(200, b'[{"id": %d}]' % row), late)
        return Reply(WireFault("cut", "x") if row % 2 else answer(200, b"<html>"), late)

    return ScriptedWire(script)


@settings(max_examples=150)
@given(
    st.dictionaries(st.integers(0, ROWS - 1), st.integers(1, 3), max_size=6),
    st.lists(st.integers(0, 30), min_size=1, max_size=7),
    st.integers(1, 5),
)
@example({1: 1}, [0, 0, 0, 30, 30, 30], 3)
def test_a_row_that_is_asked_for_again_waits_for_its_place(faults, turns, concurrency):
    wire = wire_of(faults, turns)
    slices = tuple(Slice(row, {"n": row}, {"n": row}, f"row {row}", of_row=True) for row in range(ROWS))
    parts = {"by": "none", "asked": texts(n="{n}"), "values": {}, "responses": (), "slices": slices}
    edges = Edges(clock=FixedClock(), uniform=min, network=lambda: wire)
    pages = list(read(plan(concurrency=concurrency, **parts), edges))
    assert [page.body for page in pages] == [b'[{"id": %d}]' % row for row in range(ROWS)]
    assert wire.most <= concurrency


def test_a_long_read_holds_no_page_that_was_handed_on():
    def script(call, _):
        return Reply(answer(200, b'[{"id": %d, "text": "%s"}]' % (int(call.url.rpartition("=")[2]), b"x" * 10_000)))

    edges = Edges(clock=FixedClock(), network=lambda: ScriptedWire(script))
    with closing(read(plan(asked=(), responses=(), concurrency=8), edges)) as pages:
        for _ in itertools.islice(pages, 200):
            pass
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in itertools.islice(pages, 1000):
                pass
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    # A page is 10 kB; what is remembered of it, its hash and its number, is some 0.3 kB. The window is 8 pages.
    assert grown < 1000 * 600 + 8 * 30_000


class Holding(ScriptedWire):
    """Answers `held` once `after` was asked for and nothing else is under way."""

    def __init__(self, script, held, after):
        super().__init__(script)
        self.held, self.after = held, after

    async def send(self, call):
        if call.url.endswith(self.held):
            while self.under_way or not self.goes_after():  # noqa: ASYNC110 - the count tells no event
                await asyncio.sleep(0.001)
        return await super().send(call)

    def goes_after(self):
        return any(url.endswith(self.after) for url in self.asked)


def test_requests_beyond_an_end_in_sight_are_given_up_before_the_order_reaches_it():
    def script(call, _):
        page = int(call.url.rpartition("=")[2])
        if page > 3:
            return Reply(None)  # page 2 is only answered once nobody waits for this one
        return Reply(answer(200, b"[]" if page == 3 else b'[{"id": %d}]' % page))

    wire = Holding(script, held="page=2", after="page=4")
    pages = list(read(plan(asked=(), responses=(), concurrency=4), Edges(clock=FixedClock(), network=lambda: wire)))
    assert [page.facts.means for page in pages] == ["page", "page", "empty"]
