"""Which partitions a command works on: those that it names, else those that the spec means."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import FixThis
from levada.lake.memory import MemoryStore
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice, Known, chosen
from levada.spec.model import ForEach, Partitioning
from levada.spec.read import read_text
from shop import Shop, prices

NOW = datetime(2022, 8, 10, 13, 47, tzinfo=UTC)
SPEC = """
pipeline: shop
source: {{url: "http://api.test"}}
partition: {partition}
streams:
  sales:
    request: {{path: "/sales/{{partition}}", params: {{page: "1"}}}}
"""
GROWING = """
pipeline: shop
source: {url: "http://api.test"}
streams:
  days:
    request: {path: /days, params: {date: "{date}"}}
  orders:
    request: {path: /orders, params: {since: "{start}"}}
    incremental: {cursor: $.at, start: "2022-08-01"}
  items:
    request: {path: "/orders/items"}
"""


def pipeline(spec, api=None):
    read = read_text(spec, "shop.yaml", {}, lake="lake")
    if "items:" in spec:  # items are asked for by the rows of orders
        *others, items = read.streams
        read = replace(read, streams=(*others, replace(items, for_each=ForEach(items.place, row_of=("orders",)))))
    edges = Edges(clock=FixedClock(NOW), environment={}, network=(api or Shop()).wire)
    return Pipeline(read, MemoryStore(), edges)


def work(found):
    return [(key, stream.name) for key, stream in found.work]


def picked(verb="run", choice=Choice(), spec=GROWING, only=(), kept=None):  # noqa: B008 - frozen
    made = pipeline(spec)
    streams = [stream for stream in made.streams() if not only or stream.name in only]
    return chosen(verb, made.spec.partition, streams, choice, Known(NOW, made.going_on, kept or {}))


@pytest.mark.parametrize(
    ("partition", "keys"),
    [
        ("{by: day, default: yesterday}", ["2022-08-09"]),
        ("{by: hour, default: last}", ["2022-08-10T12"]),
        ("{by: week, default: this}", ["2022-W32"]),
        ("{by: list, names: [pt, es]}", ["pt", "es"]),
        ("{by: tick, every: 1m}", ["2022-08-10T134700Z"]),
    ],
)
def test_without_a_date_the_spec_says_what_is_meant(partition, keys):
    api = Shop(prices(1))
    made = pipeline(SPEC.format(partition=partition), api)
    assert [run.partition for run in made.run()] == keys
    assert api.urls == [f"http://api.test/sales/{key}?page=1" for key in keys]


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        (Choice("2022-08-09"), ["2022-08-09"]),
        (Choice(start="2022-08-08", end="2022-08-10"), ["2022-08-08", "2022-08-09"]),
        (Choice(last=2 * 86400.0), ["2022-08-08", "2022-08-09"]),
    ],
)
def test_dates_are_of_the_streams_that_have_partitions(choice, keys):
    found = picked(choice=choice)
    assert work(found) == [(key, "days") for key in keys]
    assert found.left_out == ("orders", "items")


def test_without_dates_incremental_streams_go_on_and_their_children_follow():
    found = picked()
    assert work(found) == [("", "orders"), ("", "items")]
    assert found.left_out == ("days",)


@pytest.mark.parametrize(
    ("choice", "interval"),
    [
        (Choice("2022-08-01T000000--2022-08-02T000000"), "2022-08-01T000000--2022-08-02T000000"),
        (Choice(start="2022-08-01", end="2022-08-02T06:00:00+02:00"), "2022-08-01--2022-08-02T06:00:00+02:00"),
        (Choice(last=86400.0), "2022-08-09T13:47:00Z--2022-08-10T13:47:00Z"),
    ],
)
def test_of_an_incremental_stream_alone_dates_are_an_interval(choice, interval):
    assert work(picked(choice=choice, only=("orders",))) == [(interval, "orders")]


def test_replay_takes_what_each_stream_has_and_stage_what_is_landed():
    kept = {"days": {"2022-08-09": "staged"}, "orders": {"a--b": "landed", "b--c": "staged"}, "items": {}}
    everything = [("2022-08-09", "days"), ("a--b", "orders"), ("b--c", "orders")]
    assert work(picked("replay", kept=kept)) == everything
    assert work(picked("stage", kept=kept)) == [("a--b", "orders")]


@pytest.mark.parametrize("stream", ["orders", "items"])
def test_replay_of_a_span_takes_the_committed_intervals_that_begin_in_it(stream):
    begins = ("2022-07-31T235959", "2022-08-01T000000", "2022-08-01T235959.5", "2022-08-02T000000")
    kept = {stream: {f"{one}--2022-08-03T000000": "staged" for one in begins}}
    found = picked("replay", Choice(start="2022-08-01", end="2022-08-02"), only=(stream,), kept=kept)
    assert work(found) == [(f"{one}--2022-08-03T000000", stream) for one in begins[1:3]]
    one = Choice("2022-08-01T000000--2022-08-02T000000")
    assert work(picked("replay", one, only=(stream,), kept=kept)) == [(one.date, stream)]


def test_replay_of_a_span_compares_numbers_as_numbers():
    spec = GROWING.replace('start: "2022-08-01"', "type: number, start: 0")
    kept = {"orders": {f"{one}--": "staged" for one in (f"{9:020}", f"{10:020}", f"-{5:020}", f"-{7:020}")}}
    found = picked("replay", Choice(start="-6", end="10"), spec, only=("orders",), kept=kept)
    assert work(found) == [(f"-{5:020}--", "orders"), (f"{9:020}--", "orders")]


@pytest.mark.parametrize(
    ("choice", "what", "where"),
    [
        (Choice("2022-08-09", last=1.0), "this is neither", "--date, --from, --to"),
        (Choice("2022-08-09", "2022-08-09", "2022-08-10"), "this is neither", "--date, --from, --to"),
        (Choice(start="2022-08-09"), "this is neither", "--date, --from, --to"),
        (Choice("2022-8-9"), "is no date", "--date"),
        (Choice(start="2022-8-9", end="2022-08-10"), "is no date", "--from"),
        (Choice(start="2022-08-09", end="x"), "is no date", "--to"),
        (Choice(start="2022-08-09", end="2022-08-09"), "holds no day", "--from, --to"),
        (Choice(last=60.0), "No whole day is that short", "--last"),
    ],
)
def test_a_choice_that_is_none_is_refused_and_names_the_option(choice, what, where):
    with pytest.raises(FixThis) as caught:
        picked(choice=choice)
    assert what in caught.value.what
    assert caught.value.where == where
    assert caught.value.todo


@pytest.mark.parametrize(
    ("choice", "what", "where"),
    [
        (Choice("2022-08-09"), "is no interval", "--date"),
        (Choice(start="2022-08-09", end="soon"), "is no instant", "--from, --to"),
    ],
)
def test_what_is_no_interval_names_the_option(choice, what, where):
    with pytest.raises(FixThis) as caught:
        picked(choice=choice, only=("orders",))
    assert what in caught.value.what
    assert caught.value.where == where


def test_numbers_have_no_last_ones():
    spec = GROWING.replace('start: "2022-08-01"', "type: number, start: 0")
    with pytest.raises(FixThis, match="The cursor of stream orders is no time"):
        picked(choice=Choice(last=60.0), spec=spec, only=("orders",))


@pytest.mark.parametrize(
    ("verb", "partition", "todo"),
    [
        ("run", Partitioning(), "give either --date 2022-08-09, or --from 2022-08-09 --to 2022-08-12"),
        ("run", Partitioning("week"), "name one: --date 2022-W32"),
        ("stage", Partitioning("tick", every=60), "name one: --date 2022-08-09T134500Z"),
    ],
)
def test_a_command_that_needs_a_date_says_how_it_is_written(verb, partition, todo):
    made = pipeline(GROWING)
    with pytest.raises(FixThis) as caught:
        chosen(verb, partition, [made.streams()[0]], Choice(), Known(NOW))
    assert caught.value.what == f"`levada {verb}` is not told which partition to work on."
    assert todo in caught.value.todo
