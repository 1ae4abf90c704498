"""What is PostgreSQL's own about loads: log-ins, rights, indexes, grants, views, long names."""

import pytest

from levada.contract.model import Column
from levada.errors import FixThis, TryLater
from levada.loads.model import Between
from warehouse import COLUMNS, Warehouse, loading, row


@pytest.fixture
def place(postgres):
    return Warehouse("postgres", postgres.database())


def names(place, sql):
    return [found["name"] for found in place.ask(sql)]


def test_a_database_that_is_not_there(postgres):
    with pytest.raises(FixThis) as told:
        Warehouse("postgres", postgres.url("nothing")).load(loading([row(1)]))
    assert 'database "nothing" does not exist' in str(told.value)
    assert "mend user, password or name of the database" in str(told.value)
    assert f"postgresql://{postgres.host}:{postgres.port}/nothing" in str(told.value)
    assert postgres.password not in str(told.value)


def test_a_server_that_is_not_there():
    with pytest.raises(TryLater) as told:
        Warehouse("postgres", "postgresql://ana:hunter2secret@127.0.0.1:1/shop").load(loading([row(1)]))
    assert "The database could not be reached" in str(told.value)
    assert "run again when it is up" in str(told.value)
    assert "hunter2secret" not in str(told.value)


def test_a_user_who_may_not(place, postgres):
    place.do("CREATE TABLE orders (id bigint, name text, at timestamptz)", "CREATE ROLE weak LOGIN PASSWORD 'weakling'")
    weak = Warehouse("postgres", place.where.replace(f"{postgres.user}:{postgres.password}", "weak:weakling"))
    with pytest.raises(FixThis) as told:
        weak.load(loading([row(1)], schema="public"))
    assert "permission denied for schema public" in str(told.value)
    assert "have the owner of the database grant it" in str(told.value)
    place.do("DROP ROLE weak")


def test_indexes_are_made(place):
    place.load(loading([row(1)]))
    place.load(loading([row(1)], table="merged", mode="merge", key=("id", "at")))
    place.load(loading([row(1)], table="by_time", marked=Between("at", "2024-01-01", "2024-01-02")))
    sql = "SELECT indexdef AS name FROM pg_indexes WHERE schemaname = current_schema() AND tablename = '{}' ORDER BY 1"
    [index] = names(place, sql.format("orders"))
    assert index.endswith("USING btree (_levada_partition)")
    by_partition, by_key = names(place, sql.format("merged"))
    assert by_partition.endswith("USING btree (_levada_partition)")
    assert by_key.startswith("CREATE UNIQUE INDEX")
    assert by_key.endswith("USING btree (id, at)")
    [by_time] = names(place, sql.format("by_time"))
    assert by_time.endswith("USING btree (at)")


def test_a_key_that_the_table_has_is_used(place):
    place.do("CREATE TABLE orders (id bigint PRIMARY KEY, name text, at timestamptz)")
    place.load(loading([row(1)], mode="merge", key=("id",)))
    assert place.load(loading([row(1, "y")], content="2", mode="merge", key=("id",))).updated == 1
    sql = "SELECT indexname AS name FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'orders'"
    assert names(place, sql) == ["orders_pkey"]


def test_rows_that_share_a_key_already_are_told(place):
    place.do("CREATE TABLE orders (id bigint, name text, at timestamptz)", "INSERT INTO orders VALUES (1), (1)")
    with pytest.raises(FixThis) as told:
        place.load(loading([row(1)], mode="merge", key=("id",)))
    assert "could not create unique index" in str(told.value)
    assert "Key (id)=(1) is duplicated" in str(told.value)


def test_a_table_that_is_replaced_keeps_what_is_its_own(place):
    place.do(
        "CREATE TABLE orders (id bigint, name text DEFAULT 'none', at timestamptz, own integer DEFAULT 7)",
        "CREATE INDEX by_name ON orders (name)",
        "GRANT SELECT ON orders TO pg_read_all_data WITH GRANT OPTION",
        "GRANT SELECT ON orders TO PUBLIC",
    )
    for content in "ab":
        place.load(loading([row(1, content)], content=content, mode="replace"))
    assert place.ask("SELECT id, name, own FROM orders") == [{"id": 1, "name": "b", "own": 7}]
    sql = "SELECT indexdef AS name FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'orders'"
    assert len([index for index in names(place, sql) if index.endswith("(name)")]) == 1
    rights = place.ask(
        "SELECT grantee::text, is_grantable::text FROM information_schema.role_table_grants "
        "WHERE table_schema = current_schema() AND table_name = 'orders' AND grantee <> current_user ORDER BY 1"
    )
    assert [tuple(right.values()) for right in rights] == [("PUBLIC", "NO"), ("pg_read_all_data", "YES")]


def test_a_view_on_a_table_that_is_replaced_is_not_dropped(place):
    place.load(loading([row(1)], mode="replace"))
    place.do("CREATE VIEW seen AS SELECT id FROM orders")
    with pytest.raises(FixThis) as told:
        place.load(loading([row(2)], mode="replace"))
    assert "cannot drop table" in str(told.value)
    assert "view seen depends on table" in str(told.value)
    assert place.ask("SELECT id FROM seen") == [{"id": 1}]
    assert [found[0] for found in place.rows()] == [1]


def test_names_that_would_be_cut_off_are_refused(place):
    long = "é" * 32
    with pytest.raises(FixThis) as told:
        place.load(loading([], columns=(*COLUMNS, Column(long, "string", nullable=True))))
    assert f'The name "{long}" is too long' in str(told.value)
    assert "63 bytes" in str(told.value)
    with pytest.raises(FixThis, match="is too long"):
        place.load(loading([row(1)], table="t" * 64))
    place.load(loading([row(1)], table="t" * 63))


def test_a_column_that_is_wider_takes_the_rows(place):
    place.do("CREATE TABLE orders (id numeric, name varchar, at timestamptz)")
    place.load(loading([row(2**62)]))
    assert place.ask("SELECT CAST(id AS text) AS id, name FROM orders") == [{"id": str(2**62), "name": "x"}]


def test_no_schema_of_the_search_path(postgres):
    with pytest.raises(FixThis) as told:
        Warehouse("postgres", f"{postgres.url()}?options=-csearch_path%3Dnowhere").load(loading([row(1)]))
    assert "No schema of the search path is there" in str(told.value)
    assert "table: schema.table" in str(told.value)
