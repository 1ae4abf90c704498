"""Runs of contracts that look beyond one page: keys that come again, keys of records that come and go."""

import json
from dataclasses import replace

import pytest

from levada.edges import Edges, FixedClock
from levada.lake import record as record_module
from levada.lake.area import Area
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.lake.record import FORMAT, as_json
from levada.nouns import Counts
from levada.pipeline import Options, Pipeline
from levada.pipeline.drift import remembered
from levada.spec.model import Partitioning
from levada.spec.partition import parse, previous
from levada.spec.read import read_text
from shop import SALES, Shop, prices

SPEC = SALES.replace("contract:", "contract:\n      key: price").replace(
    "price: int32", "price: int32, note: {type: string, nullable: true}"
)


@pytest.fixture
def store():
    return MemoryStore()


def run(store, *pages, date="2022-08-09", spec=SPEC, verb="run"):
    edges = Edges(clock=FixedClock(), environment={}, network=Shop(*pages).wire)
    whole = Pipeline(read_text(spec, "shop.yaml", {}, lake="lake"), store, edges, Options())
    return whole.work(verb, whole.streams()[0], date)


def test_a_row_that_an_earlier_page_had_goes_to_quarantine(store):
    done = run(store, prices(1, 2), prices(2, 3), prices(1))
    assert done.counts == Counts(read=5, kept=3, quarantined=2)
    assert done.outcome == "done with quarantine"
    record, _ = read_record(Area(store, "shop", "sales", "2022-08-09"))
    (file,) = (file for file in record.files if file.kind == "quarantine")
    said = store.read(file.key).decode()
    assert "expected a key that no other row of the partition has, found 2, which record 1 of page 1 has" in said


def test_another_partition_may_have_the_same_rows(store):
    run(store, prices(1, 2))
    assert run(store, prices(1, 2), date="2022-08-10").counts == Counts(read=2, kept=2)


def test_what_rules_of_an_older_format_made_is_staged_anew_from_the_same_pages(store, monkeypatch):
    area = Area(store, "shop", "sales", "2022-08-09")
    with monkeypatch.context() as older:
        older.setattr(record_module, "FORMAT", FORMAT - 1)
        run(store, prices(1, 2))
    record, tag = read_record(area)
    store.replace(area.commit, as_json(replace(record, format=FORMAT - 1)), tag)
    assert run(store, verb="stage").changed
    made, _ = read_record(area)
    assert (made.format, made.landed, made.counts) == (FORMAT, record.landed, record.counts)
    assert made.staged != record.staged
    assert not run(store, verb="stage").changed


def drift(done):
    return [note for note in done.notes if note.startswith("drift")]


def test_keys_that_come_and_go_are_told_beside_the_partition_before(store):
    assert drift(run(store, [{"price": 1, "shop": "a"}])) == []
    assert drift(run(store, [{"price": 1, "shop": "a"}], date="2022-08-10")) == []
    done = run(store, [{"price": 1, "note": "b", "till": 7}], [{"price": 2, "clerk": 1}], date="2022-08-11")
    new = "drift: the records have new keys since 2022-08-10: `clerk`, `note`, `till`"
    assert drift(done) == [
        f"{new}; the contract does not name `clerk`, `till`",
        "drift: no record has keys that were there in 2022-08-10: `shop`",
    ]


def test_a_partition_is_first_compared_with_its_own_commit(store):
    run(store, [{"price": 1}])
    run(store, [{"price": 1, "shop": "a"}], date="2022-08-10")
    done = run(store, [{"price": 1, "shop": "a", "till": 1}], date="2022-08-10")
    assert drift(done) == [
        "drift: the records have new keys since 2022-08-10: `till`; the contract does not name `till`"
    ]


def test_nothing_is_told_where_nothing_is_known(store):
    assert drift(run(store, [{"price": 1}], date="2022-08-10")) == []
    assert drift(run(store, date="2022-08-11")) == [], "no data"
    assert drift(run(store, [{"price": 1, "a": 1}], date="2022-08-12")) == [], "no keys before"


def test_names_of_a_list_are_compared_with_the_name_before(store):
    spec = SPEC.replace("source:", "partition: {by: list, names: [lisbon, porto]}\nsource:", 1)
    spec = spec.replace("{date}", "{partition}")
    assert drift(run(store, [{"price": 1, "shop": "a"}], date="lisbon", spec=spec)) == []
    done = run(store, [{"price": 1, "till": "a"}], date="porto", spec=spec)
    assert drift(done) == [
        "drift: the records have new keys since lisbon: `till`; the contract does not name `till`",
        "drift: no record has keys that were there in lisbon: `shop`",
    ]


def test_keys_that_are_ids_are_not_remembered():
    assert remembered(str(number) for number in range(2000)) == ()
    assert remembered({"b", "a"}) == ("a", "b")


@pytest.mark.parametrize(
    ("partitioning", "key", "before"),
    [
        (Partitioning("hour"), "2022-08-09T00", "2022-08-08T23"),
        (Partitioning("day"), "2022-03-01", "2022-02-28"),
        (Partitioning("week"), "2022-W01", "2021-W52"),
        (Partitioning("month", timezone="Europe/Lisbon"), "2022-01", "2021-12"),
        (Partitioning("tick", every=60.0), "2022-08-09T000000Z", "2022-08-08T235900Z"),
    ],
)
def test_the_partition_before(partitioning, key, before):
    assert previous(parse(key, partitioning), partitioning).key == before


def test_names_of_a_list_follow_each_other_and_the_calendar_has_a_beginning():
    names = Partitioning("list", names=("a", "b"))
    assert previous(parse("b", names), names) == parse("a", names)
    assert previous(parse("a", names), names) is None
    assert previous(parse("0001-01-01", Partitioning()), Partitioning()) is None


TYPES = (
    SPEC[: SPEC.index("    contract:")]
    + """\
    contract:
      fields:
        price: decimal(8,2)
        at: {type: timestamp, timezone: UTC}
        clock: time
        photo: binary
        id: uuid
        rest: {type: json, nullable: true}
        tags: {type: list, items: string}
        shop: {type: struct, fields: {id: int32, opened: {type: date, parse: year_first}}}
    stage: {avro: "{date}.avro", parquet: "{date}.parquet", jsonl: "{date}.jsonl", csv: "{date}.csv"}
"""
)
WHOLE = {
    "price": "12.5",
    "at": "2022-08-09 10:30",
    "clock": "10:30",
    "photo": "AAE=",
    "id": "01234567-89ab-cdef-0123-456789abcdef",
    "rest": {"a": 1},
    "tags": ["a", "b"],
    "shop": {"id": 7, "opened": "2022-Aug-9"},
}


def test_every_type_goes_into_every_format(store):
    done = run(store, [WHOLE, {**WHOLE, "rest": None, "tags": []}], spec=TYPES)
    assert done.counts == Counts(read=2, kept=2)
    assert set(done.files) >= {f"2022-08-09.{form}" for form in ("avro", "parquet", "jsonl", "csv")}
    first = json.loads(store.read("2022-08-09.jsonl").splitlines()[0])
    assert (first["price"], first["shop"]["opened"], first["tags"]) == ("12.50", "2022-08-09", ["a", "b"])
