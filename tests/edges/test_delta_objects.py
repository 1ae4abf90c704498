"""Delta tables of a lake on S3: made with the credentials of the lake, and read back by delta-rs."""

import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from deltalake import DeltaTable

from levada.edges import Edges, FixedClock
from levada.pipeline import Pipeline, open_lake
from levada.pipeline.tables import way_to
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from shop import HEAD

SPEC = f"""{HEAD}\
    contract: {{fields: {{id: int64}}}}
    stage: {{delta: "tables/{{stream}}", parquet: "stg/day={{date}}/a.parquet"}}
"""


def run(lake, environment, day, *ids):
    body = json.dumps([{"id": number} for number in ids]).encode()
    edges = Edges(clock=FixedClock(), environment=environment,
                  network=lambda: ScriptedWire(lambda *_: Reply(answer(200, body))))  # fmt: skip
    chosen = Pipeline(read_text(SPEC, "shop.yaml", {}, lake=lake), open_lake(lake, environment), edges)
    return chosen.work("run", chosen.streams()[0], day)


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
