"""Never more requests are under way than `concurrency` says, retries among them; a long read stays small."""

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
