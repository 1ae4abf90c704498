"""Delta tables of a lake on S3: made with the credentials of the lake, and read back by delta-rs."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from levada.edges import Edges, FixedClock
from levada.errors import FixThis, TryLater
from levada.nouns import Table
from levada.pipeline import Pipeline, open_lake
from levada.pipeline.compaction import compact_tables
from levada.pipeline.merging import Merging, merge_into
from levada.pipeline.tables import way_to
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from levada.staging import Tables, delta
from shop import HEAD

SPEC = f"""{HEAD}\
    contract: {{fields: {{id: int64}}}}
    stage: {{delta: "tables/{{stream}}", parquet: "stg/day={{date}}/a.parquet"}}
"""


def pipeline(lake, environment, *ids, spec=SPEC):
    body = json.dumps([{"id": number, "name": f"n{number}"} for number in ids]).encode()
    edges = Edges(clock=FixedClock(), environment=environment,
                  network=lambda: ScriptedWire(lambda *_: Reply(answer(200, body))))  # fmt: skip
    return Pipeline(read_text(spec, "shop.yaml", {}, lake=lake), open_lake(lake, environment), edges)


def run(lake, environment, day, *ids):
    chosen = pipeline(lake, environment, *ids)
    return chosen.work("run", chosen.streams()[0], day)


def table_of(lake, environment):
    return DeltaTable(f"{lake}/tables/sales", storage_options=way_to(lake, environment))


def held(table):
    found = {}
    for row in pa.table(table.to_pyarrow_table()).to_pylist():
        found.setdefault(row["_levada_partition"], []).append(row["id"])
    return found


def test_a_table_on_s3_takes_partitions_of_writers_at_once(s3):
    lake, environment = s3.lake("delta"), s3.environment
    days = [f"2022-08-0{day}" for day in range(1, 5)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda day: run(lake, environment, day, int(day[-2:])), days))
    run(lake, environment, days[0], 10, 11)
    table = DeltaTable(f"{lake}/tables/sales", storage_options=way_to(lake, environment))
    assert held(table) == {days[0]: [10, 11], days[1]: [2], days[2]: [3], days[3]: [4]}
    version = table.version()
    assert not run(lake, environment, days[0], 10, 11).changed
    assert DeltaTable(f"{lake}/tables/sales", storage_options=way_to(lake, environment)).version() == version


@pytest.fixture(params=["disk", "s3"])
def place(request, tmp_path):
    """A lake, and the variables that lead to it."""
    if request.param == "disk":
        return str(tmp_path / "lake"), {}
    server = request.getfixturevalue("s3")
    return server.lake("delta"), server.environment


def test_a_field_that_the_contract_brings_comes_into_every_partition_by_replay(place):
    days = ["2022-08-01", "2022-08-02"]
    for number, day in enumerate(days):
        run(*place, day, number)
    wider = SPEC.replace("{id: int64}", "{id: int64, name: {type: string, nullable: true}}")
    assert "name" not in [field.name for field in table_of(*place).schema().fields]
    done = pipeline(*place, spec=wider).replay()
    assert [(one.partition, one.changed, one.requests) for one in done] == [(day, True, 0) for day in days]
    assert done[0].notes[0] == "Delta table tables/sales: column name (string) added"
    rows = pa.table(table_of(*place).to_pyarrow_table()).sort_by("id").to_pylist()
    assert rows == [{"id": n, "name": f"n{n}", "_levada_partition": day} for n, day in enumerate(days)]
    version = table_of(*place).version()
    assert not any(one.changed for one in pipeline(*place, spec=wider).replay())
    assert table_of(*place).version() == version


def test_a_field_of_another_type_is_refused_and_comes_by_another_table(place):
    days = ["2022-08-01", "2022-08-02"]
    for number, day in enumerate(days):
        run(*place, day, number)
    other = SPEC.replace("{id: int64}", "{id: int32}")
    with pytest.raises(FixThis, match="column id is int64 in the table and int32 in the contract") as told:
        pipeline(*place, spec=other).replay()
    assert told.value.todo == ("give the changed field another name, or name another table and `levada replay` into it")
    assert held(table_of(*place)) == {day: [number] for number, day in enumerate(days)}
    moved = other.replace("tables/{stream}", "tables/new")
    done = pipeline(*place, spec=moved).replay()
    assert [one.changed for one in done] == [True, True]
    assert done[0].notes == (f"Delta table tables/sales: the rows of {days[0]} went, the spec stages none there",)
    assert held(table_of(*place)) == {}
    new = DeltaTable(f"{place[0]}/tables/new", storage_options=way_to(*place))
    assert held(new) == {day: [number] for number, day in enumerate(days)}
    assert new.schema().fields[0].type.type == "integer"


def test_small_files_are_merged_wherever_the_lake_is(place):
    days = ["2022-08-01", "2022-08-02"]
    for number, day in enumerate(days):
        run(*place, day, number, number + 10)
    part = pa.table(table_of(*place).to_pyarrow_table(filters=[("_levada_partition", "=", days[0])]))
    where, how = f"{place[0]}/tables/sales", {"storage_options": way_to(*place) or None}
    write_deltalake(where, part.slice(0, 1), mode="overwrite", predicate=f"_levada_partition = '{days[0]}'", **how)
    write_deltalake(where, part.slice(1), mode="append", **how)
    chosen = pipeline(*place)
    (done,) = compact_tables(chosen.spec, chosen.streams(), chosen.store, chosen.edges, 1024**2)
    assert (done.merged, done.made) == (2, 1)
    rows = {day: sorted(ids) for day, ids in held(table_of(*place)).items()}
    assert rows == {days[0]: [0, 10], days[1]: [1, 11]}
    assert len(table_of(*place).file_uris()) == 2
    assert not run(*place, days[0], 0, 10).changed
    merging = Merging(chosen.spec, chosen.streams()[0], (*days, "2022-08-03"), "merged/all.parquet")
    merged = merge_into(merging, chosen.store, chosen.edges)
    assert (merged.rows, merged.merged, [each.partition for each in merged.left_out]) == (4, 2, ["2022-08-03"])
    with chosen.store.open("merged/all.parquet") as stream:
        assert pq.read_table(stream)["id"].to_pylist() == [0, 10, 1, 11]
    for name in ("tables/sales/x.parquet", "stg/x.parquet", "tables/sales/_delta_log/x"):
        with pytest.raises(FixThis, match="would lie"):
            merge_into(replace(merging, name=name), chosen.store, chosen.edges)


def test_a_store_that_is_away_is_for_later_and_one_that_denies_is_not(s3, tmp_path):
    lake, environment = s3.lake("away"), s3.environment
    run(lake, environment, "2022-08-01", 1)
    away = {**way_to(lake, environment), "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "max_retries": "0"}
    store = open_lake(lake, environment)
    with pytest.raises(TryLater, match=r"could not be read or written: .*error sending request"):
        delta.held(Tables(store, away, lambda _: None), Table("tables/sales", "_levada_partition"))
    denied = {**way_to(lake, environment), "AWS_SECRET_ACCESS_KEY": "wrong"}
    with pytest.raises(FixThis, match="may not be read or written") as told:
        delta.held(Tables(store, denied, lambda _: None), Table("tables/sales", "_levada_partition"))
    assert "wrong" not in str(told.value)


def test_the_way_to_a_store_is_that_of_the_environment():
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_ENDPOINT_URL_S3": "http://i", "AWS_ENDPOINT_URL": "http://o", "HOME": "/"}
    assert way_to("/lake", given) == {}
    assert way_to("gs://bucket/lake", {"GOOGLE_SERVICE_ACCOUNT": "x", **given}) == {"GOOGLE_SERVICE_ACCOUNT": "x"}
    assert way_to("s3://bucket/lake", given) == {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_ENDPOINT_URL_S3": "http://i",
        "AWS_ENDPOINT_URL": "http://i",
        "AWS_ALLOW_HTTP": "true",
    }
