"""Incremental streams on a disk: runs without news leave no folder behind, and the cursor survives."""

import json
from datetime import UTC, datetime, timedelta

from levada.edges import Edges, FixedClock
from levada.lake.disk import DiskStore
from levada.pipeline import Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text

SPEC = """
pipeline: shop
source: {url: "http://api.test"}
streams:
  orders:
    request: {path: /orders, params: {since: "{start}"}}
    incremental: {cursor: $.at, start: "2022-08-01"}
"""


def run(lake, minute, *orders):
    body = json.dumps([{"id": name, "at": f"2022-08-12T10:{at}:00Z"} for name, at in orders]).encode()
    clock = FixedClock(datetime(2022, 8, 12, 12, tzinfo=UTC) + timedelta(minutes=minute))
    edges = Edges(clock=clock, environment={}, network=lambda: ScriptedWire(lambda *_: Reply(answer(200, body))))
    (done,) = Pipeline(read_text(SPEC, "shop.yaml", {}, lake=str(lake)), DiskStore(str(lake)), edges).run()
    return done


def paths(lake):
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*"))


def test_runs_without_news_leave_no_folder(tmp_path):
    first = run(tmp_path, 0, ("a", 10))
    before = paths(tmp_path)
    for minute in (1, 2, 3):
        assert run(tmp_path, minute, ("a", 10)).outcome == "no data"
    assert paths(tmp_path) == before
    second = run(tmp_path, 4, ("a", 10), ("b", 20))
    assert (second.counts.kept, second.counts.dropped) == (1, 1)
    assert [path.name for path in sorted((tmp_path / "raw/shop/orders").iterdir())] == [
        first.partition,
        second.partition,
    ]
