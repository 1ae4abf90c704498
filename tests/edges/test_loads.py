"""Loads into PostgreSQL and DuckDB: each mode, tables made and compared, what was done recognised."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from levada.contract.model import Column
from levada.errors import ContractBroken, FixThis
from levada.lake.store import Lost
from levada.loads.model import Between
from warehouse import COLUMNS, instant, loading, row

OTHER = "2024-01-02"
MERGE = {"mode": "merge", "key": ("id",)}


def named(rows):
    return [(found[0], found[1]) for found in rows]


def test_a_partition_is_replaced_and_the_others_stay(warehouse):
    first = warehouse.load(loading([row(1), row(2)]))
    assert (first.rows, first.inserted, first.removed, first.before) == (2, 2, 0, False)
    warehouse.load(loading([row(1)], OTHER))
    again = warehouse.load(loading([row(3, "new")]))
    assert (again.inserted, again.removed) == (1, 2)
    assert warehouse.rows() == [(1, "x", instant(1), OTHER), (3, "new", instant(1), "2024-01-01")]


def test_a_load_that_was_done_is_recognised(warehouse):
    warehouse.load(loading([row(1), row(2)]))
    asked = []
    same = replace(loading([row(1), row(2)]), batches=lambda: asked.append(1) or iter(()))
    again = warehouse.load(same)
    assert (again.before, again.rows, again.inserted) == (True, 2, 0)
    assert asked == []
    assert len(warehouse.rows()) == 2


def test_a_table_that_was_dropped_is_loaded_anew(warehouse):
    warehouse.load(loading([row(1)]))
    warehouse.do("DROP TABLE orders")
    assert not warehouse.load(loading([row(1)])).before
    assert len(warehouse.rows()) == 1


def test_no_rows_take_the_partition_away(warehouse):
    warehouse.load(loading([row(1), row(2)]))
    assert warehouse.load(loading([])).removed == 2
    assert warehouse.rows() == []


def test_rows_are_appended_once(warehouse):
    assert warehouse.load(loading([row(1)], mode="append")).inserted == 1
    assert warehouse.load(loading([row(2)], OTHER, mode="append")).inserted == 1
    assert warehouse.load(loading([row(1)], mode="append")).before
    assert named(warehouse.rows()) == [(1, "x"), (2, "x")]


def test_other_rows_are_not_appended_unless_they_may_replace(warehouse):
    warehouse.load(loading([row(1), row(2)], mode="append"))
    other = loading([row(1), row(3)], mode="append")
    with pytest.raises(ContractBroken) as told:
        warehouse.load(other)
    assert "Other rows of shop/orders 2024-01-01 were appended to " in str(told.value)
    assert "2 are not in both" in str(told.value)
    assert "levada load --replace" in str(told.value)
    assert named(warehouse.rows()) == [(1, "x"), (2, "x")]
    assert warehouse.load(other, again=True).removed == 2
    assert named(warehouse.rows()) == [(1, "x"), (3, "x")]


def test_the_same_rows_by_another_way_are_no_others(warehouse):
    warehouse.load(loading([row(1), row(2)], mode="append", content="one contract"))
    receipt = warehouse.load(loading([row(2), row(1)], mode="append", content="another contract"))
    assert (receipt.before, receipt.inserted) == (False, 0)
    assert warehouse.load(loading([], mode="append", content="another contract")).before
    assert len(warehouse.rows()) == 2


def test_rows_are_merged_by_key(warehouse):
    assert warehouse.load(loading([row(1, "a"), row(2, "b"), row(3, "c")], **MERGE)).inserted == 3
    receipt = warehouse.load(loading([row(1, "a"), row(2, "B"), row(4, "d")], **MERGE))
    assert (receipt.inserted, receipt.updated, receipt.unchanged, receipt.left_behind) == (1, 1, 1, 1)
    assert named(warehouse.rows()) == [(1, "a"), (2, "B"), (3, "c"), (4, "d")]


def test_the_row_that_comes_last_stands_unless_one_is_newer(warehouse):
    warehouse.load(loading([row(1, "first", 2), row(1, "last", 1)], **MERGE))
    assert named(warehouse.rows()) == [(1, "last")]
    newest = {**MERGE, "newest_by": "at", "table": "newest"}
    receipt = warehouse.load(loading([row(1, "new", 2), row(1, "old", 1)], **newest))
    assert (receipt.rows, receipt.inserted, receipt.unchanged) == (2, 1, 1)
    late = warehouse.load(loading([row(1, "older", 1)], OTHER, **newest))
    assert (late.updated, late.unchanged) == (0, 1)
    assert named(warehouse.rows("newest")) == [(1, "new")]
    assert warehouse.load(loading([row(1, "newer", 3)], OTHER, **newest)).updated == 1
    assert warehouse.rows("newest") == [(1, "newer", instant(3), OTHER)]


def test_a_merged_row_that_has_no_time_gives_way(warehouse):
    newest = {**MERGE, "newest_by": "at"}
    warehouse.load(loading([{**row(1, "timeless"), "at": None}], **newest))
    assert warehouse.load(loading([row(1, "timed", 1)], OTHER, **newest)).updated == 1
    assert named(warehouse.rows()) == [(1, "timed")]


def test_all_rows_are_replaced(warehouse):
    warehouse.load(loading([row(1), row(2)], mode="replace"))
    assert warehouse.load(loading([row(3)], OTHER, mode="replace")).removed == 2
    assert named(warehouse.rows()) == [(3, "x")]
    # The first partition is loaded anew: the table holds it no more.
    assert warehouse.load(loading([row(1), row(2)], mode="replace")).inserted == 2
    assert named(warehouse.rows()) == [(1, "x"), (2, "x")]


def test_rows_found_by_their_own_time(warehouse):
    def day(number, rows):
        span = Between("at", instant(number).isoformat(), instant(number + 1).isoformat())
        return loading(rows, f"2024-01-0{number}", marked=span)

    warehouse.load(day(1, [row(1, "a", 1), row(2, "b", 1)]))
    warehouse.load(day(2, [row(3, "c", 2)]))
    assert warehouse.load(day(1, [row(1, "A", 1)])).removed == 2
    assert warehouse.rows(order="1") == [(1, "A", instant(1)), (3, "c", instant(2))]
    with pytest.raises(ContractBroken) as told:
        warehouse.load(day(1, [row(1, "a", 1), row(9, "late", 2)]))
    assert "1 rows of shop/orders 2024-01-01 lie outside of the partition by at" in str(told.value)
    assert len(warehouse.rows(order="1")) == 2


def test_a_commit_that_another_one_replaced_is_not_loaded(warehouse):
    warehouse.load(loading([row(1)]))
    with pytest.raises(Lost) as told:
        warehouse.load(loading([row(2)]), stands=lambda: False)
    assert "another run committed shop/orders 2024-01-01 in the meantime" in str(told.value)
    assert named(warehouse.rows()) == [(1, "x")]


def test_what_the_source_of_the_rows_says_is_told(warehouse):
    def torn():
        yield from loading([row(1)]).batches()
        raise FixThis("the file is torn")

    with pytest.raises(FixThis, match="the file is torn"):
        warehouse.load(loading([]), batches=torn)
    warehouse.load(loading([row(2)]))
    assert named(warehouse.rows()) == [(2, "x")]


_CITY = (Column("city", "string", nullable=True), Column("on", "date", nullable=True))
_SUM = Column("", "decimal", nullable=False, precision=5, scale=2)
_MONEY = "1234567890123456789012345678.1234567890"
EVERY = (
    (Column("text", "string", nullable=True), "a 'quoted' \"text\"; é\n\\"),
    (Column("small", "int32", nullable=True), -(2**31)),
    (Column("big", "int64", nullable=True), 2**63 - 1),
    (Column("real", "float64", nullable=True), 1e300),
    (Column("money", "decimal", nullable=True, precision=38, scale=10), Decimal(_MONEY)),
    (Column("yes", "boolean", nullable=True), True),
    (Column("day", "date", nullable=True), date(9999, 12, 31)),
    (Column("moment", "timestamp", nullable=True), datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    (Column("clock", "time", nullable=True), time(23, 59, 59, 999999)),
    (Column("bytes", "binary", nullable=True), b"\x00\xff"),
    (Column("one", "uuid", nullable=True), uuid.UUID(int=7)),
    (Column("doc", "json", nullable=True), '{"a": [1, null, "x"]}'),
    (Column("words", "list", nullable=True, item=Column("", "string", nullable=True)), ["a,b", 'c"', None]),
    (Column("sums", "list", nullable=True, item=_SUM), [Decimal("1.10")]),
    (Column("place", "struct", nullable=True, parts=_CITY), {"city": "x", "on": date(2024, 1, 1)}),
)


def test_every_type_comes_back_as_it_was(warehouse):
    columns = tuple(column for column, _ in EVERY)
    full = {column.name: value for column, value in EVERY}
    held = {**full, "one": str(full["one"]), "clock": full["clock"].isoformat()}  # as staged files have them
    none = dict.fromkeys(held)
    warehouse.load(loading([held, none], columns=columns))
    nested = "CAST(place AS VARCHAR)" if warehouse.kind == "postgres" else "to_json(place)"
    [found, empty] = warehouse.ask(
        "SELECT text, small, big, real, CAST(money AS VARCHAR) AS money, yes, day, moment, clock, bytes, "
        "CAST(one AS VARCHAR) AS one, CAST(doc AS VARCHAR) AS doc, words, CAST(sums AS VARCHAR) AS sums, "
        f"CAST({nested} AS VARCHAR) AS place FROM orders ORDER BY text NULLS LAST"
    )
    assert {*empty.values()} == {None}
    plain = ("text", "small", "big", "real", "yes", "day", "moment", "clock", "bytes", "words")
    assert {name: found[name] for name in plain} == {name: full[name] for name in plain}
    assert found["money"] == _MONEY
    assert found["one"] == str(full["one"])
    assert found["doc"].replace(" ", "") == '{"a":[1,null,"x"]}'
    assert found["sums"] in ("{1.10}", "[1.10]")
    assert found["place"].replace(" ", "") in ('{"city":"x","on":"2024-01-01"}', '{"on":"2024-01-01","city":"x"}')


def test_names_are_quoted(warehouse):
    columns = (Column('sel"ect', "int64", nullable=False), Column("Group", "string", nullable=True))
    odd = {"columns": columns, "table": 'the "Order"', "schema": "My Schema"}
    for mode in ("replace_partition", "replace", "append"):
        one = loading([{'sel"ect': 1, "Group": mode}], "it's", mode=mode, **odd)
        warehouse.load(one, again=True)
    merging = {**odd, "table": "merged.dots", "mode": "merge", "key": ('sel"ect',), "newest_by": "Group"}
    warehouse.load(loading([{'sel"ect': 1, "Group": "b"}], **merging))
    assert warehouse.load(loading([{'sel"ect': 1, "Group": "c"}], **merging)).updated == 1
    assert warehouse.rows('"My Schema"."the ""Order"""', "1") == [(1, "append", "it's")]
    assert warehouse.rows('"My Schema"."merged.dots"', "1") == [(1, "c", "2024-01-01")]


def test_columns_are_described(warehouse):
    said = (
        "SELECT comment FROM duckdb_columns() WHERE column_name = 'id' AND table_name = 'orders'"
        if warehouse.kind == "duckdb"
        else "SELECT col_description('orders'::regclass, 1) AS comment"
    )
    warehouse.load(loading([row(1)]))
    assert warehouse.ask(said) == [{"comment": "It's the number of the order"}]
    changed = (COLUMNS[0]._replace(description="other words"), *COLUMNS[1:])
    warehouse.load(loading([row(1)], content="2", columns=changed))
    assert warehouse.ask(said) == [{"comment": "other words"}]


def test_a_column_that_may_be_null_is_added(warehouse):
    warehouse.load(loading([row(1)]))
    more = (*COLUMNS, Column("note", "string", nullable=True))
    warehouse.load(loading([{**row(2), "note": "n"}], OTHER, columns=more))
    found = warehouse.ask("SELECT id, note FROM orders ORDER BY id")
    assert found == [{"id": 1, "note": None}, {"id": 2, "note": "n"}]


def test_a_column_that_must_not_be_null_is_not_added_to_rows_without_it(warehouse):
    warehouse.load(loading([row(1)]))
    more = (*COLUMNS, Column("note", "string", nullable=False))
    with pytest.raises(FixThis) as told:
        warehouse.load(loading([{**row(2), "note": "n"}], OTHER, columns=more))
    assert "note is new and not nullable" in str(told.value)
    assert len(warehouse.rows()) == 1


def test_all_differences_are_told_and_nothing_is_changed(warehouse):
    warehouse.do(
        'CREATE TABLE orders (id varchar(10), name integer NOT NULL, "at" timestamp with time zone,'
        " own integer NOT NULL, fine integer DEFAULT 1)"
    )
    with pytest.raises(FixThis) as told:
        warehouse.prepare(loading([row(1)]))
    said = str(told.value)
    assert "id is " in said
    assert "and the contract gives " in said
    assert "name is " in said
    assert "own is NOT NULL without a default, and the contract has no such field" in said
    assert "fine" not in said
    assert "nothing that a table has" in said
    with pytest.raises(FixThis):
        warehouse.load(loading([row(1)]))
    assert warehouse.rows(order="1") == []


def test_a_column_of_the_table_that_must_not_be_null_where_the_contract_lets_it(warehouse):
    warehouse.do('CREATE TABLE orders (id bigint, name varchar NOT NULL, "at" timestamp with time zone)')
    with pytest.raises(FixThis, match="name is NOT NULL, and the contract lets it be null"):
        warehouse.prepare(loading([row(1)]))


def test_a_table_of_somebody_takes_rows_beside_its_own(warehouse):
    warehouse.do(
        'CREATE TABLE orders ("at" timestamp with time zone, id bigint, name varchar, more integer DEFAULT 7)',
        "INSERT INTO orders (id, name) VALUES (0, 'own')",
    )
    warehouse.load(loading([row(1)]))
    warehouse.load(loading([row(2)], content="2"))
    found = warehouse.ask("SELECT id, name, more, _levada_partition FROM orders ORDER BY id")
    assert found == [
        {"id": 0, "name": "own", "more": 7, "_levada_partition": None},
        {"id": 2, "name": "x", "more": 7, "_levada_partition": "2024-01-01"},
    ]


def test_a_table_of_another_stream_is_refused(warehouse):
    warehouse.load(loading([row(1)]))
    with pytest.raises(FixThis) as told:
        warehouse.load(loading([row(1)]), stream="returns")
    assert "takes the rows of shop/orders, which is another stream than shop/returns" in str(told.value)
    assert "name another table" in str(told.value)


def test_what_the_table_itself_refuses_is_told_and_undone(warehouse):
    warehouse.do('CREATE TABLE orders (id bigint CHECK (id < 10), name varchar, "at" timestamp with time zone)')
    warehouse.load(loading([row(1)]))
    with pytest.raises(FixThis) as told:
        warehouse.load(loading([row(2), row(11)], content="2"))
    assert "refused it" in str(told.value)
    assert "mend the table, or the contract" in str(told.value)
    assert named(warehouse.ask("SELECT id, name FROM orders") and warehouse.rows()) == [(1, "x")]


def test_many_batches_come_in_order(warehouse):
    rows = [row(number, f"name {number}") for number in range(10_000)]
    assert warehouse.load(loading(rows, size=777)).inserted == 10_000
    [found] = warehouse.ask("SELECT count(*) AS n, sum(id) AS total, count(DISTINCT name) AS names FROM orders")
    assert (found["n"], int(found["total"]), found["names"]) == (10_000, sum(range(10_000)), 10_000)
