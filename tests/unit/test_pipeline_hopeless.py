"""A run that can only fail stops asking: `max_bad` as a count, over an API with many slow pages."""

import json

import msgspec
import pytest

from levada.edges import Edges, FixedClock
from levada.errors import ContractBroken
from levada.lake.area import Area
from levada.lake.memory import MemoryStore
from levada.lake.quarantine import listing
from levada.lake.quarantine import rows as quarantined
from levada.lake.runs import read_failure, run_folders
from levada.nouns import Counts
from levada.pipeline import Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from shop import page_of, public

DATE = "2022-08-09"
PAGES = 200
CONCURRENCY = 4
SPEC = """
pipeline: shop
source: {url: "http://api.test", limits: {concurrency: 4}}
streams:
  sales:
    request: {path: /sales}
    paging: {by: page}
    responses:
      - {status: 404, means: end}
    raw: raw/{date}/{page}.json
    raw_joined: raw/{date}/all.json
    contract:
      fields: {price: int32}
      max_bad: MAX_BAD
    stage: {avro: "stg/{date}/all.avro"}
"""


def body(page, bad):
    """Ten records, the last ones without a good price."""
    return json.dumps([{"price": page * 10 + n if n < 10 - bad else 1.5} for n in range(10)]).encode()


def slow_api(bad=2, pages=PAGES):
    """Pages that take their time; `bad` records on each."""

    def script(call, attempt):
        page = page_of(call)
        found = answer(200, body(page, bad)) if page <= pages else answer(404, b"no such page")
        return Reply(found, turns=30)

    return ScriptedWire(script)


def pipeline(store, wire, max_bad):
    spec = read_text(SPEC.replace("MAX_BAD", max_bad), "shop.yaml", {}, lake="lake")
    return Pipeline(spec, store, Edges(clock=FixedClock(), environment={}, network=lambda: wire))


def asked(wire):
    return sorted(int(url.rpartition("page=")[2]) for url in wire.asked)


def stopped(store, wire):
    """A run whose fourth bad record stands on page 2; what it says."""
    with pytest.raises(ContractBroken) as broken:
        pipeline(store, wire, "3").run(date=DATE)
    return broken.value


def test_it_stops_asking_and_says_how_bad_it_is():
    store, wire = MemoryStore(), slow_api()
    told = stopped(store, wire)
    assert told.what == "4 of the 20 records read so far are bad: `max_bad` allows 3."
    assert "levada quarantine" in told.todo
    assert set(asked(wire)) == set(range(1, max(asked(wire)) + 1))
    assert len(wire.asked) <= 2 + CONCURRENCY
    assert not wire.open


def test_nothing_is_published_and_what_was_there_stays():
    store = MemoryStore()
    stopped(store, slow_api())
    assert public(store) == {}
    area = Area(store, "shop", "sales", DATE)
    assert store.head(area.commit) is None

    pipeline(store, slow_api(bad=0, pages=2), "3").run(date=DATE)
    before, commit = public(store), store.read(area.commit)
    assert sorted(before) == [
        f"raw/{DATE}/1.json",
        f"raw/{DATE}/2.json",
        f"raw/{DATE}/all.json",
        f"stg/{DATE}/all.avro",
    ]
    stopped(store, slow_api())
    assert public(store) == before
    assert store.read(area.commit) == commit


def test_it_leaves_its_counts_and_a_quarantine_that_can_be_read():
    store = MemoryStore()
    stopped(store, slow_api())
    (folder,) = run_folders(Area(store, "shop", "sales", DATE))
    failure = read_failure(folder)
    assert (failure.kind, failure.counts) == ("ContractBroken", Counts(read=20, kept=16, quarantined=4))
    (found,) = listing(store)
    assert (found.pipeline, found.stream, found.partition, found.rows, found.failed) == ("shop", "sales", DATE, 4, True)
    refused = list(quarantined(store, found.key))
    assert [(row.page, row.index) for row in refused] == [(1, 8), (1, 9), (2, 8), (2, 9)]
    assert {row.raw for row in refused} == {b'{"price": 1.5}'}


def test_once_the_contract_is_mended_it_goes_on_where_it_stopped():
    store = MemoryStore()
    stopped(store, slow_api(pages=6))
    wire = slow_api(pages=6)
    (run,) = pipeline(store, wire, "12").run(date=DATE)
    assert (run.outcome, run.counts) == ("done with quarantine", Counts(read=60, kept=48, quarantined=12))
    assert (run.pages, run.resumed) == (6, 2)
    assert min(asked(wire)) == 3
    assert [found.failed for found in listing(store)] == [False]


@pytest.mark.parametrize("limit", ["20", "19%"])
def test_at_the_limit_and_for_a_share_all_pages_are_read(limit):
    wire = slow_api(pages=10)
    store = MemoryStore()
    if limit == "20":
        (run,) = pipeline(store, wire, limit).run(date=DATE)
        assert run.counts == Counts(read=100, kept=80, quarantined=20)
    else:
        with pytest.raises(ContractBroken, match="20 of 100 records are bad: `max_bad` allows 19 %"):
            pipeline(store, wire, limit).run(date=DATE)
    assert set(asked(wire)) >= set(range(1, 12))


def test_landing_knows_no_contract_and_staging_stops_likewise():
    store = MemoryStore()
    (landed,) = pipeline(store, slow_api(pages=5), "3").land(date=DATE)
    assert landed.counts.read == 50
    before = public(store)
    with pytest.raises(ContractBroken, match="4 of the 20 records read so far are bad"):
        pipeline(store, slow_api(pages=0), "3").stage(date=DATE)
    assert public(store) == before
    assert msgspec.json.decode(store.read(Area(store, "shop", "sales", DATE).commit))["level"] == "landed"
