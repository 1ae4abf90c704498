"""However an API pages, however many slices, whatever the latencies and faults: the records are those of one by one."""

import json
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import LevadaError
from levada.source.events import Asked
from levada.source.fake import Reply, ScriptedWire, answer
from levada.source.read import Done, read
from levada.source.slices import Slice
from levada.spec.model import Paging, Ref
from plans import plan, texts

FAULTS = ("503", "timeout", "cut", "html")


@dataclass(frozen=True)
class Api:
    """Rows in each slice, how they are paged, what goes wrong at (request of a URL, attempt), how long answers take."""

    rows: tuple[int, ...]
    by: str
    size: int
    cap: int
    total: str
    faults: frozenset
    turns: tuple
    concurrency: int


def paging_of(api):
    more = {"rows": {"total_rows": Ref(body="$.total")}, "pages": {"total_pages": Ref(header="X-Pages")}, "": {}}
    parts = more[api.total]
    if api.by == "page":
        return Paging(by="page", **parts)
    if api.by == "offset":
        parts.pop("total_pages", None)
        return Paging(by="offset", param="offset", start=0, limit=api.size, limit_param="limit", **parts)
    parts.pop("total_pages", None)
    following = {"cursor": Ref(body="$.next"), "last": Ref(last="$.id"), "next_url": Ref(body="$.link"), "link": None}
    by = "cursor" if api.by == "last" else api.by
    return Paging(by=by, param="cursor", next=following[api.by], stop_when_empty=api.by == "last", **parts)


def truth(api, part):
    return [{"id": f"{part}-{row}"} for row in range(api.rows[part])]


def page_from(api, part, query):
    """The rows from a place on, and that place: what the API makes of a query."""
    size = min(api.size, api.cap) if api.by == "offset" else api.size
    if api.by == "page":
        start = (int(query["page"][0]) - 1) * size
    elif api.by == "offset":
        start = int(query["offset"][0])
    elif api.by == "last":
        start = int(query["cursor"][0].rpartition("-")[2]) + 1 if "cursor" in query else 0
    else:
        start = int(query["cursor"][0]) if "cursor" in query else 0
    return truth(api, part)[start : start + size], start, size


def said_by(api, url):
    query = parse_qs(urlsplit(url).query)
    part = int(query["part"][0])
    rows, start, size = page_from(api, part, query)
    after = start + size
    more = after < api.rows[part]
    link = f"/items?part={part}&cursor={after}"
    body = {"rows": rows, "total": api.rows[part]} | ({"next": after, "link": link} if more else {"next": None})
    headers = {"X-Pages": str(-(-api.rows[part] // size))} | ({"Link": f'<{link}>; rel="next"'} if more else {})
    return answer(200, json.dumps(body).encode(), headers)


def wire_of(api):
    seen = {}

    def script(call, attempt):
        order = seen.setdefault(call.url, len(seen))
        turns = api.turns[(sum(call.url.encode()) + attempt) % len(api.turns)]
        number = sum(call.url.encode()) % 7
        if (number, attempt) in api.faults:
            fault = FAULTS[(number + attempt) % len(FAULTS)]
            outcomes = {"503": answer(503), "html": answer(200, b"<html>")}
            return Reply(outcomes.get(fault) or WireFault(fault, "x"), turns)
        assert order >= 0
        return Reply(replace(said_by(api, call.url), url=call.url), turns)

    return ScriptedWire(script)


def plan_of(api, *, ahead):
    asked = plan(
        path="/items",
        asked=texts(part="{part}"),
        values={},
        concurrency=api.concurrency,
        responses=(),
        records="$.rows[*]",
        slices=tuple(Slice(index, {"part": index}, {"part": index}, f"part {index}") for index in range(len(api.rows))),
    )
    return replace(asked, stream=replace(asked.stream, paging=replace(paging_of(api), ahead=ahead)))


def read_all(api, *, ahead, done=()):
    wire, events, pages = wire_of(api), [], []
    edges = Edges(clock=FixedClock(), uniform=min, network=lambda: wire)
    bodies = {page.facts.number: page.body for page in done}
    left = Done([page.facts for page in done], bodies.__getitem__)
    error = None
    try:
        pages += read(plan_of(api, ahead=ahead), edges, left, events.append)
    except LevadaError as raised:
        error = str(raised)
    return pages, error, [event for event in events if isinstance(event, Asked)], wire


def facts_of(pages):
    told = [page.facts for page in pages]
    facts = [(each.number, each.slice, each.position, each.means, dict(each.fills)) for each in told]
    return list(zip(facts, [page.body for page in pages], strict=True))


def records(pages):
    return [row["id"] for page in pages if page.body for row in json.loads(page.body)["rows"]]


apis = st.builds(
    Api,
    rows=st.lists(st.integers(0, 14), min_size=1, max_size=5).map(tuple),
    by=st.sampled_from(("page", "offset", "cursor", "last", "next_url", "link")),
    size=st.integers(1, 5),
    cap=st.integers(1, 5),
    total=st.sampled_from(("", "rows", "pages")),
    faults=st.frozensets(st.tuples(st.integers(0, 6), st.integers(1, 4)), max_size=6),
    turns=st.lists(st.integers(0, 12), min_size=1, max_size=5).map(tuple),
    concurrency=st.integers(1, 9),
)


@settings(max_examples=200, deadline=None)
@given(apis)
@example(Api((14,), "offset", 5, 2, "rows", frozenset(), (3, 0, 1), 6))
@example(Api((0, 0, 3, 0), "page", 2, 1, "", frozenset(), (0, 4), 8))
def test_every_record_comes_once_and_in_order_ahead_or_not(api):
    slow, slow_error, asked, slow_wire = read_all(api, ahead=False)
    fast, fast_error, _, _ = read_all(api, ahead=True)

    assert slow_error is None
    assert records(slow) == [row["id"] for part in range(len(api.rows)) for row in truth(api, part)]
    assert (facts_of(fast), fast_error) == (facts_of(slow), slow_error)
    # How many are under way at once is held by test_source_ahead; here a request given up may still be on its way out.
    assert slow_wire.most <= 1
    assert len(asked) == len(slow_wire.asked)
    assert [page.facts.number for page in fast] == list(range(1, len(fast) + 1))


@settings(max_examples=150, deadline=None)
@given(apis, st.integers(0, 40))
def test_a_read_that_was_interrupted_anywhere_goes_on_where_it_stopped(api, stop):
    whole, _, _, _ = read_all(api, ahead=True)
    done = whole[: min(stop, len(whole))]
    rest, error, _, wire = read_all(replace(api, faults=frozenset()), ahead=True, done=done)

    assert error is None
    assert facts_of([*done, *rest]) == facts_of(whole)
    held = {page.facts.url for page in done}
    assert not held & set(wire.asked)
