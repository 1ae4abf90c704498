"""Incremental streams on an object store: what came to nothing goes with its lock, and the lock does not come back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import FixThis
from levada.lake.opening import open_store
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
NEWS = json.dumps([{"id": "a", "at": "2022-08-12T10:00:00Z"}]).encode()


@pytest.fixture
def store(s3):
    return open_store(s3.lake("intervals"), s3.environment)


def run(store, minute, status=200, body=NEWS):
    clock = FixedClock(datetime(2022, 8, 12, 12, tzinfo=UTC) + timedelta(minutes=minute))
    edges = Edges(clock=clock, environment={}, network=lambda: ScriptedWire(lambda *_: Reply(answer(status, body))))
    (done,) = Pipeline(read_text(SPEC, "shop.yaml", {}, lake=store.describe()), store, edges).run()
    return done


def intervals(store):
    """Intervals that have control files."""
    keys = (entry.key.split("/") for entry in store.list("_levada/shop/orders"))
    return {parts[3] for parts in keys if len(parts) > 4}


def test_runs_without_news_leave_no_lock(store):
    first = run(store, 0)
    for minute in (1, 2):
        assert run(store, minute).outcome == "no data"
        assert intervals(store) == {first.partition}


def test_what_a_failed_run_left_goes_with_its_lock(store):
    with pytest.raises(FixThis):
        run(store, 0, 403, b"no")
    assert len(intervals(store)) == 1
    done = run(store, 1)
    assert intervals(store) == {done.partition}
    assert done.partition.endswith("120100")
