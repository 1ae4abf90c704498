"""Runs of one partition in memory: names that the spec changes, work that is thrown away, what stage takes up."""

import dataclasses
import json

import pytest

from levada.edges import Edges, FixedClock, WireFault
from levada.errors import ContractBroken, FixThis, TryLater
from levada.lake.area import Area
from levada.lake.lease import hold
from levada.lake.memory import MemoryStore
from levada.lake.record import as_json
from levada.nouns import Counts
from levada.pipeline import Options, Pipeline
from levada.source.fake import answer
from levada.spec.read import read_text
from shop import SALES, Shop, prices, public

DATE = "2022-08-09"


def pipeline(store, api, spec=SALES, **options):
    read = read_text(spec, "shop.yaml", {}, lake="lake")
    edges = Edges(clock=FixedClock(), environment={}, network=api.wire)
    return Pipeline(read, store, edges, Options(**options))


def run(store, api, verb="run", spec=SALES, **options):
    chosen = pipeline(store, api, spec, **options)
    return chosen.work(verb, chosen.streams()[0], DATE)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def api():
    return Shop(prices(1, 2), prices(3, 4), prices(5))


def test_a_run_lands_checks_and_stages(store, api):
    done = run(store, api)
    assert (done.outcome, done.counts, done.pages) == ("done", Counts(read=5, kept=5), 3)
    assert list(public(store)) == sorted(done.files)
    assert store.read("raw/2022-08-09/2.json") == b'[{"price": 3}, {"price": 4}]'
    assert api.asked()[:4] == [1, 2, 3, 4]


def test_a_rerun_changes_nothing(store, api):
    run(store, api)
    before = public(store)
    again = run(store, api)
    assert (again.changed, public(store)) == (False, before)


def test_land_and_stage_are_the_halves_of_run(store, api):
    whole = MemoryStore()
    run(whole, api)
    assert run(store, api, "land").level == "landed"
    asked = len(api.wires)
    assert run(store, api, "stage").level == "staged"
    assert len(api.wires) == asked, "stage asked the API"
    assert public(store) == public(whole)


@pytest.mark.parametrize(
    "renamed",
    [
        SALES.replace("raw/{date}/{page}", "raw/new/{date}_{page}"),
        SALES.replace("raw: raw/{date}/{page}.json", "raw: none\n    raw_joined: raw/{date}.json"),
    ],
)
@pytest.mark.parametrize("verbs", [("stage",), ("run",), ("stage", "run"), ("replay", "run")])
def test_names_that_the_spec_changed_are_changed(store, api, renamed, verbs):
    fresh = MemoryStore()
    run(fresh, api, spec=renamed)
    run(store, api)
    for verb in verbs:
        run(store, api, verb, renamed)
    assert public(store) == public(fresh)


def test_raw_files_of_another_tool_are_taken_over_and_keep_their_names(store, api):
    for number, page in enumerate((prices(1, 2), prices(3, 4), prices(5)), start=0):
        store.create(f"raw/{DATE}/{number}.json", json.dumps(page).encode())
    done = run(store, api, "stage")
    assert done.counts.kept == 5
    assert api.wires == []
    raw = {f"raw/{DATE}/{number}.json" for number in range(3)}
    assert raw < set(public(store))
    run(store, api, "stage")
    assert raw < set(public(store))
    run(store, api)  # the API's own pages are numbered from 1, and nothing stale stays
    assert {name for name in public(store) if name.startswith("raw")} == {f"raw/{DATE}/{n}.json" for n in (1, 2, 3)}


@pytest.mark.parametrize("status", [400, 404, 410])
def test_an_api_that_forgot_the_place_is_asked_anew_once_and_all_requests_count(store, api, status):
    api.pages[3] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        run(store, api)
    first = len(api.wires[-1].asked)
    assert first >= 3
    api.pages[3] = answer(status, b"unknown place")
    with pytest.raises(FixThis):
        run(store, api)
    asked = [len(wire.asked) for wire in api.wires[1:]]
    assert len(asked) == 2, "not asked anew, or more than once"


def test_requests_of_work_that_was_thrown_away_count(store, api):
    api.pages[3] = WireFault("reset", "gone")
    with pytest.raises(TryLater):
        run(store, api)
    api.pages[3] = answer(410, b"unknown place")
    whole = Shop(prices(1, 2), prices(3, 4), prices(5))
    makers = iter([api.wire, whole.wire])

    def network():
        return next(makers)()

    chosen = pipeline(store, api)
    chosen = dataclasses.replace(chosen, edges=dataclasses.replace(chosen.edges, network=network))
    done = chosen.work("run", chosen.streams()[0], DATE)
    assert done.requests == len(api.wires[-1].asked) + len(whole.wires[-1].asked)
    assert "thrown away once" in done.notes[-1]
    assert done.counts.kept == 5


def test_no_data_is_a_commit_without_files(store):
    done = run(store, Shop())
    assert (done.outcome, done.files, done.level) == ("no data", (), "staged")
    assert done.notes == ("the API says: nothing for that day",)


def test_no_data_does_not_replace_rows_unless_allowed(store, api):
    run(store, api)
    before = public(store)
    with pytest.raises(ContractBroken) as broken:
        run(store, Shop())
    assert "5 rows were committed before" in broken.value.what
    assert "--allow-empty" in broken.value.todo
    assert public(store) == before
    assert run(store, Shop(), allow_empty=True).outcome == "no data"
    assert public(store) == {}


def test_an_unknown_stream_names_those_that_are(store, api):
    with pytest.raises(FixThis, match="no stream sale in this spec") as wrong:
        pipeline(store, api, streams=("sale",)).streams()
    assert wrong.value.todo == "choose among: sales"


def unshown(store):
    """The commit as a run leaves it that dies before it is shown."""
    area = Area(store, "shop", "sales", DATE)
    with hold(area, Edges(clock=FixedClock(), environment={})) as lease:
        waiting = dataclasses.replace(lease.record, shown=False)
        store.replace(area.commit, as_json(waiting), lease.tag)
    return waiting


def test_a_commit_that_was_not_shown_is_finished_without_a_request(store, api):
    run(store, api)
    before = public(store)
    unshown(store)
    store.delete(f"raw/{DATE}/1.json")
    asked = len(api.wires)
    done = run(store, api)
    assert (len(api.wires), public(store)) == (asked, before)
    assert "nothing was fetched" in done.notes[0]


@pytest.mark.parametrize("options", [{}, {"missing": True}])
def test_a_commit_that_was_damaged_before_it_was_shown_is_fetched_anew(store, api, options):
    run(store, api)
    before = public(store)
    damaged = unshown(store).files[0].key
    store.delete(damaged)
    store.create(damaged, b"something else")
    done = run(store, api, **options)
    assert done.requests
    assert public(store) == before


def test_mending_is_told_and_counts_as_a_change(store, api):
    run(store, api)
    before = public(store)
    store.delete(f"raw/{DATE}/2.json")
    mended = run(store, api)
    assert mended.changed
    assert f"raw/{DATE}/2.json is missing" in mended.notes[0]
    assert "written again" in mended.notes[0]
    assert public(store) == before
    assert not run(store, api).changed


LOOSE = SALES.replace("price: int32", "price: {type: int32, nullable: true}")


def test_replay_says_how_many_rows_came_back(store):
    api = Shop([{"price": 1}, {"price": None}], [{"price": "two"}, {"price": None}])
    assert run(store, api).counts.quarantined == 3
    asked = len(api.wires)
    done = run(store, api, "replay", LOOSE)
    assert (done.returned, done.counts.quarantined, done.counts.kept) == (2, 1, 3)
    assert run(store, api, "replay", LOOSE).returned == 0, "nothing changed, and yet something came back"
    assert len(api.wires) == asked


def test_rows_that_come_back_are_told_apart_from_rows_that_go(store):
    api = Shop([{"price": 1}, {"price": None}, {"price": 2000}])
    run(store, api)
    capped = SALES.replace("price: int32", "price: {type: int32, nullable: true, max: 1000}")
    done = run(store, api, "replay", capped)
    assert (done.returned, done.counts.quarantined) == (1, 1)


def test_a_damaged_quarantine_does_not_stop_a_replay(store):
    api = Shop([{"price": 1}, {"price": None}])
    run(store, api)
    (key,) = [entry.key for entry in store.list("_levada") if entry.key.endswith("quarantine.jsonl")]
    store.delete(key)
    store.create(key, b"no line of ours\n")
    done = run(store, api, "replay", LOOSE)
    assert (done.outcome, done.returned) == ("done", 1)


@pytest.mark.parametrize("verb", ["stage", "replay"])
def test_staging_again_changes_nothing_but_restores_what_was_damaged(store, api, verb):
    run(store, api)
    before = public(store)
    same = run(store, api, verb)
    assert (same.changed, same.counts, same.pages) == (False, Counts(read=5, kept=5), 3)
    store.delete(f"stg/{DATE}/2.avro")
    (kept,) = [entry.key for entry in store.list("_levada") if entry.key.endswith("staged/2.avro")]
    store.delete(kept)
    mended = run(store, api, verb)
    assert mended.changed
    assert any("2.avro is missing" in note for note in mended.notes)
    assert public(store) == before


def test_staging_again_holds_rows_to_a_lower_limit(store):
    api = Shop([{"price": 1}, {"price": None}])
    run(store, api)
    with pytest.raises(ContractBroken):
        run(store, api, "replay", SALES.replace("contract:\n", "contract:\n      max_bad: 0\n"))
