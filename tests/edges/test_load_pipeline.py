"""Pipelines that load: what is committed comes into its table, now or later, and nothing is fetched for it."""

from datetime import UTC, datetime

import duckdb
import pytest

from levada.contract.storable import for_postgres
from levada.edges import Edges, FixedClock
from levada.errors import ContractBroken, FixThis, TryLater
from levada.lake.area import Area
from levada.lake.disk import DiskStore
from levada.lake.lease import read_record
from levada.lake.memory import MemoryStore
from levada.lake.status import status
from levada.pipeline import Options, Pipeline
from levada.spec.read import read_text
from shop import Shop, prices, public

DAY, NEXT = "2022-08-09", "2022-08-10"
SPEC = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  sales:
    request: {path: /sales, params: {date: "{date}"}}
    paging: {by: page}
    responses: [{status: 404, text: no such page, means: end}, {status: 404, means: no_data}]
    contract: {fields: {price: int64}}
    load: duckdb
"""
AWAY = "postgresql://levada:hunter2secret@127.0.0.1:1/shop"
POSTGRES = SPEC.replace("load: duckdb", 'load: {postgres: "${DATABASE_URL}"}')


class Place:
    """A lake on a disk, a shop, and what is in the warehouse."""

    def __init__(self, folder):
        self.lake = folder / "lake"
        self.store = DiskStore(str(self.lake))
        self.shop = Shop(prices(1, 2), prices(3))

    def do(self, verb="run", date=DAY, spec=SPEC, url="", **options):
        variables = {"DATABASE_URL": url} if url else {}
        clock = FixedClock(datetime(2022, 8, 12, 12, tzinfo=UTC))
        edges = Edges(clock=clock, environment=variables, network=self.shop.wire)
        read = read_text(spec, "shop.yaml", variables, lake=str(self.lake))
        one = Pipeline(read, self.store, edges, Options(**options))
        return one.work(verb, one.streams()[0], date)

    def record(self, date=DAY):
        found, _ = read_record(Area(self.store, "shop", "sales", date))
        assert found is not None
        return found

    def prices(self):
        with duckdb.connect(str(self.lake / "warehouse.duckdb"), read_only=True) as connection:
            return connection.sql("SELECT _levada_partition, price FROM sales ORDER BY 1, 2").fetchall()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_run_loads_what_it_commits(place):
    done = place.do()
    [receipt] = done.loads
    assert (receipt.to, receipt.table, receipt.rows, receipt.inserted) == ("duckdb", "main.sales", 3, 3)
    assert receipt.database == str(place.lake / "warehouse.duckdb")
    assert place.prices() == [(DAY, 1), (DAY, 2), (DAY, 3)]
    assert not place.record().unloaded
    # What is loaded from is kept out of sight.
    assert all(not key.endswith(".parquet") for key in public(place.store))


def test_the_same_answers_load_nothing(place):
    place.do()
    again = place.do()
    assert not again.changed
    assert [receipt.before for receipt in again.loads] == [True]
    place.shop.pages[2] = Shop(prices(9)).pages[1]
    assert place.do().loads[0].removed == 3
    assert place.prices() == [(DAY, 1), (DAY, 2), (DAY, 9)]


def test_no_data_takes_the_rows_away(place):
    place.do()
    place.do(date=NEXT)
    place.shop.pages = {}
    place.do(allow_empty=True)
    assert place.prices() == [(NEXT, 1), (NEXT, 2), (NEXT, 3)]


def test_a_new_file_is_made_of_the_lake(place):
    place.do()
    place.do(date=NEXT)
    (place.lake / "warehouse.duckdb").unlink()
    asked = len(place.shop.urls)
    assert place.do("load").changed
    assert place.do("load", NEXT).changed
    assert not place.do("load").changed
    assert len(place.prices()) == 6
    assert len(place.shop.urls) == asked


def test_a_database_that_is_away_delays_the_load_alone(place, postgres):
    with pytest.raises(TryLater) as told:
        place.do(spec=POSTGRES, url=AWAY)
    said = str(told.value)
    assert "The database could not be reached" in said
    assert "127.0.0.1:1/shop" in said
    assert "run again: the lake has committed it; or levada load" in said
    assert "hunter2secret" not in said
    record = place.record()
    assert (record.shown, record.unloaded, record.level) == (True, True, "staged")
    assert [each.state for each in status(place.store)] == ["not loaded"]
    assert public(place.store)
    asked = len(place.shop.urls)
    with pytest.raises(TryLater):
        place.do(spec=POSTGRES, url=AWAY, missing=True)
    url = postgres.database()
    done = place.do(spec=POSTGRES, url=url)
    assert done.loads[0].inserted == 3
    assert "nothing was fetched" in done.notes[0]
    assert len(place.shop.urls) == asked
    assert [each.state for each in status(place.store)] == ["done"]
    assert place.do(spec=POSTGRES, url=url, missing=True).notes == ("complete already, skipped",)


def test_a_row_that_postgres_does_not_store_stops_no_run(place, postgres):
    fields = "{price: int64, name: {type: string, nullable: true}, doc: {type: json, nullable: true}}"
    named = POSTGRES.replace("{price: int64}", fields)
    rows = [{"price": 1, "name": "a\0"}, {"price": 2, "name": "b"}, {"price": 3, "doc": {"\0": 1}}]
    place.shop = Shop(rows, prices(4))
    done = place.do(spec=named, url=postgres.database())
    assert (done.counts.kept, done.counts.quarantined, done.loads[0].inserted) == (2, 2, 2)
    there = read_text(named, "shop.yaml", {"DATABASE_URL": "x"}, lake=str(place.lake)).streams[0].contract
    other = read_text(named.replace('{postgres: "${DATABASE_URL}"}', "duckdb"), "shop.yaml", {}, lake="x")
    assert there != other.streams[0].contract
    assert there == for_postgres(other.streams[0].contract)


def test_land_leaves_the_table_alone_and_stage_loads(place):
    assert place.do("land").loads == ()
    assert not place.record().unloaded
    assert place.do("stage").loads[0].inserted == 3
    place.shop.pages[2] = Shop(prices(7)).pages[1]
    place.do("land")
    assert len(place.prices()) == 3
    assert place.do("stage").loads[0].inserted == 3
    assert place.prices() == [(DAY, 1), (DAY, 2), (DAY, 7)]


def test_land_asks_no_database(place):
    with pytest.raises(TryLater):
        place.do(spec=POSTGRES, url=AWAY)
    assert place.do("land", spec=POSTGRES).level == "staged"
    assert place.record().unloaded


def test_a_replay_loads_under_the_contract_of_today(place):
    place.do()
    doubled = SPEC.replace("{price: int64}", "{price: int64, note: {type: string, nullable: true}}")
    assert place.do("replay", spec=doubled).loads[0].removed == 3
    with duckdb.connect(str(place.lake / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.sql("SELECT count(*), count(note) FROM sales").fetchall() == [(3, 0)]


def test_a_replay_that_changes_nothing_still_sees_to_the_table(place):
    place.do()
    (place.lake / "warehouse.duckdb").unlink()
    assert place.do("replay").loads[0].inserted == 3


def test_a_table_that_does_not_fit_is_told_before_anything_is_committed(place):
    place.do()
    before = place.record()
    place.shop.pages[2] = Shop(prices(5)).pages[1]
    with pytest.raises(FixThis, match="price is BIGINT, and the contract gives DOUBLE"):
        place.do("replay", spec=SPEC.replace("int64", "float64"))
    assert place.record() == before


def test_nothing_staged_is_nothing_to_load(place):
    place.do("land")
    with pytest.raises(FixThis) as told:
        place.do("load")
    assert "There are no staged rows of shop/sales 2022-08-09" in str(told.value)
    assert "levada stage" in str(told.value)
    with pytest.raises(FixThis, match="stream sales has no `load`"):
        place.do("load", spec=SPEC.replace("load: duckdb", 'stage: {jsonl: "{date}.jsonl"}'))


def test_a_damaged_file_is_not_loaded(place):
    place.do()
    [file] = [file for file in place.record().files if file.format == "parquet"]
    path = place.lake / file.key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-20] + b"x" * 20)
    (place.lake / "warehouse.duckdb").unlink()
    with pytest.raises(FixThis) as told:
        place.do("load")
    assert "was changed since it was committed" in str(told.value)
    assert "levada replay" in str(told.value)
    assert not (place.lake / "warehouse.duckdb").exists()


def test_duckdb_needs_a_lake_on_this_machine_or_a_name(place):
    place.store = MemoryStore()
    with pytest.raises(FixThis) as told:
        place.do()
    assert "A DuckDB file cannot lie in the lake memory" in str(told.value)
    assert "load: {duckdb: warehouse.duckdb}" in str(told.value)


def test_a_secret_that_is_not_set_is_told(place):
    with pytest.raises(FixThis, match="Not set: DATABASE_URL"):
        place.do(spec=POSTGRES)
    with pytest.raises(FixThis, match="Not set: DATABASE_URL"):
        place.do("load", spec=POSTGRES)


def test_a_url_that_is_none_is_told_without_being_shown(place):
    with pytest.raises(FixThis) as told:
        place.do(spec=POSTGRES, url="mysql://ana:hunter2secret@db/shop")
    assert "The address of the PostgreSQL database is no URL" in str(told.value)
    assert "hunter2secret" not in str(told.value)


def test_a_wrong_password_is_told_without_being_shown(place, postgres):
    url = postgres.url().replace(postgres.password, "hunter2secret")
    with pytest.raises(FixThis) as told:
        place.do(spec=POSTGRES, url=url)
    assert "The database refused the connection: " in str(told.value)
    assert "hunter2secret" not in str(told.value)


def test_appended_rows_are_replaced_when_that_is_asked_for(place):
    appending = SPEC.replace("load: duckdb", "load: {to: duckdb, mode: append}")
    place.do(spec=appending)
    place.shop.pages[2] = Shop(prices(8)).pages[1]
    with pytest.raises(ContractBroken, match=r"were appended to main\.sales before"):
        place.do(spec=appending)
    assert place.record().unloaded
    assert place.do("load", spec=appending, replace=True).loads[0].removed == 3
    assert place.prices() == [(DAY, 1), (DAY, 2), (DAY, 8)]
    assert not place.record().unloaded
