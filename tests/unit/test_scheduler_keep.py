"""The loop of a schedule, with a clock that only moves when somebody waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import FixThis, LeaseHeld, TryLater
from levada.lake.area import Area
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.pipeline import Pipeline
from levada.scheduler.keep import keep, once
from levada.scheduler.post import posts, work_at
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from shop import public

START = datetime(2022, 8, 12, 6, 0, 30, tzinfo=UTC)
SPEC = """
pipeline: shop
partition: {by: tick, every: 1m}
source: {url: "http://api.test", retry: {attempts: 2, wait: 1s, jitter: none}}
streams:
  sales:
    request: {path: /sales}
    raw: raw/{partition}.json
schedule: {every: 1m}
"""
CHILD = """\
  items:
    pages_of: sales
  other:
    request: {path: /other}
    raw: other/{partition}.json
"""
PAGED = SPEC.replace("{path: /sales}", "{path: /sales}\n    paging: {by: page, max_pages: 3, ahead: off}").replace(
    ".json", "_{page}.json"
)


class Bell:
    """Rings when the clock says so, or when it is told to."""

    def __init__(self, clock, minutes):
        self.clock, self.until, self.waited = clock, START + timedelta(minutes=minutes), []

    def is_set(self):
        return self.clock.now() >= self.until

    def wait(self, timeout):
        self.waited.append(timeout)
        self.clock.pause(timeout)
        return self.is_set()

    def ring(self):
        self.until = self.clock.now()


class Shop:
    """An API that answers by script, and the loop of a spec that asks it."""

    def __init__(self, script=None, spec=SPEC, minutes=3):
        self.clock, self.store, self.told = FixedClock(START), MemoryStore(), []
        self.bell = Bell(self.clock, minutes)
        self.asked = []
        self.script = script or (lambda _: answer(200, b'[{"price": 1}]'))
        edges = Edges(clock=self.clock, environment={}, network=lambda: ScriptedWire(self.reply))
        self.pipeline = Pipeline(read_text(spec, "shop.yaml", {}, lake="lake"), self.store, edges)

    def reply(self, call, _attempt):
        self.asked.append((call.url.removeprefix("http://api.test"), self.clock.now()))
        return Reply(self.script(self))

    def keep(self):
        (post,) = posts([self.pipeline])
        assert keep(post, self.bell, self.told.append) == 0
        return [(told.event, told.partition or told.words) for told in self.told]


def ticks(*minutes):
    return [("ran", f"2022-08-12T06{minute:02}00Z") for minute in minutes]


def test_ticks_are_worked_as_they_come():
    shop = Shop()
    assert shop.keep() == [
        ("began", "every 1m, first at 2022-08-12 06:01:00"),
        *ticks(1, 2, 3),
        ("ended", "ended"),
    ]
    assert [moment.second for _, moment in shop.asked] == [0, 0, 0]
    assert list(public(shop.store)) == [f"raw/2022-08-12T060{minute}00Z.json" for minute in (1, 2, 3)]
    assert max(shop.bell.waited) <= 10
    ran = shop.told[1]
    assert (ran.pipeline, ran.stream, ran.tick) == ("shop", "sales", START.replace(minute=1, second=0))
    assert (ran.run.outcome, ran.run.counts.read) == ("done", 1)


def test_a_run_that_fails_is_told_and_ends_no_loop():
    def script(shop):
        if len(shop.asked) in (1, 2):
            return WireFault("refused", "nobody listens")
        return answer(200, b"[") if shop.clock.now().minute == 2 else answer(200, b"[]")

    shop = Shop(script)
    happened = shop.keep()
    assert [event for event, _ in happened] == ["began", "failed", "failed", "ran", "ended"]
    away, broken = shop.told[1].error, shop.told[2].error
    assert (away.exit_code, broken.exit_code) == (75, 3)
    assert "nobody listens" in str(away)
    assert shop.told[2].partition == "2022-08-12T060200Z"


def test_a_bug_is_told_and_ends_no_loop():
    def script(shop):
        if len(shop.asked) == 1:
            raise ZeroDivisionError("a bug")
        return answer(200, b"[]")

    shop = Shop(script, minutes=2)
    assert [event for event, _ in shop.keep()] == ["began", "failed", "ran", "ended"]
    assert isinstance(shop.told[1].error, ZeroDivisionError)


def test_an_exit_from_within_a_run_is_told_and_ends_no_loop(monkeypatch):
    shop = Shop(minutes=2)
    real = shop.store.create

    def leaving(*given, **more):
        monkeypatch.setattr(shop.store, "create", real)
        raise SystemExit("enough")

    monkeypatch.setattr(shop.store, "create", leaving)
    assert [event for event, _ in shop.keep()] == ["began", "failed", "ran", "ended"]
    assert isinstance(shop.told[1].error, SystemExit)


def test_a_partition_that_another_run_holds_is_told_and_ends_no_loop():
    shop = Shop(minutes=2)
    with hold(Area(shop.store, "shop", "sales", "2022-08-12T060100Z"), Edges(clock=shop.clock)):
        assert [event for event, _ in shop.keep()] == ["began", "failed", "ran", "ended"]
    assert isinstance(shop.told[1].error, LeaseHeld)


def test_a_run_that_takes_longer_than_the_interval_skips_ticks_and_says_so():
    def script(shop):
        if len(shop.asked) == 1:
            shop.clock.pause(150)
        return answer(200, b"[]")

    assert Shop(script, minutes=5).keep() == [
        ("began", "every 1m, first at 2022-08-12 06:01:00"),
        *ticks(1),
        ("skipped", "1 tick skipped, from 2022-08-12 06:02:00 on: the run before took 150 s"),
        *ticks(3, 4, 5),
        ("ended", "ended"),
    ]


def test_a_machine_that_slept_works_the_latest_tick():
    shop = Shop(minutes=180)
    wait = shop.bell.wait

    def sleeping(timeout):
        if shop.clock.now().minute == 2 and shop.clock.now().hour == 6:
            shop.clock.pause(2 * 3600)
        return wait(timeout)

    shop.bell.wait = sleeping
    happened = shop.keep()
    assert happened[1:5] == [
        *ticks(1, 2),
        (
            "skipped",
            "119 ticks skipped, from 2022-08-12 06:03:00 on: the machine slept, or its clock was put forward",
        ),
        ("ran", "2022-08-12T080200Z"),
    ]
    assert happened[5:] == [
        *(("ran", f"2022-08-12T08{minute:02}00Z") for minute in range(3, 60)),
        ("ran", "2022-08-12T090000Z"),
        ("ended", "ended"),
    ]


def test_a_clock_that_is_put_back_stops_nothing():
    shop = Shop(minutes=3)
    wait, back = shop.bell.wait, [timedelta(hours=5)]

    def set_back(timeout):
        if shop.clock.now().minute == 2 and back:
            shop.clock.start -= back.pop()
            shop.bell.until = shop.clock.now() + timedelta(minutes=2.5)
        return wait(timeout)

    shop.bell.wait = set_back
    assert shop.keep() == [
        ("began", "every 1m, first at 2022-08-12 06:01:00"),
        *ticks(1, 2),
        (
            "clock",
            "the clock was put back, from 2022-08-12 06:02:00 to 2022-08-12 01:02:10: ticks are counted from there",
        ),
        ("ran", "2022-08-12T010300Z"),
        ("ran", "2022-08-12T010400Z"),
        ("ended", "ended"),
    ]


def test_a_tick_that_comes_again_is_left_alone():
    shop = Shop(lambda shop: answer(200, f'[{{"n": {len(shop.asked)}}}]'.encode()), minutes=3)
    wait, back = shop.bell.wait, [timedelta(minutes=2)]

    def set_back(timeout):
        if shop.clock.now().minute == 2 and back:
            shop.clock.start -= back.pop()
        return wait(timeout)

    shop.bell.wait = set_back
    assert shop.keep()[1:] == [
        *ticks(1, 2),
        (
            "clock",
            "the clock was put back, from 2022-08-12 06:02:00 to 2022-08-12 06:00:10: ticks are counted from there",
        ),
        *ticks(1, 2, 3),
        ("ended", "ended"),
    ]
    assert [told.run.requests for told in shop.told if told.run] == [1, 1, 0, 0, 1]
    assert list(public(shop.store).values()) == [b'[{"n": 1}]', b'[{"n": 2}]', b'[{"n": 3}]']


def test_a_tick_that_was_committed_with_gaps_is_asked_for_again():
    skipping = SPEC.replace("{path: /sales}", "{path: /sales}\n    responses: [{status: 410, means: skip}]")
    shop = Shop(lambda shop: answer(410 if len(shop.asked) == 1 else 200, b"[]"), skipping)
    (post,) = posts([shop.pipeline])
    assert [once(post, shop.bell, shop.told.append) for _ in range(3)] == [4, 0, 0]
    assert [told.run.requests for told in shop.told] == [1, 1, 0]


def test_waits_for_the_api_are_told_when_they_are_long():
    def script(shop):
        return answer(429, b"", {"Retry-After": "20"}) if len(shop.asked) == 1 else answer(200, b"[]")

    happened = Shop(script, minutes=1).keep()
    assert [event for event, _ in happened] == ["began", "waiting", "ran", "ended"]
    assert Shop(lambda shop: answer(503) if len(shop.asked) == 1 else answer(200, b"[]"), minutes=1).keep()[1:] == [
        *ticks(1),
        ("ended", "ended"),
    ]


def test_a_stop_lets_the_last_page_come_and_commits():
    def script(shop):
        shop.bell.ring()
        return answer(200, b"[]")

    shop = Shop(script)
    assert shop.keep()[1:] == [*ticks(1), ("ended", "ended")]


def test_a_stop_between_pages_hands_the_partition_back_and_the_next_run_goes_on():
    def script(shop):
        number = len(shop.asked)
        if number == 2:
            shop.bell.ring()
        return answer(200, f'[{{"n": {number}}}]'.encode())

    shop = Shop(script, PAGED)
    assert [event for event, _ in shop.keep()] == ["began", "handed_back", "ended"]
    command = f"levada run shop.yaml --date 2022-08-12T060100Z --stream sales --lake {shop.pipeline.spec.lake}"
    assert shop.told[1].words.endswith(f"go on with {command}")
    assert public(shop.store) == {}
    done = shop.pipeline.work("run", shop.pipeline.streams()[0], "2022-08-12T060100Z")
    assert (done.resumed, done.pages, done.requests) == (2, 3, 1)


def test_a_stop_ends_the_wait_for_the_api():
    def script(shop):
        shop.bell.until = shop.clock.now() + timedelta(seconds=3)
        return answer(429, b"", {"Retry-After": "200"})

    shop = Shop(script)
    assert [event for event, _ in shop.keep()] == ["began", "waiting", "handed_back", "ended"]
    assert shop.clock.now() < START.replace(minute=1, second=0) + timedelta(seconds=5)
    assert len(shop.asked) == 1


def test_after_a_stop_no_other_stream_is_begun():
    def script(shop):
        shop.bell.ring()
        return answer(200, b"[]")

    shop = Shop(script, SPEC.replace("schedule:", f"{CHILD}schedule:"))
    shop.keep()
    assert [(told.event, told.stream) for told in shop.told] == [
        ("began", ""),
        ("ran", "sales"),
        ("not_tried", "items"),
        ("not_tried", "other"),
        ("ended", ""),
    ]


def test_an_answer_that_breaks_the_contract_is_its_streams_own_but_not_an_api_that_is_away():
    spec = SPEC.replace("schedule:", f"{CHILD}schedule:")
    broken = Shop(lambda shop: answer(200, b"[" if shop.asked[-1][0] == "/sales" else b"[]"), spec, minutes=1)
    broken.keep()
    assert [(told.event, told.stream) for told in broken.told] == [
        ("began", ""),
        ("failed", "sales"),
        ("not_tried", "items"),
        ("ran", "other"),
        ("ended", ""),
    ]
    assert broken.told[2].words == "not tried: it is made from sales"
    away = Shop(lambda _: WireFault("refused", "nobody listens"), spec, minutes=1)
    away.keep()
    assert [(told.event, told.stream) for told in away.told] == [
        ("began", ""),
        ("failed", "sales"),
        ("not_tried", "items"),
        ("not_tried", "other"),
        ("ended", ""),
    ]


@pytest.mark.parametrize(
    ("body", "code", "event"), [(b"[]", 0, "ran"), (b"[", 3, "failed")], ids=["that is whole", "that is broken"]
)
def test_once_works_the_tick_of_this_moment(body, code, event):
    shop = Shop(lambda _: answer(200, body))
    (post,) = posts([shop.pipeline])
    assert once(post, shop.bell, shop.told.append) == code
    assert [(told.event, told.partition) for told in shop.told] == [(event, "2022-08-12T060000Z")]


def test_once_tells_gaps_by_its_exit_code():
    skipping = SPEC.replace("{path: /sales}", "{path: /sales}\n    responses: [{status: 410, means: skip}]")
    shop = Shop(lambda _: answer(410, b"gone"), skipping)
    (post,) = posts([shop.pipeline])
    assert once(post, shop.bell, shop.told.append) == 4
    assert shop.told[0].run.outcome == "partial"


DAILY = SPEC.replace("{by: tick, every: 1m}", "{by: day, default: yesterday}").replace(
    "{every: 1m}", '{cron: "0 3 * * *"}'
)


@pytest.mark.parametrize(
    ("partition", "tick", "keys"),
    [
        ("{by: day, default: yesterday}", "2022-08-12T03:00:00", ["2022-08-11"]),
        ("{by: day, default: today}", "2022-08-12T00:00:00", ["2022-08-12"]),
        ("{by: day, default: yesterday, timezone: Pacific/Auckland}", "2022-08-12T12:00:00", ["2022-08-12"]),
        ("{by: hour, default: last}", "2022-08-12T03:00:00", ["2022-08-12T02"]),
        ("{by: month, default: this}", "2022-08-12T03:00:00", ["2022-08"]),
        ("{by: list, names: [north, south]}", "2022-08-12T03:00:00", ["north", "south"]),
        ("{by: tick, every: 5m}", "2022-08-12T03:07:00", ["2022-08-12T030500Z"]),
    ],
)
def test_a_tick_is_for_the_partition_that_is_meant_at_its_own_moment(partition, tick, keys):
    text = DAILY.replace("{by: day, default: yesterday}", partition)
    shop = Shop(spec=text)
    found = work_at(shop.pipeline, datetime.fromisoformat(tick).replace(tzinfo=UTC))
    assert [key for key, _ in found.work] == keys


def test_a_tick_that_is_late_is_for_its_own_partition():
    """The run of 03:00 that begins after midnight, because the one before took a day, is for the day before its own."""

    def script(shop):
        if len(shop.asked) == 1:
            shop.clock.pause(86400 + 21.5 * 3600)
        return answer(200, b"[]")

    shop = Shop(script, DAILY, minutes=4000)
    assert [told for told in shop.keep() if told[0] == "ran"][:2] == [("ran", "2022-08-12"), ("ran", "2022-08-13")]
    assert shop.told[2].at.day == 15


def test_what_is_missing_is_named_before_the_first_tick():
    spec = SPEC.replace('"http://api.test"', '"${SHOP_URL}", auth: {bearer: "${SHOP_TOKEN}"}')
    shop = Shop(spec=spec)
    with pytest.raises(FixThis) as caught:
        posts([shop.pipeline])
    assert "SHOP_URL" in caught.value.what
    assert "SHOP_TOKEN" in caught.value.what
    assert shop.asked == []


def test_the_mistakes_of_all_specs_are_told_at_once():
    one = Shop(spec=SPEC.replace("schedule: {every: 1m}", "").replace("pipeline: shop", "pipeline: other"))
    two = Shop(spec=SPEC.replace('"http://api.test"', '"${SHOP_URL}"'))
    with pytest.raises(FixThis) as caught:
        posts([one.pipeline, two.pipeline])
    assert caught.value.what == "shop.yaml has no schedule. Not set: SHOP_URL."
    assert "add schedule: {every: 1m}" in caught.value.todo
    assert "export SHOP_URL" in caught.value.todo


class Closed(MemoryStore):
    """A lake that raises when it is asked."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def list(self, prefix):  # noqa: ARG002 - a store's signature
        raise self.error


def test_a_lake_that_cannot_be_read_is_told_before_the_first_tick():
    shop = Shop()
    shop.pipeline = replace(shop.pipeline, store=Closed(FixThis("this key may not read the bucket", where="s3://b")))
    with pytest.raises(FixThis, match="this key may not read the bucket"):
        posts([shop.pipeline])


def test_a_lake_that_is_away_may_be_back_by_the_first_tick():
    shop = Shop()
    assert posts([replace(shop.pipeline, store=Closed(TryLater("the store is away")))])


def test_a_pipeline_is_kept_by_one_loop():
    shop = Shop()
    with pytest.raises(FixThis, match="both pipeline shop of the lake"):
        posts([shop.pipeline, shop.pipeline])


def test_streams_that_no_tick_is_for_are_named():
    text = """
pipeline: shop
source: {url: "http://api.test"}
streams:
  news: {request: {path: /news}, incremental: {cursor: $.id, type: number, start: 0}, raw: "news/{partition}.json"}
  days: {request: {path: /days}}
schedule: {every: 1m}
"""
    shop = Shop(lambda _: answer(200, b"[]"), text, minutes=1)
    happened = shop.keep()
    assert happened[0][1].endswith("; days left out: no partition is meant without a date")
    assert {told.stream for told in shop.told[1:-1]} == {"news"}
