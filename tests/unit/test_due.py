"""What `run --missing` would do: told from the lake, and held to what such a run does then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from levada.due import Due, Wanted, due
from levada.edges import Edges, FixedClock, WireFault
from levada.errors import FixThis, LevadaError, TryLater
from levada.lake.area import Area
from levada.lake.lease import hold, read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.lake.status import PartitionStatus
from levada.nouns import Gap
from levada.pipeline import Options, Pipeline
from levada.pipeline.choosing import Choice
from levada.pipeline.dues import dues
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.model import Partitioning
from levada.spec.partition import parse, span
from levada.spec.read import read_text
from shop import HEAD, SALES, Shop, page_of, prices

NOW = datetime(2022, 8, 12, 6, tzinfo=UTC)
DAY = "2022-08-09"


def wanted(key=DAY, stream="sales", partitioning=None, parents=()):
    return Wanted(stream, parse(key, partitioning or Partitioning()), parents)


def status(state="done", key=DAY, stream="sales", **facts):
    given = {"level": "staged", "committed": NOW - timedelta(hours=1), **facts}
    return PartitionStatus("shop", stream, key, state, **given)


def only(found, one=None, now=NOW):
    known = {(each.stream, each.partition): each for each in found}
    (told,) = due([one or wanted()], known, now)
    return told.state, told.does, told.why


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (None, ("missing", "fetch", "nothing is committed")),
        (status(), ("done", "skip", "complete")),
        (status("done with quarantine"), ("done with quarantine", "skip", "complete")),
        (status("no data"), ("no data", "skip", "complete")),
        (status("done", level="landed"), ("done", "finish", "landed, and not staged yet")),
        (status("not shown", unshown=True), ("not shown", "finish", "committed, and its files are not shown yet")),
        (
            status("not loaded", unloaded=True),
            ("not loaded", "finish", "committed, and its table has not taken the rows yet"),
        ),
        (status("partial", gaps=(Gap("page 3", "no"),)), ("partial", "fetch", "committed with 1 gap")),
        (status("partial", gaps=(Gap("page 3", "no"),) * 2), ("partial", "fetch", "committed with 2 gaps")),
        (status("unfinished", unfinished_pages=3), ("unfinished", "skip", "complete")),
        (status("failed", error="No.\n  where: x"), ("failed", "skip", "complete; a later run failed: No")),
        (
            status("failed", error="No.", gaps=(Gap("page 3", "no"),)),
            ("failed", "fetch", "committed with 1 gap; a later run failed: No"),
        ),
        (
            status("failed", committed=None, error="No.\n  where: x"),
            ("failed", "fetch", "nothing is committed, the latest run failed: No"),
        ),
        (
            status("failed", committed=None, error="Away.", unfinished_pages=2),
            (
                "failed",
                "continue",
                "nothing is committed; an interrupted run had 2 answers; the latest run failed: Away",
            ),
        ),
        (
            status("unfinished", committed=None, unfinished_pages=1),
            ("unfinished", "continue", "nothing is committed; an interrupted run had 1 answer"),
        ),
        (
            status("unfinished", committed=None),
            ("unfinished", "fetch", "nothing is committed, a run was stopped before any answer came"),
        ),
        (
            status("no data", committed=None),
            ("no data", "fetch", "nothing is committed, the latest run found nothing new"),
        ),
        (status("running"), ("running", "cannot", "a run is at work on it")),
        (
            status("damaged", committed=None, error="the record is damaged: x\n  where: y"),
            ("damaged", "cannot", "its commit record is damaged or gone: the record is damaged: x"),
        ),
    ],
)
def test_what_is_done_to_a_partition_and_why(one, told):
    assert only([one] if one else []) == told


@pytest.mark.parametrize(
    ("key", "partitioning", "why"),
    [
        ("2022-08-11", Partitioning(), "nothing is committed"),
        ("2022-08-12", Partitioning(), "nothing is committed, and it is not over"),
        ("2022-08-13", Partitioning(), "nothing is committed, and it has not begun"),
        ("2022-08-12", Partitioning(timezone="Pacific/Kiritimati"), "nothing is committed, and it is not over"),
        ("2022-08-12", Partitioning(timezone="Pacific/Pago_Pago"), "nothing is committed, and it has not begun"),
        ("2022-08-12T05", Partitioning("hour"), "nothing is committed"),
        ("2022-08-12T06", Partitioning("hour"), "nothing is committed, and it is not over"),
        ("2022-W31", Partitioning("week"), "nothing is committed"),
        ("2022-W32", Partitioning("week"), "nothing is committed, and it is not over"),
        ("2022-08", Partitioning("month"), "nothing is committed, and it is not over"),
        ("blue", Partitioning("list", names=("blue",)), "nothing is committed"),
        ("2022-08-12T060000Z", Partitioning("tick", every=60), "nothing is committed"),
    ],
)
def test_what_is_not_over_yet_is_told(key, partitioning, why):
    assert only([], wanted(key, partitioning=partitioning)) == ("missing", "fetch", why)


@pytest.mark.parametrize(
    ("key", "partitioning", "committed", "early"),
    [
        (DAY, Partitioning(), datetime(2022, 8, 10, tzinfo=UTC), False),
        (DAY, Partitioning(), datetime(2022, 8, 9, 23, 59, tzinfo=UTC), True),
        # The day of 25 hours, when clocks are put back: it ends at 01:00 UTC.
        ("2022-10-30", Partitioning(timezone="Atlantic/Azores"), datetime(2022, 10, 31, 0, 59, tzinfo=UTC), True),
        ("2022-10-30", Partitioning(timezone="Atlantic/Azores"), datetime(2022, 10, 31, 1, 0, tzinfo=UTC), False),
        # And of 23: it ends at midnight UTC.
        ("2022-03-27", Partitioning(timezone="Atlantic/Azores"), datetime(2022, 3, 27, 23, 59, tzinfo=UTC), True),
        ("2022-03-27", Partitioning(timezone="Atlantic/Azores"), datetime(2022, 3, 28, 0, 0, tzinfo=UTC), False),
        ("2022-02", Partitioning("month"), datetime(2022, 2, 28, 12, tzinfo=UTC), True),
        ("2022-W52", Partitioning("week"), datetime(2023, 1, 1, 12, tzinfo=UTC), True),
        ("2022-W52", Partitioning("week"), datetime(2023, 1, 2, tzinfo=UTC), False),
        ("blue", Partitioning("list", names=("blue",)), datetime(2022, 8, 9, tzinfo=UTC), False),
        ("2022-08-12T060000Z", Partitioning("tick", every=60), datetime(2022, 8, 12, 6, tzinfo=UTC), False),
    ],
)
def test_what_was_committed_before_it_was_over_is_complete_and_told(key, partitioning, committed, early):
    _, does, why = only([status(key=key, committed=committed)], wanted(key, partitioning=partitioning))
    at = f"{committed:%Y-%m-%d %H:%M} UTC"
    assert does == "skip"
    assert why == (
        f"complete, but committed {at}, before it was over: --again fetches it anew" if early else "complete"
    )


def test_a_span_over_both_changes_of_the_clocks_has_each_hour_once():
    hours = Partitioning("hour", timezone="Europe/Lisbon")
    for first, last, count in (("2022-03-26T00", "2022-03-28T00", 47), ("2022-10-29T00", "2022-10-31T00", 49)):
        told = due([Wanted("sales", one) for one in span(first, last, hours)], {}, NOW)
        assert len({one.partition for one in told}) == len(told) == count


def test_children_follow_their_parents():
    child = wanted(stream="items", parents=("sales",))

    def does(*found, alone=False):
        known = {(each.stream, each.partition): each for each in found}
        told = due([child] if alone else [wanted(), child], known, NOW)[-1]
        return told.does, told.why

    assert does() == ("fetch", "nothing is committed")
    assert does(status(), alone=True) == ("fetch", "nothing is committed")
    assert does(alone=True) == (
        "cannot",
        "it is made from sales, of which nothing is committed: choose that stream, too",
    )
    assert does(status("running")) == ("cannot", "it is made from sales, which cannot be run")
    assert does(status("running"), status(stream="items")) == ("skip", "complete")


# Held to what a run does.

#: Nothing is asked for before its turn, so that requests can be counted.
SPEC = SALES.replace("{by: page}", "{by: page, ahead: off}")
CHILD = """\
  items:
    for_each: {row_of: sales}
    request: {path: "/items/{row.price}"}
    raw: items/{date}/{row.price}.json
"""


class Api(Shop):
    """A shop whose first page can be refused, and whose items are there."""

    down = False

    def wire(self):
        def script(call, _attempt):
            if self.down:
                return Reply(WireFault("refused", "nobody is there"))
            if "/items/" in call.url:
                return Reply(answer(200, b"[{}]"))
            return Reply(self.pages.get(page_of(call), answer(404, b"no such page")))

        self.wires.append(ScriptedWire(script))
        return self.wires[-1]


class Lake:
    """A pipeline in memory, its API, and a day on which things happened."""

    def __init__(self, spec=SPEC):
        self.api, self.store = Api(prices(1), prices(2)), MemoryStore()
        self.clock = FixedClock()
        self.pipeline = Pipeline(
            read_text(spec, "shop.yaml", {}, lake="lake"),
            self.store,
            Edges(clock=self.clock, environment={}, network=self.api.wire),
        )

    def work(self, verb="run", key=DAY, stream=0, **options):
        pipeline = self.pipeline.having(Options(**options))
        self.clock.pause(1)
        return pipeline.work(verb, pipeline.streams()[stream], key)

    def told(self, *streams, **choice):
        pipeline = self.pipeline.having(Options(streams=streams))
        return dues(pipeline.course, pipeline.chosen("run", Choice(**(choice or {"date": DAY}))))

    def change(self, **facts):
        area = Area(self.store, "shop", "sales", DAY)
        record, tag = read_record(area)
        self.store.replace(area.commit, as_json(replace(record, **facts)), tag)

    def asked(self):
        """Requests of a run that skips what is complete."""
        before = len(self.api.urls)
        self.work(missing=True)
        return len(self.api.urls) - before


@pytest.mark.parametrize(
    ("happened", "does", "requests"),
    [
        (lambda _: None, "fetch", 3),
        (lambda lake: lake.work(), "skip", 0),
        (lambda lake: lake.work("land"), "finish", 0),
        (lambda lake: (lake.work(), lake.change(shown=False)), "finish", 0),
    ],
)
def test_what_is_told_is_what_a_run_does(happened, does, requests):
    lake = Lake()
    happened(lake)
    assert [one.does for one in lake.told()] == [does]
    assert lake.asked() == requests
    assert [one.does for one in lake.told()] == ["skip"]


def test_a_commit_with_gaps_is_fetched_anew():
    lake = Lake(SPEC.replace("responses:", "responses:\n      - {status: 418, means: skip}"))
    whole, lake.api.pages[2] = lake.api.pages[2], answer(418, b"I'm a teapot")
    lake.work()
    assert [(one.state, one.does, one.why) for one in lake.told()] == [("partial", "fetch", "committed with 1 gap")]
    lake.api.pages[2] = whole
    assert lake.asked() == 3
    assert [one.does for one in lake.told()] == ["skip"]


def test_a_run_goes_on_where_an_interrupted_one_stopped():
    lake = Lake()
    lake.api.pages[2] = WireFault("refused", "nobody is there")
    with pytest.raises(LevadaError):
        lake.work()
    (told,) = lake.told()
    assert (told.state, told.does) == ("failed", "continue")
    assert told.why.startswith("nothing is committed; an interrupted run had 1 answer; the latest run failed: ")
    lake.api.pages[2] = answer(200, b'[{"price": 2}]')
    assert lake.asked() == 2


def test_a_run_cannot_work_on_what_another_holds():
    lake = Lake()
    lake.work("land")
    with hold(Area(lake.store, "shop", "sales", DAY), lake.pipeline.edges):
        assert [one.does for one in lake.told()] == ["cannot"]
        with pytest.raises(LevadaError):
            lake.work(missing=True)


def test_a_run_cannot_work_on_what_is_damaged():
    lake = Lake()
    lake.work()
    key = Area(lake.store, "shop", "sales", DAY).commit
    lake.store.delete(key)
    lake.store.create(key, b"{")
    assert [one.does for one in lake.told()] == ["cannot"]
    with pytest.raises(FixThis):
        lake.work(missing=True)


def test_a_child_alone_cannot_be_run_before_its_parent():
    lake = Lake(SPEC + CHILD)
    assert [(one.stream, one.does) for one in lake.told()] == [("sales", "fetch"), ("items", "fetch")]
    assert [one.does for one in lake.told("items")] == ["cannot"]
    with pytest.raises(FixThis, match="nothing of sales is committed"):
        lake.work(stream=1, missing=True)
    lake.work()
    assert [one.does for one in lake.told("items")] == ["fetch"]
    lake.work(stream=1)
    assert [one.does for one in lake.told()] == ["skip", "skip"]


def test_names_of_a_list_are_told_all():
    spec = HEAD.replace("pipeline: shop", "pipeline: shop\npartition: {by: list, names: [blue, red]}")
    lake = Lake(spec.replace("{date}", "{partition}") + "    raw: raw/{partition}.json\n")
    told = dues(lake.pipeline.course, lake.pipeline.chosen("run", Choice()))
    assert [(one.partition, one.does) for one in told] == [("blue", "fetch"), ("red", "fetch")]
    with pytest.raises(FixThis, match="Partitions by list have no spans"):
        lake.told(start="blue", end="red")


INCREMENTAL = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  changes:
    request: {path: /changes, params: {since: "{start}"}}
    paging: {by: page, ahead: off}
    responses: [{status: 404, means: skip}]
    incremental: {cursor: $.at, start: "2022-08-01T00:00:00Z"}
    raw: "raw/{partition}/{page}.json"
"""


class Changes:
    """A stream that goes on, whose API can break off after its first page."""

    def __init__(self):
        self.clock, self.store, self.left_out, self.broken = FixedClock(), MemoryStore(), False, False

    def wire(self):
        def reply(call, _attempt):
            second = "page=2" in call.url
            if second and self.broken:
                return Reply(WireFault("refused", "nobody is there"))
            if second and self.left_out:
                return Reply(answer(404, b"no such page"))
            return Reply(answer(200, b'[{"at": "2022-08-02T00:00:00Z"}]' if "page=1" in call.url else b"[]"))

        return ScriptedWire(reply)

    @property
    def pipeline(self):
        edges = Edges(clock=self.clock, environment={}, network=self.wire)
        return Pipeline(read_text(INCREMENTAL, "shop.yaml", {}, lake="lake"), self.store, edges)

    def run(self):
        return self.pipeline.work("run", self.pipeline.streams()[0], "")

    def told(self, **choice):
        return dues(self.pipeline.course, self.pipeline.chosen("run", Choice(**choice)))


FIRST = "2022-08-01T000000--2022-08-12T060000"


@pytest.fixture
def changes():
    return Changes()


def test_a_stream_that_goes_on_is_always_due(changes):
    assert changes.told() == [Due("changes", "", "missing", "fetch", "nothing is committed: it begins at its start")]
    changes.run()
    assert changes.told() == [Due("changes", "", "done", "fetch", f"it goes on from {FIRST}")]
    (named,) = changes.told(date="2022-08-01--2022-08-12T06:00:00Z")
    assert (named.partition, named.does) == (FIRST, "skip")
    assert [one.does for one in changes.told(start="2022-08-01", end="2022-08-02")] == ["fetch"]


def test_a_stream_that_goes_on_continues_what_was_interrupted(changes):
    changes.broken = True
    with pytest.raises(TryLater):
        changes.run()
    (one,) = changes.told()
    assert (one.partition, one.state, one.does) == (FIRST, "failed", "continue")
    changes.broken = False
    done = changes.run()
    assert (done.partition, done.resumed) == (FIRST, 1)


def test_a_stream_that_goes_on_stops_at_gaps(changes):
    changes.left_out = True
    assert changes.run().gaps
    assert changes.told() == [Due("changes", FIRST, "partial", "fetch", "it stopped there: parts of it are missing")]
    changes.clock.pause(60)
    assert changes.run().partition == FIRST


def test_a_stream_that_goes_on_cannot_while_a_run_is_at_work_on_it(changes):
    changes.run()
    with hold(Area(changes.store, "shop", "changes", FIRST), changes.pipeline.edges):
        assert changes.told() == [Due("changes", FIRST, "running", "cannot", "a run is at work on it")]


def test_a_stream_that_goes_on_cannot_where_its_last_commit_is_damaged(changes):
    changes.run()
    commit = Area(changes.store, "shop", "changes", FIRST).commit
    changes.store.replace(commit, b"{", changes.store.head(commit).tag)
    (one,) = changes.told()
    assert (one.partition, one.state, one.does) == (FIRST, "damaged", "cannot")
    with pytest.raises(FixThis, match="the commit record is damaged"):
        changes.run()


def test_a_stream_that_goes_on_finishes_what_is_not_shown_first(changes):
    done = changes.run()
    area = Area(changes.store, "shop", "changes", FIRST)
    record, tag = read_record(area)
    changes.store.replace(area.commit, as_json(replace(record, shown=False)), tag)
    changes.store.delete(area.run(done.run, "run.json"))  # it was killed before
    assert [(one.partition, one.state, one.does) for one in changes.told()] == [
        (FIRST, "not shown", "finish"),
        ("", "not shown", "fetch"),
    ]
