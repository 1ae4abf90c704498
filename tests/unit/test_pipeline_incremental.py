"""Incremental streams in memory: each record once, the cursor moves with the commit, and never past what is missing."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import ContractBroken, FixThis, LeaseHeld, LevadaError, TryLater
from levada.lake.area import Area, areas_of
from levada.lake.lease import read_record, take_turn
from levada.lake.memory import MemoryStore
from levada.lake.quarantine import rows
from levada.lake.record import as_json
from levada.lake.store import Lost
from levada.lake.verify import check_files
from levada.nouns import Counts, Cursor
from levada.pipeline import Options, Pipeline
from levada.pipeline.choosing import Choice
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.model import ForEach
from levada.spec.read import read_text
from levada.spec.template import parse
from shop import public

SPEC = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 2, wait: 1ms}}
streams:
  orders:
    request: {path: /orders, params: {since: "{start}", until: "{end}"}}
    paging: {by: page}
    incremental: {cursor: $.at, start: "2022-08-01"}
    contract:
      fields: {id: string, at: string}
    stage: {avro: "stg/{partition}/{page}.avro"}
"""
NUMBERS = SPEC.replace(', until: "{end}"', "").replace('$.at, start: "2022-08-01"', "$.n, type: number, start: 0")
NUMBERS = NUMBERS.replace("{id: string, at: string}", "{id: string, n: int64}")
NOON = datetime(2022, 8, 12, 12, tzinfo=UTC)


class Api:
    """Records in pages; it knows no `since`, unless it is told to."""

    def __init__(self, *pages):
        self.pages = list(pages)
        self.asked = []
        self.instead = {}

    def wire(self):
        return ScriptedWire(self._reply)

    def _reply(self, call, _):
        query = {name: values[0] for name, values in parse_qs(urlsplit(call.url).query).items()}
        self.asked.append(query)
        number = int(query["page"])
        if number in self.instead:
            return Reply(self.instead[number])
        return Reply(answer(200, json.dumps(self.pages[number - 1] if number <= len(self.pages) else []).encode()))

    @property
    def since(self):
        """The starts that were asked for, each once, in order."""
        return list(dict.fromkeys(query["since"] for query in self.asked))


def at(minute, *names, offset="Z"):
    return [{"id": name, "at": f"2022-08-12T11:{minute:02}:00{offset}"} for name in names]


def numbered(*pairs):
    return [{"id": name, "n": number} for number, name in pairs]


@pytest.fixture
def store():
    return MemoryStore()


def pipeline(store, api, spec=SPEC, now=NOON, **options):
    read = read_text(spec, "shop.yaml", {}, lake="lake")
    edges = Edges(clock=FixedClock(now), environment={}, network=api.wire)
    return Pipeline(read, store, edges, Options(**options))


def run(store, api, spec=SPEC, *, now=NOON, date=None, verb="run", **options):
    chosen = pipeline(store, api, spec, now, **options)
    (work,) = chosen.chosen(verb, Choice(date)).work
    return chosen.work(verb, work[1], work[0])


def record(store, key):
    return read_record(Area(store, "shop", "orders", key))[0]


def cursors(store):
    """Interval -> the cursor that its commit holds."""
    found = {area.partition: read_record(area)[0] for area in areas_of(store, "shop", "orders")}
    return {key: record.cursor.value if record.cursor else None for key, record in sorted(found.items()) if record}


def staged(store):
    """Ids of the staged rows of all intervals, sorted."""
    from io import BytesIO

    from fastavro import reader

    files = [data for key, data in public(store).items() if key.endswith(".avro")]
    return sorted(row["id"] for data in files for row in reader(BytesIO(data)))


def later(minutes):
    return NOON + timedelta(minutes=minutes)


def test_each_record_comes_once_however_often_the_api_gives_it(store):
    api = Api(numbered((1, "a"), (2, "b"), (3, "c"), (3, "d"), (3, "e")))
    first = run(store, api, NUMBERS)
    assert (first.outcome, first.counts) == ("done", Counts(read=5, kept=5))
    api.pages = [numbered((4, "g"), (3, "c"), (3, "d"), (3, "e"), (3, "f"))]
    second = run(store, api, NUMBERS)
    assert second.counts == Counts(read=5, kept=2, dropped=3)
    assert staged(store) == list("abcdefg")
    assert api.since == ["0", "3"]


def test_more_records_at_the_highest_value_are_known_from_then_on(store):
    api = Api(numbered((3, "c")))
    run(store, api, NUMBERS)
    api.pages = [numbered((3, "c"), (3, "d"))]
    run(store, api, NUMBERS)
    api.pages = [numbered((3, "c"), (3, "d"), (4, "e"))]
    run(store, api, NUMBERS)
    assert staged(store) == list("cde")


def test_intervals_follow_one_another_and_hold_their_start_and_not_their_end(store):
    api = Api([*at(10, "a"), *at(20, "b"), {"id": "c", "at": "2022-08-12T12:00:00Z"}])
    first = run(store, api)
    assert first.counts == Counts(read=3, kept=2, dropped=1)
    assert first.partition == "2022-08-01T000000--2022-08-12T120000"
    second = run(store, api, now=later(5))
    assert second.partition == "2022-08-12T112000--2022-08-12T120500"
    assert staged(store) == list("abc")
    assert [(query["since"], query["until"]) for query in api.asked if query["page"] == "1"] == [
        ("2022-08-01", "2022-08-12T12:00:00Z"),
        ("2022-08-12T11:20:00Z", "2022-08-12T12:05:00Z"),
    ]


def test_an_interval_that_a_person_names_leaves_the_cursor_where_it_is(store):
    api = Api(at(10, "a"))
    run(store, api)
    before = cursors(store)
    named = run(store, api, date="2022-08-12T11:00:00Z--2022-08-12T11:30:00Z")
    assert named.counts.kept == 1
    assert cursors(store) == {**before, "2022-08-12T110000--2022-08-12T113000": None}
    run(store, api, now=later(1))
    assert api.since == ["2022-08-01", "2022-08-12T11:00:00Z", "2022-08-12T11:10:00Z"]


def test_an_interval_of_the_stream_that_is_read_again_keeps_its_cursor(store):
    api = Api(at(10, "a"))
    first = run(store, api)
    api.pages = [at(10, "a", "b")]
    again = run(store, api, date=first.partition)
    assert (again.changed, again.counts.kept) == (True, 2)
    assert cursors(store) == {first.partition: "2022-08-12T11:10:00Z"}


@pytest.mark.parametrize(("order", "pages"), [("desc", 2), ("asc", 2), (None, 5)])
def test_reading_stops_where_the_records_leave_the_interval(store, order, pages):
    shown = [at(50, "a"), at(5, "b"), at(4, "c"), at(3, "d")] if order == "desc" else [
        at(50, "a"), [{"id": "b", "at": "2022-08-12T12:00:01Z"}], at(55, "c"), at(56, "d")
    ]  # fmt: skip
    given = f', order: {order}, start: "2022-08-12T11:10:00Z"' if order else ', start: "2022-08-12T11:10:00Z"'
    spec = SPEC.replace("paging: {by: page}", "paging: {by: page, ahead: off}")
    api = Api(*shown)
    done = run(store, api, spec.replace(', start: "2022-08-01"', given))
    assert len(api.asked) == pages
    assert done.counts.read == min(pages, 4)


BY_ROW = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 2, wait: 1ms}}
streams:
  orders:
    for_each: {rows: [{shop: a}, {shop: b}]}
    request: {path: "/{row.shop}", params: {since: "{start}"}}
    paging: {by: page, ahead: off}
    incremental: {cursor: $.at, start: "2022-08-12T11:10:00Z", order: desc}
    contract:
      fields: {id: string, at: string}
    stage: {avro: "stg/{partition}/{row}-{page}.avro"}
"""


class Shops(Api):
    """Two shops, newest orders first."""

    def _reply(self, call, _):
        shop = urlsplit(call.url).path[1:]
        page = int(parse_qs(urlsplit(call.url).query)["page"][0])
        self.asked.append((shop, page))
        if (shop, page) in self.instead:
            return Reply(self.instead[shop, page])
        minute = {"a": 30, "b": 50}[shop] - 12 * page
        return Reply(answer(200, json.dumps(at(minute, f"{shop}{page}")).encode()))


def test_in_order_each_row_is_read_to_its_own_end(store):
    api = Shops()
    run(store, api, BY_ROW)
    assert api.asked == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3), ("b", 4)]
    assert staged(store) == ["a1", "b1", "b2", "b3"]


def test_a_row_that_was_read_to_its_end_is_not_asked_for_again_after_an_interruption(store):
    api = Shops()
    api.instead = {("b", 2): WireFault("reset", "gone")}
    with pytest.raises(TryLater):
        run(store, api, BY_ROW)
    api.instead, api.asked = {}, []
    done = run(store, api, BY_ROW, now=later(1))
    assert (api.asked, done.resumed, done.notes) == ([("b", 2), ("b", 3), ("b", 4)], 3, ())
    assert staged(store) == ["a1", "b1", "b2", "b3"]


@pytest.mark.parametrize(("without", "kept"), [("keep", 2), ("drop", 1)])
@pytest.mark.parametrize("lacking", [{"id": "b"}, {"id": "b", "at": None}])
def test_a_record_without_the_value_is_kept_or_dropped_and_moves_nothing(store, without, kept, lacking):
    spec = SPEC.replace('start: "2022-08-01"', f'start: "2022-08-01", without: {without}')
    spec = spec.replace("at: string", "at: {type: string, nullable: true}")
    done = run(store, Api([*at(10, "a"), lacking]), spec)
    assert (done.counts.kept, done.counts.dropped) == (kept, 2 - kept)
    assert cursors(store) == {done.partition: "2022-08-12T11:10:00Z"}


@pytest.mark.parametrize(
    ("record", "what", "todo"),
    [
        ({"id": "b"}, "Record 1 (from 0) of page 1 has no $.at", "`without: keep` or `drop`"),
        ({"id": "b", "at": 5}, "has a cursor that 5 is no instant such as", "`type` says"),
        ({"id": "b", "at": "soon"}, '"soon" is no instant', "`type` says"),
    ],
)
def test_a_record_whose_value_is_missing_or_wrong_fails_the_run(store, record, what, todo):
    with pytest.raises(ContractBroken) as caught:
        run(store, Api([*at(10, "a"), record]))
    assert what in caught.value.what
    assert todo in caught.value.todo
    assert caught.value.where.startswith("shop.yaml:8:")
    assert cursors(store) == {}


def test_the_lookback_reaches_back_in_the_form_that_the_api_writes_but_not_before_the_start(store):
    spec = SPEC.replace('start: "2022-08-01"', 'start: "2022-08-01", lookback: 1h')
    api = Api(at(30, "a", offset="+05:00"))
    run(store, api, spec)
    api.pages = [[*at(0, "b", offset="+05:00"), *at(30, "a", offset="+05:00")]]
    again = run(store, api, spec, now=later(1))
    assert api.since == ["2022-08-01", "2022-08-12T10:30:00+05:00"]
    assert again.counts == Counts(read=2, kept=1, dropped=1)
    whole = spec.replace("1h", "400d")
    run(store, api, whole, now=later(2))
    assert api.asked[-1]["since"] == "2022-08-01"


def test_a_run_without_news_makes_no_file_and_leaves_the_cursor(store):
    api = Api(at(10, "a"))
    first = run(store, api)
    before = {entry.key for entry in store.list("")}
    again = run(store, api, now=later(5))
    assert (again.outcome, again.changed, again.counts) == ("no data", False, Counts(read=1, dropped=1))
    assert {entry.key for entry in store.list("")} == before
    assert cursors(store) == {first.partition: "2022-08-12T11:10:00Z"}


def test_a_first_run_without_data_leaves_nothing(store):
    done = run(store, Api())
    assert (done.outcome, done.level) == ("no data", None)
    assert list(store.list("")) == []


def test_values_without_offset_are_taken_as_utc_and_told(store):
    done = run(store, Api(at(10, "a", offset="")))
    assert done.notes == ("$.at has no offset (2022-08-12T11:10:00), and is taken as UTC",)
    assert done.counts.kept == 1


def test_instants_of_other_offsets_are_compared_as_instants(store):
    api = Api([{"id": "a", "at": "2022-08-12T13:00:00+05:00"}, {"id": "b", "at": "2022-08-12T08:30:00Z"}])
    first = run(store, api)
    assert cursors(store) == {first.partition: "2022-08-12T08:30:00Z"}
    api.pages = [[{"id": "c", "at": "2022-08-12T12:30:00+03:30"}, {"id": "d", "at": "2022-08-12T13:20:00+05:00"}]]
    run(store, api, now=later(1))
    assert staged(store) == list("abc")
    assert api.since == ["2022-08-01", "2022-08-12T08:30:00Z"]


GAPS = SPEC.replace("    incremental", "    responses: [{status: 500, means: skip}]\n    incremental").replace(
    "{by: page}", "{by: page, max_pages: 5}"
)


def test_a_run_with_a_gap_is_partial_and_moves_no_cursor_and_the_next_one_fills_it(store):
    pages = [at(59 - 10 * number, *(f"{number}{letter}" for letter in "abcdefghij")) for number in range(5)]
    api = Api(*pages)
    api.instead = {3: answer(500, b"oops")}
    partial = run(store, api, GAPS)
    assert (partial.outcome, partial.counts.kept, len(partial.gaps)) == ("partial", 40, 1)
    assert cursors(store) == {partial.partition: None}
    api.instead = {}
    whole = run(store, api, GAPS, now=later(30))
    assert (whole.outcome, whole.partition, whole.counts.kept) == ("done", partial.partition, 50)
    assert cursors(store) == {whole.partition: "2022-08-12T11:59:00Z"}
    assert len(staged(store)) == len(set(staged(store))) == 50


def test_a_gap_may_be_filled_by_naming_its_interval(store):
    api = Api(at(10, "a"), at(20, "b"))
    api.instead = {1: answer(500, b"oops")}
    partial = run(store, api, GAPS)
    again = run(store, api, GAPS, now=later(1), date=partial.partition)
    assert (again.outcome, cursors(store)) == ("partial", {partial.partition: None})
    api.instead = {}
    filled = run(store, api, GAPS, now=later(2), date=partial.partition)
    assert (filled.outcome, cursors(store)) == ("done", {partial.partition: "2022-08-12T11:20:00Z"})
    api.pages.append(at(30, "c"))
    run(store, api, GAPS, now=later(3))
    assert staged(store) == list("abc")
    assert api.since[-1] == "2022-08-12T11:20:00Z"


def test_gaps_of_an_interval_that_the_stream_is_past_are_filled_without_it(store):
    api = Api(at(10, "a"), at(20, "b"))
    run(store, api, GAPS)
    api.instead = {1: answer(500, b"oops")}
    named = "2022-08-12T110000--2022-08-12T113000"
    assert run(store, api, GAPS, date=named).outcome == "partial"
    before, api.instead = cursors(store), {}
    assert run(store, api, GAPS, date=named).outcome == "done"
    assert cursors(store) == before


def test_a_failed_run_moves_no_cursor_and_what_it_left_goes_with_the_next_commit(store):
    api = Api([*at(10, "a"), {"id": "b"}])
    with pytest.raises(ContractBroken):
        run(store, api)
    api.pages = [at(10, "a", "b")]
    done = run(store, api, now=later(1))
    assert done.partition == "2022-08-01T000000--2022-08-12T120100"
    assert {area.partition for area in areas_of(store, "shop", "orders")} == {done.partition}


def test_runs_that_fail_one_after_the_other_leave_one_of_them(store):
    api = Api()
    api.instead = {1: answer(403, b"no")}
    for minute in range(3):
        with pytest.raises(FixThis):
            run(store, api, now=later(minute))
    (left,) = areas_of(store, "shop", "orders")
    assert left.partition == "2022-08-01T000000--2022-08-12T120200"


def test_an_interrupted_run_is_continued_to_the_same_end(store):
    api = Api(at(10, "a"), at(20, "b"), at(30, "c"))
    api.instead = {2: WireFault("reset", "gone")}
    with pytest.raises(TryLater):
        run(store, api)
    api.instead, api.asked = {}, []
    done = run(store, api, now=later(30))
    assert (done.partition, done.resumed) == ("2022-08-01T000000--2022-08-12T120000", 1)
    assert "1" not in {query["page"] for query in api.asked}
    assert staged(store) == list("abc")
    run(store, api, now=later(31))
    assert api.asked[-1]["until"] == "2022-08-12T12:31:00Z"


def test_an_interrupted_run_that_is_too_old_is_begun_anew_to_the_same_end(store):
    api = Api(at(10, "a"), at(20, "b"))
    api.instead = {2: WireFault("reset", "gone")}
    with pytest.raises(TryLater):
        run(store, api)
    api.instead = {}
    done = run(store, api, now=later(61))
    assert (done.partition, done.resumed) == ("2022-08-01T000000--2022-08-12T120000", 0)
    assert {area.partition for area in areas_of(store, "shop", "orders")} == {done.partition}
    run(store, api, now=later(62))
    assert api.asked[-1]["until"] == "2022-08-12T13:02:00Z"


class Standing(MemoryStore):
    """A holder stands still at its first commit, which is on its way; its locks run out unnoticed."""

    meanwhile = None

    def lock(self, key, holder):  # noqa: ARG002 - the protocol's
        return nullcontext()

    def replace(self, key, data, expected):
        if self.meanwhile and key.endswith("/commit.json"):
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return super().replace(key, data, expected)


def whole(store):
    """Every commit of the stream has its files; how many rows there are."""
    areas = [area for area in areas_of(store, "shop", "orders") if read_record(area)[0]]
    assert [check_files(area, read_record(area)[0]) for area in areas] == [[] for _ in areas]
    return staged(store)


@pytest.mark.parametrize("minutes", [30, 180])
def test_a_late_first_commit_of_an_interval_meets_that_of_the_run_after_it(minutes):
    store, api = Standing(), Api(at(10, "a"), at(20, "b"))
    store.meanwhile = lambda: run(store, api, now=later(minutes))
    with pytest.raises(TryLater, match="another run committed in the meantime"):
        run(store, api)
    assert whole(store) == list("ab")
    assert list(cursors(store)) == ["2022-08-01T000000--2022-08-12T120000"]


@pytest.mark.parametrize("failure", [answer(403, b"no"), WireFault("reset", "gone")])
def test_a_late_first_commit_of_an_interval_has_its_files_where_the_run_after_it_failed(failure):
    store, api = Standing(), Api(at(10, "a"), at(20, "b"))

    def fails():
        api.instead = {1: failure}
        for minute in (180, 181, 400):
            with pytest.raises(LevadaError):
                run(store, api, now=later(minute))

    store.meanwhile = fails
    run(store, api)
    assert whole(store) == list("ab")
    api.instead, api.pages = {}, [at(20, "b"), at(30, "c")]
    run(store, api, now=later(401))
    assert whole(store) == list("abc")


def test_a_late_first_commit_of_an_interval_has_its_files_where_the_run_after_it_found_nothing_new():
    store, api = Standing(), Api(at(10, "a"))

    def finds_nothing():
        api.pages = []
        assert run(store, api, now=later(180)).outcome == "no data"
        assert run(store, api, now=later(181)).partition == "2022-08-01T000000--2022-08-12T150100"

    store.meanwhile = finds_nothing
    run(store, api)
    assert whole(store) == ["a"]


def test_a_stream_goes_beyond_the_end_of_an_interrupted_run_that_had_no_news(store):
    api = Api(at(10, "a"))
    api.instead = {2: WireFault("reset", "gone")}
    with pytest.raises(TryLater):
        run(store, api)
    api.instead, api.pages = {}, []
    assert run(store, api, now=later(61)).outcome == "no data"
    api.pages = [[{"id": "b", "at": "2022-08-12T12:30:00Z"}]]
    assert run(store, api, now=later(62)).counts.kept == 1


def test_an_interrupted_run_is_not_continued_beyond_an_end_that_was_configured_since(store):
    api = Api(numbered((1, "a"), (90, "b")))
    api.instead = {2: WireFault("reset", "gone")}
    with pytest.raises(TryLater):
        run(store, api, NUMBERS)
    api.instead = {}
    done = run(store, api, NUMBERS.replace("start: 0", "start: 0, end: 50"))
    assert (done.partition.rpartition("-")[2], staged(store)) == ("50".zfill(20), ["a"])


def test_an_interval_whose_record_was_lost_keeps_its_files_and_stops_the_stream(store):
    api = Api(at(10, "a"))
    area = Area(store, "shop", "orders", run(store, api).partition)
    copy = store.read(area.commit)
    store.delete(area.commit)
    for minute in (100, 200):
        with pytest.raises(FixThis, match="was not written by Levada"):
            run(store, api, now=later(minute))
    store.replace(area.commit, copy, None)
    api.pages.append(at(30, "b"))
    run(store, api, now=later(201))
    assert whole(store) == list("ab")


def test_what_a_failed_run_left_stays_while_somebody_is_at_work_there(store):
    api = Api()
    api.instead = {1: answer(403, b"no")}
    with pytest.raises(FixThis):
        run(store, api)
    (area,) = areas_of(store, "shop", "orders")
    api.instead, api.pages = {}, [at(10, "a")]
    with store.lock(area.lock, b"{}"):
        run(store, api, now=later(1))
    assert area in areas_of(store, "shop", "orders")


def test_who_lost_the_lease_takes_nothing_of_a_failed_run_away():
    class Out(MemoryStore):
        out = False

        def holding(self):
            if self.out:
                raise Lost("the lease was lost", where="lock")

    store, api = Out(), Api()
    api.instead = {1: answer(403, b"no")}
    with pytest.raises(FixThis):
        run(store, api)
    before, store.out = {entry.key for entry in store.list("")}, True
    with pytest.raises(Lost):
        run(store, api, now=later(1))
    assert {entry.key for entry in store.list("")} == before


def test_replay_takes_the_same_records_again_without_the_api(store):
    api = Api(numbered((1, "a"), (3, "b")))
    run(store, api, NUMBERS)
    api.pages = [numbered((3, "b"), (3, "c"))]
    run(store, api, NUMBERS)
    before, asked = cursors(store), len(api.asked)
    stricter = NUMBERS.replace("id: string", "id: {type: string, enum: [a, b, c, d]}")
    chosen = pipeline(store, api, stricter)
    done = chosen.replay()
    assert [one.partition for one in done] == sorted(before)
    assert [one.counts.dropped for one in done] == [0, 1]
    assert (staged(store), cursors(store), len(api.asked)) == (list("abc"), before, asked)


def test_land_moves_the_cursor_and_stage_takes_all_that_is_landed(store):
    api = Api(at(10, "a"))
    first = run(store, api, verb="land")
    api.pages = [at(20, "b")]
    second = run(store, api, verb="land", now=later(1))
    assert api.since == ["2022-08-01", "2022-08-12T11:10:00Z"]
    done = pipeline(store, api).stage()
    assert [(one.partition, one.level) for one in done] == [(first.partition, "staged"), (second.partition, "staged")]
    assert staged(store) == ["a", "b"]
    assert list(cursors(store).values()) == ["2022-08-12T11:10:00Z", "2022-08-12T11:20:00Z"]


def test_new_records_are_read_though_an_interval_of_that_name_is_complete(store):
    api = Api(numbered((1, "a")))
    named = run(store, api, NUMBERS, date="0--")
    fresh = run(store, api, NUMBERS, missing=True)
    assert (fresh.partition, fresh.changed, cursors(store)) == (named.partition, True, {named.partition: 1})
    for letter in "bc":
        api.pages = [[*api.pages[0], *numbered((1, letter))]]
        run(store, api, NUMBERS, missing=True)
    assert staged(store) == list("abc")


WINDOWS = SPEC.replace("    incremental", "    window: 6h\n    incremental").replace("2022-08-01", "2022-08-12")


def test_a_record_where_two_windows_meet_comes_once(store):
    edge = {"id": "edge", "at": "2022-08-12T08:00:00+02:00"}
    first = {"id": "first", "at": "2022-08-12T00:00:00Z"}

    class Inclusive(Api):
        def _reply(self, call, attempt):
            reply = super()._reply(call, attempt)
            since = self.asked[-1]["since"]
            shown = [first, edge] if since.startswith("2022-08-12T00") else [edge, edge, *at(10, "late")]
            return reply if self.asked[-1]["page"] != "1" else Reply(answer(200, json.dumps(shown).encode()))

    api = Inclusive([])
    done = run(store, api, WINDOWS)
    assert [(query["since"], query["until"]) for query in api.asked if query["page"] == "1"] == [
        ("2022-08-12T00:00:00Z", "2022-08-12T06:00:00Z"),
        ("2022-08-12T06:00:00Z", "2022-08-12T12:00:00Z"),
    ]
    assert (staged(store), done.counts) == (["edge", "first", "late"], Counts(read=5, kept=3, dropped=2))
    assert not pipeline(store, api, WINDOWS).replay()[0].changed


def test_records_that_are_alike_within_a_window_are_all_taken(store):
    api = Api([{"id": "a", "at": "2022-08-12T06:00:00Z"}] * 2)
    done = run(store, api, WINDOWS)
    assert done.counts == Counts(read=4, kept=2, dropped=2)


def test_each_run_goes_on_from_the_highest_cursor_of_all_intervals(store):
    api = Api()
    for number in (1, 9, 10, 100):
        api.pages = [numbered((number, f"o{number}"))]
        run(store, api, NUMBERS)
    run(store, api, NUMBERS)
    assert api.since == ["0", "1", "9", "10", "100"]


class Counting(MemoryStore):
    """Counts the commit records that are read."""

    commits = 0

    def read(self, key):
        self.commits += key.endswith("/commit.json")
        return super().read(key)


def test_few_commits_are_read_however_many_there_are():
    store, api = Counting(), Api()
    reads = []
    for minute in range(1, 31):
        api.pages = [at(minute, f"o{minute}")]
        before = store.commits
        run(store, api, now=later(minute - 59))
        reads.append(store.commits - before)
    assert max(reads) == reads[4] < 8


def test_a_commit_that_was_not_shown_is_shown_before_the_stream_goes_on(store):
    api = Api(at(10, "a"))
    first = run(store, api)
    key = Area(store, "shop", "orders", first.partition).commit
    store.replace(key, as_json(replace(record(store, first.partition), shown=False)), store.head(key).tag)
    api.asked = []
    done = run(store, api, now=later(1))
    assert (done.partition, done.changed, api.asked) == (first.partition, True, [])
    assert "was stopped before it was shown" in done.notes[0]
    assert record(store, first.partition).shown


def test_two_runs_do_not_move_one_cursor_at_once(store):
    api = Api(at(10, "a"))
    with take_turn(Area(store, "shop", "orders", ""), Edges()), pytest.raises(LeaseHeld, match="holds shop/orders: "):
        run(store, api)
    assert api.asked == []


def test_an_interval_that_is_empty_is_not_asked_for(store):
    api = Api(at(10, "a"))
    done = run(store, api, SPEC.replace("2022-08-01", "2023-01-01"))
    assert (done.outcome, api.asked) == ("no data", [])
    assert "nothing was asked for" in done.notes[0]


def test_an_open_interval_has_no_end_to_ask_for(store):
    asked = NUMBERS.replace('since: "{start}"', 'since: "{start}", until: "{end}"')
    with pytest.raises(FixThis, match=r"\{end\} is unknown to an incremental stream"):
        pipeline(store, Api(), asked)
    api = Api(numbered((1, "a"), (9, "b")))
    assert run(store, api, asked.replace("start: 0", "start: 0, end: 5")).counts == Counts(read=2, kept=1, dropped=1)
    assert api.asked[0]["until"] == "5"


def test_a_start_that_was_moved_up_wins_over_the_cursor(store):
    api = Api(at(10, "a"))
    run(store, api)
    run(store, api, SPEC.replace("2022-08-01", "2022-08-12T11:30:00Z"), now=later(1))
    assert api.since == ["2022-08-01", "2022-08-12T11:30:00Z"]


@pytest.mark.parametrize(
    ("date", "what"),
    [
        ("2022-08-09", '"2022-08-09" is no interval'),
        ("2022-08-09--soon", '"soon" is no instant'),
        ("2022-08-09--2022-08-09", "holds nothing"),
    ],
)
def test_what_is_no_interval_is_refused(store, date, what):
    with pytest.raises(FixThis) as caught:
        run(store, Api(), date=date)
    assert what in caught.value.what
    assert caught.value.todo


def test_what_a_commit_says_is_kept_with_what_it_went_on_from(store):
    api = Api(numbered((1, "a")))
    run(store, api, NUMBERS)
    api.pages = [numbered((2, "b"))]
    second = run(store, api, NUMBERS)
    found = record(store, second.partition)
    assert (found.cursor.value, found.since.value, len(found.cursor.seen)) == (2, 1, 1)
    assert isinstance(found.since, Cursor)


ITEMS = """
  items:
    request: {path: /items, params: {page: "1"}}
"""


def with_items(store, api, now):
    """A pipeline of orders, and of items, which are asked for by the rows of orders."""
    made = pipeline(store, api, SPEC + ITEMS.removeprefix("\n"), now)
    orders, items = made.spec.streams
    name, asked = parse("raw/items/{partition}/{row}.json"), replace(items.request, path=parse("/{row.id}/items"))
    items = replace(items, request=asked, raw=name, for_each=ForEach(items.place, row_of=("orders",)))
    return replace(made, spec=replace(made.spec, streams=(orders, items)))


def test_streams_of_the_rows_follow_interval_by_interval(store):
    api = Api(at(10, "a"))
    first, items = with_items(store, api, NOON).run()
    assert (items.stream, items.partition, items.outcome) == ("items", first.partition, "done")
    api.pages = [at(20, "b")]
    second, later_items = with_items(store, api, later(1)).run()
    assert later_items.partition == second.partition != first.partition
    assert [run.outcome for run in with_items(store, api, later(2)).run()] == ["no data", "no data"]
    assert [key for key in public(store) if key.startswith("raw/items")] == [
        f"raw/items/{run.partition}/1.json" for run in (first, second)
    ]


def test_an_interval_that_a_follower_missed_is_not_lost(store):
    api = Api(at(10, "a"))
    missed = run(store, api)
    api.pages = [at(20, "b")]
    second, items = with_items(store, api, later(1)).run()
    assert items.partition == missed.partition
    assert items.notes == ("1 more intervals of stream orders wait, one for each run",)
    assert with_items(store, api, later(2)).run()[1].partition == second.partition


def test_a_quarantined_record_is_told_by_its_place_in_the_raw_page(store):
    api = Api(at(10, "a"))
    run(store, api)
    page = [*at(5, "too early", "too early"), {"id": 1, "at": "2022-08-12T11:20:00Z"}, *at(30, "b")]
    api.pages = [page]
    done = run(store, api, now=later(30))
    assert done.counts == Counts(read=4, kept=1, dropped=2, quarantined=1)
    (of_commit,) = [file for file in record(store, done.partition).files if file.kind == "quarantine"]
    (row,) = rows(store, of_commit.key)
    assert page[row.index]["id"] == json.loads(row.raw)["id"] == 1
    api.pages = [[*page, {"id": 2, "at": "2022-08-12T11:40:00Z"}]]
    strict = SPEC.replace("contract:\n", "contract:\n      on_bad: fail\n")
    with pytest.raises(ContractBroken, match=r"Page 1, record 2 \(from 0\), `id`"):
        run(store, api, strict, now=later(40), date=done.partition)


def test_a_replay_of_a_span_takes_the_intervals_that_are_there(store):
    api = Api(at(10, "a"), at(20, "b"))
    run(store, api)
    api.pages = [at(50, "c")]
    run(store, api, now=later(30))
    made = pipeline(store, api)
    first, second = sorted(cursors(store))
    span = Choice(start="2022-08-12T11:00:00Z", end="2022-08-12T12:00:00Z")
    assert [key for key, _ in made.chosen("replay", span).work] == [second]
    assert made.work("replay", made.streams()[0], second).counts == Counts(read=1, kept=1)
    assert [key for key, _ in made.chosen("replay", Choice(first)).work] == [first]
    month = Choice(start="2022-07-01", end="2022-08-01")
    for never, says in ((Choice("2022-08-12T110000--"), "of 2022-08-12T110000--"), (month, "in that span")):
        with pytest.raises(FixThis, match=f"Nothing of pipeline shop is committed {says}\\.\n"):
            made.chosen("replay", never)


def drift(done):
    return [note for note in done.notes if note.startswith("drift")]


def with_more(records, **more):
    return [record | more for record in records]


def test_keys_that_come_and_go_are_told_beside_the_interval_before(store):
    first = run(store, Api(with_more(at(1, "a"), shop="x")))
    assert drift(first) == []
    later = NOON + timedelta(hours=1)
    done = run(store, Api([{"id": "b", "at": "2022-08-12T12:30:00Z", "till": 1}]), now=later)
    assert drift(done) == [
        f"drift: the records have new keys since {first.partition}: `till`; the contract does not name `till`",
        f"drift: no record has keys that were there in {first.partition}: `shop`",
    ]
    again = run(store, Api([{"id": "c", "at": "2022-08-12T13:30:00Z", "till": 1}]), now=later + timedelta(hours=1))
    assert drift(again) == []


def with_a_contract(made):
    """The items are held to the contract of the orders."""
    orders, items = made.spec.streams
    return replace(made, spec=replace(made.spec, streams=(orders, replace(items, contract=orders.contract))))


def test_streams_of_the_rows_are_compared_with_their_interval_before(store):
    api = Api(at(10, "a"))
    first, items = with_a_contract(with_items(store, api, NOON)).run()
    assert drift(items) == []
    api.pages = [with_more(at(20, "b"), till=1)]
    _, later_items = with_a_contract(with_items(store, api, later(1))).run()
    assert drift(later_items) == [
        f"drift: the records have new keys since {first.partition}: `till`; the contract does not name `till`"
    ]
