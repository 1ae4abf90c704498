"""Partitions that are left alone: landed ones are staged, damaged ones mended, and no API is asked."""

from dataclasses import replace

import pytest

from levada.edges import Edges, FixedClock
from levada.errors import FixThis
from levada.lake.area import Area
from levada.lake.lease import hold, record_of
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.pipeline import Options, Pipeline
from levada.spec.read import read_text
from shop import SALES, Shop, prices, public

TICKS = SALES.replace("pipeline: shop", "pipeline: shop\npartition: {by: tick, every: 15m}").replace(
    "{date}", "{partition}"
)
TICK, DAY = "2022-08-09T134500Z", "2022-08-09"
STAGED = "its pages were there already: they were staged, nothing was fetched"
SKIPPED = "complete already, skipped"


@pytest.fixture
def store():
    return MemoryStore()


def work(store, verb, *pages, spec=TICKS, date=TICK, **options):
    """One command; the API has these pages. What it did, and how often it asked."""
    api = Shop(*pages)
    edges = Edges(clock=FixedClock(), environment={}, network=api.wire)
    pipeline = Pipeline(read_text(spec, "shop.yaml", {}, lake="lake"), store, edges, Options(**options))
    done = pipeline.work(verb, pipeline.streams()[0], date)
    return done, len(api.urls)


def spoil(store, key, data=b"spoiled"):
    store.delete(key)
    store.create(key, data)


def files(store, date=TICK):
    return record_of(Area(store, "shop", "sales", date)).files


def file_of(store, kind, date=TICK):
    return next(file for file in files(store, date) if file.kind == kind)


CASES = [(TICKS, TICK, {}), (TICKS, TICK, {"missing": True}), (SALES, DAY, {"missing": True})]


@pytest.mark.parametrize(("spec", "date", "options"), CASES)
def test_a_landed_partition_is_staged_and_its_pages_stay(store, spec, date, options):
    work(store, "land", prices(1), spec=spec, date=date)
    raw = public(store)
    done, asked = work(store, "run", prices(2), spec=spec, date=date, **options)
    assert (asked, done.level, done.changed, done.notes) == (0, "staged", True, (STAGED,))
    assert {name: body for name, body in public(store).items() if name in raw} == raw
    assert any(name.endswith(".avro") for name in public(store))
    again, asked = work(store, "run", prices(3), spec=spec, date=date, **options)
    assert (asked, again.changed, again.notes) == (0, False, (SKIPPED,))


@pytest.mark.parametrize(("spec", "date", "options"), [(TICKS, TICK, {"missing": False}), (SALES, DAY, {})])
def test_a_landed_partition_is_fetched_where_one_says_so(store, spec, date, options):
    work(store, "land", prices(1), spec=spec, date=date)
    done, asked = work(store, "run", prices(2), spec=spec, date=date, **options)
    assert asked
    assert (done.level, store.read(file_of(store, "page", date).public)) == ("staged", b'[{"price": 2}]')


@pytest.mark.parametrize(("spec", "date", "options"), CASES)
def test_what_was_landed_and_not_shown_is_shown_and_staged(store, spec, date, options):
    work(store, "land", prices(1), spec=spec, date=date)
    raw = public(store)
    area = Area(store, "shop", "sales", date)
    with hold(area, Edges(clock=FixedClock(), environment={})) as lease:
        store.replace(area.commit, as_json(replace(lease.record, shown=False)), lease.tag)
    for name in raw:
        store.delete(name)
    done, asked = work(store, "run", prices(2), spec=spec, date=date, **options)
    assert (asked, done.level, done.changed, done.notes) == (0, "staged", True, (STAGED,))
    assert {name: body for name, body in public(store).items() if name in raw} == raw


@pytest.mark.parametrize("verb", ["run", "land"])
@pytest.mark.parametrize("name", ["key", "public"])
@pytest.mark.parametrize("kind", ["page", "staged"])
@pytest.mark.parametrize("harm", [spoil, lambda store, key: store.delete(key)])
def test_a_damaged_tick_is_mended_from_its_other_bytes(store, verb, name, kind, harm):
    work(store, "run", prices(1))
    before, key = public(store), getattr(file_of(store, kind), name)
    harm(store, key)
    done, asked = work(store, verb, prices(2))
    assert (asked, done.changed, done.notes[-1], public(store)) == (0, True, SKIPPED, before)
    assert key in done.notes[0]
    assert "it was written again" in done.notes[0]
    assert work(store, "run", prices(2))[0].notes == (SKIPPED,)


@pytest.mark.parametrize("verb", ["run", "land", "stage", "replay"])
def test_a_tick_whose_pages_are_gone_says_what_fetching_again_costs(store, verb):
    work(store, "run", prices(1))
    page = file_of(store, "page")
    spoil(store, page.key)
    store.delete(page.public)
    with pytest.raises(FixThis) as caught:
        work(store, verb, prices(2))
    assert "Raw files of shop/sales 2022-08-09T134500Z are not what was landed" in caught.value.what
    assert f"levada land shop.yaml --date {TICK} --lake " in caught.value.todo
    assert "lake --again; the API gives other data by now than at that tick" in caught.value.todo
    done, _ = work(store, "land", prices(2), missing=False)
    assert (done.level, store.read(page.public)) == ("landed", b'[{"price": 2}]')


def test_a_day_whose_pages_are_gone_is_not_complete(store):
    work(store, "run", prices(1), spec=SALES, date=DAY)
    before, page = public(store), file_of(store, "page", DAY)
    spoil(store, page.key)
    store.delete(page.public)
    done, asked = work(store, "run", prices(1), spec=SALES, date=DAY, missing=True)
    assert asked
    assert (done.changed, public(store)) == (True, before)


def test_staged_files_that_are_gone_are_made_from_the_pages(store):
    work(store, "run", prices(1))
    before, avro = public(store), file_of(store, "staged")
    store.delete(avro.key)
    store.delete(avro.public)
    with pytest.raises(FixThis, match="is missing") as caught:
        work(store, "land", prices(2))
    assert f"levada stage shop.yaml --date {TICK}" in caught.value.todo
    done, asked = work(store, "run", prices(2))
    assert (asked, done.changed, public(store)) == (0, True, before)


def test_a_name_that_another_commit_has_by_now_is_left_to_it(store):
    work(store, "run", prices(1))
    name = file_of(store, "page").public
    work(store, "land", prices(200), spec=TICKS.replace("pipeline: shop", "pipeline: rival"), adopt=True)
    done, asked = work(store, "run", prices(3))
    assert (asked, done.notes, store.read(name)) == (0, (SKIPPED,), b'[{"price": 200}]')
