"""Several formats of one stream at once: all in one commit, the same bytes in every lake, read back by others."""

import gzip
import io
import json

import pyarrow.parquet as pq
import pytest

from levada.edges import Edges, FixedClock
from levada.errors import FixThis
from levada.lake.memory import MemoryStore
from levada.pipeline import Pipeline
from levada.spec.read import read_text
from levada.staging import rows_of
from shop import Shop, public

DAY = "2022-08-09"
SPEC = """
pipeline: shop
partition: {by: list, names: [PT, "C/D"]}
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  sales:
    request: {path: /sales, params: {country: "{partition}"}}
    paging: {by: page}
    responses: [{status: 404, means: end}]
    contract:
      fields:
        {id: int64, price: {type: "decimal(10,2)", parse: [number]}, at: timestamp, tags: {type: list, items: string}}
    stage:
      avro: "stg/avro/country={partition}/{page}.avro"
      parquet: "stg/parquet/country={partition}/sales.parquet"
      jsonl: {name: "stg/jsonl/country={partition}/{page}.jsonl.gz", codec: gzip}
      csv: {name: "stg/csv/country={partition}.csv", delimiter: ";", null_as: "NA"}
"""
PAGES = [
    [{"id": 1, "price": "1.50", "at": "2022-08-09T01:02:03Z", "tags": ["a"]}, {"id": "bad"}],
    [{"id": 2, "price": "2", "at": "2022-08-09T01:02:03.5+02:00", "tags": []}],
]


def run(store, partition="PT", spec=SPEC, verb="run", pages=PAGES):
    read = read_text(spec, "shop.yaml", {}, lake="lake")
    chosen = Pipeline(read, store, Edges(clock=FixedClock(), environment={}, network=Shop(*pages).wire))
    return chosen.work(verb, chosen.streams()[0], partition)


def staged(store):
    return {key: data for key, data in public(store).items() if key.startswith("stg/")}


def test_every_format_is_in_the_commit(tmp_path):
    store = MemoryStore()
    done = run(store)
    assert [name for name in done.files if name.startswith("stg/")] == [
        "stg/avro/country=PT/1.avro",
        "stg/avro/country=PT/2.avro",
        "stg/csv/country=PT.csv",
        "stg/jsonl/country=PT/1.jsonl.gz",
        "stg/jsonl/country=PT/2.jsonl.gz",
        "stg/parquet/country=PT/sales.parquet",
    ]
    assert store.read("stg/csv/country=PT.csv").decode().splitlines() == [
        "id;price;at;tags",
        '1;1.50;2022-08-09T01:02:03Z;"[""a""]"',
        "2;2.00;2022-08-08T23:02:03.500000Z;[]",
    ]
    found = pq.read_table(io.BytesIO(store.read("stg/parquet/country=PT/sales.parquet"))).to_pylist()
    avro = [
        row for page in (1, 2) for row in rows_of("avro", io.BytesIO(store.read(f"stg/avro/country=PT/{page}.avro")))
    ]
    assert found == avro
    assert [row["tags"] for row in found] == [["a"], []]
    lines = [json.loads(line) for line in _unpacked(store, 1).splitlines()]
    assert lines == [{"id": 1, "price": "1.50", "at": "2022-08-09T01:02:03Z", "tags": ["a"]}]


def _unpacked(store, page):
    return gzip.decompress(store.read(f"stg/jsonl/country=PT/{page}.jsonl.gz"))


def test_the_same_answers_give_the_same_bytes_in_another_lake_and_by_replay():
    one, other = MemoryStore(), MemoryStore()
    run(one)
    run(other, verb="land")
    run(other, verb="stage")
    assert staged(one) == staged(other)
    assert len(staged(one)) == 6
    assert not run(one, verb="replay").changed


def test_what_a_key_of_hive_cannot_hold_is_written_as_hive_writes_it():
    store = MemoryStore()
    assert "stg/parquet/country=C%2FD/sales.parquet" in run(store, "C/D").files


def test_a_format_that_is_left_out_goes_with_the_next_commit():
    store = MemoryStore()
    run(store)
    without = SPEC.replace('      parquet: "stg/parquet/country={partition}/sales.parquet"\n', "")
    assert run(store, spec=without, verb="replay").changed
    assert not [key for key in staged(store) if "parquet" in key]
    assert len(staged(store)) == 5


def test_another_setting_of_a_format_is_another_commit():
    store = MemoryStore()
    run(store)
    assert run(store, spec=SPEC.replace('"NA"', '"-"'), verb="replay").changed


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_a_library_that_is_not_there_is_named_with_what_installs_it(form, monkeypatch):
    from levada import extras

    real = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "pyarrow" else real(name))
    stage = (
        SPEC[: SPEC.index("      avro:")] + f'      {form}: "x/{{{"stream" if form == "delta" else "partition"}}}"\n'
    )
    with pytest.raises(FixThis, match="need pyarrow, which this Python does not have") as told:
        run(MemoryStore(), spec=stage)
    assert told.value.todo == f"pip install 'levada[{form}]'"
