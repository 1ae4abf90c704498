"""Asking ahead gives what asking page after page gives, whatever the latencies, faults and ends."""

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import LevadaError
from levada.source.events import Asked, Refused, Took, Waiting
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.read import read
from patience import settles
from plans import plan

PASSING = ("503", "429", "timeout", "cut", "reset", "html", "object")
LASTING = ("401", "418", "tls")
ENDS = ("end", "empty", "no content", "no data", "repeat", "503 for ever")


@dataclass(frozen=True)
class World:
    """An API: so many pages, how they end, what goes wrong (page, attempt) -> fault, how long each answer takes."""

    pages: int
    end: str
    faults: dict
    turns: tuple
    concurrency: int
    max_pages: int | None


def outcome(fault):
    if fault in {"timeout", "cut", "reset", "tls"}:
        return WireFault(fault, "x")
    texts = {"html": (200, b"<html>"), "object": (200, b'{"error": "x"}')}
    status, text = texts.get(fault, (int(fault) if fault.isdigit() else 200, b"oh"))
    return answer(status, text, {"Retry-After": "2"} if fault == "429" else {})


def beyond(world, page):
    return {
        "end": answer(404, b"page doesn't exist"),
        "empty": answer(200, b"[]"),
        "no content": answer(204),
        "no data": answer(404, b"No data found"),
        "repeat": answer(200, b"[0]"),
        "503 for ever": answer(503),
    }[world.end]


def wire_of(world):
    def script(call, attempt):
        page = int(call.url.rpartition("=")[2])
        turns = world.turns[(page + 7 * attempt) % len(world.turns)]
        if (page, attempt) in world.faults:
            return Reply(outcome(world.faults[page, attempt]), turns)
        body = b"[0]" if page == 1 else b"[%d, %d]" % (page, page)
        return Reply(answer(200, body) if page <= world.pages else beyond(world, page), turns)

    return ScriptedWire(script)


def read_all(world, *, ahead):
    """Pages, error and events of a read, and its wire."""
    wire, events, pages = wire_of(world), [], []
    edges = Edges(clock=FixedClock(), uniform=lambda low, high: (low + high) / 2, network=lambda: wire)
    asked = plan(ahead=ahead, concurrency=world.concurrency, max_pages=world.max_pages)
    error = None
    try:
        for page in read(asked, edges, observe=events.append):
            events.append(page.facts.number)
            pages.append(page)
    except LevadaError as raised:
        error = raised
    return pages, error, events, wire


def said(pages, error):
    facts = [(p.facts.number, p.facts.position, p.facts.means, p.facts.sha256, p.facts.text, p.body) for p in pages]
    return facts, (type(error), str(error))


def in_order(events):
    """What the order decides; which requests go out when is the affair of the window and of the API's limits."""
    kept = [one for one in events if isinstance(one, (Waiting, Refused, Took, int)) and not getattr(one, "limit", 0)]
    return [
        (type(one), one.number, getattr(one, "seconds", None), getattr(one, "attempt", None))
        if not isinstance(one, int)
        else one
        for one in kept
    ]


def check_politeness(world, pages, events, wire):
    asked = [one for one in events if isinstance(one, Asked)]
    waits = Counter(one.number for one in events if isinstance(one, Waiting) and not one.limit)
    assert Counter(one.number for one in asked) == {
        number: 1 + waits[number] for number in {one.number for one in asked}
    }
    assert wire.most <= world.concurrency
    last = pages[-1].facts.number if pages else 0
    waits_for = max([last, *waits, *(one.number for one in events if isinstance(one, Refused))])
    assert max(one.number for one in asked) <= max(1, waits_for) + max(1, world.concurrency)
    if world.max_pages:
        assert max(one.number for one in asked) <= world.max_pages
    if pages and pages[-1].facts.means != "page":
        assert max(one.number for one in asked) <= last + world.concurrency - 1
    check_window(world, events)


def check_window(world, events):
    """No page is asked ahead of the window, and none while one in trouble has the turn."""
    handed, troubled = 0, None
    for place, one in enumerate(events):
        if isinstance(one, int):
            handed, troubled = one, None
        elif isinstance(one, Waiting) and not one.limit:
            troubled = one.number
        elif isinstance(one, Took):
            handed, troubled = one.number, None
        elif isinstance(one, Asked):
            assert one.number <= handed + world.concurrency, (place, events)
            assert troubled in {None, one.number}, (place, events)


worlds = st.builds(
    World,
    pages=st.integers(0, 12),
    end=st.sampled_from(ENDS),
    faults=st.dictionaries(
        st.tuples(st.integers(1, 14), st.integers(1, 5)),
        st.sampled_from((*PASSING * 2, *LASTING)),
        max_size=10,
    ),
    turns=st.lists(st.integers(0, 12), min_size=1, max_size=9).map(tuple),
    concurrency=st.integers(1, 9),
    max_pages=st.none() | st.integers(1, 14),
)


@settings(max_examples=150, deadline=None)
@given(worlds)
@example(World(12, "end", {(6, 1): "503", (7, 1): "429", (8, 1): "401"}, (9, 0, 3), 8, None))
@example(World(12, "end", {(1, 1): "timeout"}, (0,), 1, 3))
@example(World(4, "repeat", {}, (5, 0, 0), 4, None))
def test_ahead_gives_what_page_after_page_gives(world):
    one_by_one = read_all(world, ahead=False)
    pages, error, events, wire = read_all(world, ahead=True)
    event(f"ends with {type(error).__name__ if error else pages[-1].facts.means}")
    assert said(pages, error) == said(*one_by_one[:2])
    assert in_order(events) == in_order(one_by_one[2])
    assert one_by_one[3].most == 1
    check_politeness(world, pages, events, wire)
    assert (wire.under_way, wire.open) == (0, False)


def test_the_window_opens_with_the_pages_received():
    world = World(40, "end", {}, (0,), 16, None)
    _, _, events, _ = read_all(world, ahead=True)
    before_first = events[: events.index(1)]
    assert 4 <= len([one for one in before_first if isinstance(one, Asked)]) <= 20  # 4, and 4 for each that came
    handed, widest = 0, 0
    for one in events:
        if isinstance(one, Took):
            handed = one.number
        elif isinstance(one, Asked):
            widest = max(widest, one.number - handed)
    assert widest == 16


def test_nothing_is_asked_ahead_while_a_failure_waits_for_its_turn():
    world = World(40, "end", {(3, 1): "503"}, (0,), 4, None)
    _, _, events, _ = read_all(world, ahead=True)
    retried = events.index(Asked(3, 2))
    assert max(one.number for one in events[:retried] if isinstance(one, Asked)) <= 6


def test_a_page_that_came_does_not_wait_for_a_slow_one_behind_it():
    def script(call, attempt):
        page = int(call.url.rpartition("=")[2])
        # Page 2 comes once page 1 is handed on and no request is sent any more.
        return Reply(answer(200, b"[%d]" % page) if page < 3 else None, turns=5000 if page == 2 else 0)

    wire = ScriptedWire(script)
    with closing(read(plan(), Edges(network=lambda: wire))) as pages:
        assert next(pages).facts.number == 1
        assert settles(lambda: (len(wire.asked), wire.under_way) == (5, 3))
        time.sleep(0.05)  # the answer to page 2 crosses to this thread
        assert next(pages).facts.number == 2
