"""Incremental streams with a table: what was committed while the database was away is loaded by the next run."""

import json
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from levada.edges import Edges, FixedClock
from levada.errors import TryLater
from levada.lake.disk import DiskStore
from levada.pipeline import Pipeline
from levada.pipeline.choosing import Choice
from levada.pipeline.dues import dues
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text

SPEC = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  orders:
    request: {path: /orders, params: {since: "{start}"}}
    incremental: {cursor: $.at, start: "2022-08-01"}
    contract: {fields: {id: int64, at: string}}
    load: duckdb
"""
AWAY = SPEC.replace("load: duckdb", 'load: {postgres: "${DATABASE_URL}"}')
NOWHERE = {"DATABASE_URL": "postgresql://levada@127.0.0.1:1/shop"}
NOON = datetime(2022, 8, 12, 12, tzinfo=UTC)
EARLY = "2022-08-01--2022-08-02"


class Place:
    """A lake on a disk, an API that gives the orders of so many minutes, and what is in the warehouse."""

    def __init__(self, folder):
        self.lake = folder / "lake"
        self.asked = 0

    def pipeline(self, minutes, spec=SPEC):
        orders = [{"id": minute, "at": f"2022-08-12T12:{minute:02}:00Z"} for minute in range(minutes)]
        early = {"id": 99, "at": "2022-08-01T10:00:00Z"}
        body = json.dumps([early, *orders]).encode()

        def reply(_call, _attempt):
            self.asked += 1
            return Reply(answer(200, body))

        clock = FixedClock(NOON + timedelta(minutes=minutes))
        edges = Edges(clock=clock, environment=NOWHERE, network=lambda: ScriptedWire(reply))
        read = read_text(spec, "shop.yaml", NOWHERE, lake=str(self.lake))
        return Pipeline(read, DiskStore(str(self.lake)), edges)

    def do(self, minutes, *, verb="run", date="", spec=SPEC):
        one = self.pipeline(minutes, spec)
        return one.work(verb, one.streams()[0], date)

    def fails(self, minutes, **what):
        with pytest.raises(TryLater, match="could not be reached"):
            self.do(minutes, spec=AWAY, **what)

    def ids(self):
        with duckdb.connect(str(self.lake / "warehouse.duckdb"), read_only=True) as connection:
            return [number for (number,) in connection.sql("SELECT id FROM orders ORDER BY 1").fetchall()]

    def told(self):
        one = self.pipeline(9)
        return [(due.partition, due.state, due.does, due.why) for due in dues(one.course, one.chosen("run", Choice()))]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_what_was_not_loaded_is_loaded_before_the_stream_goes_on(place):
    place.fails(2)
    first = "2022-08-01T000000--2022-08-12T120200"
    why = "committed, and its table has not taken the rows yet"
    assert place.told()[0] == (first, "not loaded", "finish", why)
    done = place.do(4)
    assert place.asked == 2
    assert [load.rows for load in done.loads] == [3, 2]
    assert done.notes[0] == f"finished before, as committed by earlier runs: {first}"
    assert place.ids() == [0, 1, 2, 3, 99]
    assert [(key, does) for key, _, does, _ in place.told()] == [("", "fetch")]


def test_every_interval_that_was_not_loaded_is_loaded_the_oldest_first(place):
    place.do(2)
    place.fails(4)
    place.fails(4, date=EARLY)
    assert [(key[:10], state, does) for key, state, does, _ in place.told()] == [
        ("2022-08-01", "not loaded", "finish"),
        ("2022-08-12", "not loaded", "finish"),
        ("", "not loaded", "fetch"),
    ]
    done = place.do(6)
    keys = done.notes[0].removeprefix("finished before, as committed by earlier runs: ").split(", ")
    assert [key[:10] for key in keys] == ["2022-08-01", "2022-08-12"]
    assert place.ids() == [0, 1, 2, 3, 4, 5, 99, 99]
    assert [does for _, _, does, _ in place.told()] == ["fetch"]


def test_while_the_database_is_away_nothing_new_is_asked_for(place):
    place.fails(2)
    place.fails(4)
    assert place.asked == 1


def test_landing_loads_nothing_and_goes_on(place):
    place.fails(2)
    assert place.do(4, verb="land", spec=AWAY).partition == "2022-08-12T120100--2022-08-12T120400"
