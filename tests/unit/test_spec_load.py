"""`load:` in a spec: what is read, what is refused, and what `levada check` says of it."""

import pytest

from levada.spec.read import read_text
from levada.spec.words import words
from mistakes import refused

SPEC = """\
pipeline: shop
source: {url: https://api.example.com}
streams:
  orders:
    request: {path: /orders}
    contract:
      key: id
      fields: {id: int64, at: timestamp, seen: {type: date, nullable: true}, tags: {type: list, items: string}}
    load: duckdb
"""
POSTGRES = SPEC.replace("load: duckdb", 'load: {postgres: "${DATABASE_URL}"MORE}')


def told(text):
    return str(refused(text))


def load_of(text, **variables):
    return read_text(text, "shop.yaml", variables).streams[0].load


def test_duckdb_needs_nothing_more():
    load = load_of(SPEC)
    assert (load.url, load.file, load.table, load.mode, load.key) == (None, "", "", "replace_partition", ())


def test_all_keys():
    load = load_of(POSTGRES.replace("MORE", ", table: '\"a.b\".orders', mode: merge, key: [id, at], newest_by: at"))
    assert load.url.names == ("DATABASE_URL",)
    assert (load.schema, load.table, load.mode) == ("a.b", "orders", "merge")
    assert (load.key, load.newest_by, load.rows_by) == (("id", "at"), "at", None)


@pytest.mark.parametrize(
    ("written", "schema", "table"),
    [("orders", None, "orders"), ("a.orders", "a", "orders"), ('"My ""Own"""."x.y"', 'My "Own"', "x.y")],
)
def test_tables(written, schema, table):
    load = load_of(SPEC.replace("load: duckdb", f"load: {{duckdb: a.duckdb, table: '{written}'}}"))
    assert (load.schema, load.table) == (schema, table)


@pytest.mark.parametrize(
    ("more", "what", "todo"),
    [
        (", table: a.b.c", '"a.b.c" names no table', "write name or schema.name"),
        (", table: 'a..b'", '"a..b" names no table', "write name or schema.name"),
        (", mode: upsert", '"upsert" is not known here', "write merge"),
        (", mode: overwrite", '"overwrite" is not known here', "write replace_partition, or replace"),
        (", key: id", "key has no meaning with mode replace_partition", "leave key out, or write mode: merge"),
        (", newest_by: at", "newest_by has no meaning with mode replace_partition", "leave newest_by out"),
        (", mode: merge, rows_by: at", "rows_by has no meaning with mode merge", "leave rows_by out"),
        (", mode: merge, key: []", "the key has no fields", "name one, or leave the key out"),
        (", mode: merge, key: ide", '"ide" in key is no field of the contract', "did you mean id?"),
        (", mode: merge, key: seen", '"seen" in key may be null', "leave nullable out"),
        (", mode: merge, key: tags", '"tags" in key is a list', "name fields of one value"),
        (", mode: merge, newest_by: tags", '"tags" in newest_by is a list', "name a "),
        (", rows_by: id", '"id" in rows_by is a int64', "name a timestamp or date"),
        (", rows_by: seen", '"seen" in rows_by may be null', "leave nullable out of the field"),
        (", rows_by: nothing", '"nothing" in rows_by is no field of the contract', "fields: id, at, seen, tags"),
        (", duckdb: a.duckdb", "duckdb stands beside postgres", "leave duckdb out"),
    ],
)
def test_mistakes(more, what, todo):
    said = told(POSTGRES.replace("MORE", more))
    assert what in said
    assert todo in said


def test_a_load_names_a_database_and_has_a_contract():
    assert "load names no database" in told(SPEC.replace("load: duckdb", "load: {table: orders}"))
    bare = "\n".join(
        line for line in SPEC.splitlines() if not any(word in line for word in ("contract", "key:", "fields"))
    )
    assert "load needs a contract: it takes checked rows" in told(bare)


def test_a_merge_needs_a_key():
    text = POSTGRES.replace("MORE", ", mode: merge").replace("      key: id\n", "")
    assert "merge needs a key, which tells rows apart" in told(text)


def test_a_url_is_never_written():
    text = SPEC.replace("load: duckdb", "load: {postgres: 'postgresql://ana:hunter2@db/x'}")
    said = told(text)
    assert "a secret is not written in the spec" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("partition", ["partition: {by: list, names: [a]}", "partition: {by: tick, every: 1m}"])
def test_rows_are_found_by_time_where_partitions_are_spans_of_it(partition):
    text = POSTGRES.replace("MORE", ", rows_by: at").replace("source:", f"{partition}\nsource:", 1)
    assert "rows_by has no meaning where a partition is one" in told(text)


def test_a_date_tells_no_hour():
    day = POSTGRES.replace("MORE", ", rows_by: at").replace("at: timestamp", "at: date")
    hours = day.replace("source:", "partition: {by: hour}\nsource:", 1)
    assert "a date in rows_by does not tell which hour a row is of" in told(hours)
    assert read_text(day, "shop.yaml", {}).streams[0].load.rows_by == "at"


def test_two_streams_do_not_share_a_table():
    more = (
        "  returns: {request: {path: /returns}, contract: {fields: {id: int64}}, load: {to: duckdb, table: orders}}\n"
    )
    assert "stream returns loads to the table of stream orders" in told(SPEC + more)


def test_the_plan_in_words():
    assert "  Loads  into table orders of DuckDB, a file in the lake: the rows of a partition are replaced" in words(
        read_text(SPEC, "shop.yaml", {})
    )
    merged = POSTGRES.replace("MORE", ", table: a.orders, mode: merge, newest_by: at")
    said = words(read_text(merged, "shop.yaml", {"DATABASE_URL": "postgresql://ana:hunter2@db/x"}))
    assert "  Loads  into table a.orders of PostgreSQL at DATABASE_URL: by key" in said
    assert "         rows are told apart by id; the one with the highest at stands" in said
    assert "hunter2" not in "\n".join(said)
    timed = words(read_text(POSTGRES.replace("MORE", ", rows_by: at"), "shop.yaml", {}))
    assert "         the rows of a partition are found by at; others go to quarantine" in timed
