"""Questions of reports, asked of real databases: values are values, answers are plain, and nothing is written."""

import json
import os
import signal
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from threading import enumerate as enumerate_threads

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from levada import extras
from levada.db.postgres import connected
from levada.errors import FixThis, TryLater
from levada.nouns import plain
from levada.report import asking
from levada.report.asking import Question, Shown, of_duckdb, of_lake, of_postgres
from patience import as_soon_as, settles

AWAY = "postgresql://levada:hunter2secret@127.0.0.1:1/shop"
VALUES = {
    "date": date(2024, 1, 2),
    "start": datetime(2024, 1, 2, tzinfo=UTC),
    "end": datetime(2024, 1, 3, tzinfo=UTC),
    "partition": "2024-01-02",
    "pipeline": "shop",
    "least": 5,
    "share": 0.5,
    "on": True,
    "nothing": None,
    "name": "x'; DROP TABLE orders; --",
}


def opened(warehouse, zone="UTC"):
    if warehouse.kind == "duckdb":
        return of_duckdb(Path(warehouse.where), zone)
    return of_postgres(warehouse.where, zone)


def ask(warehouse, sql, zone="UTC", **values):
    question = Question("daily", sql, "shop.yaml:9:5")
    with opened(warehouse, zone) as asked:
        return asked(question, {**VALUES, **values})


@pytest.fixture
def orders(warehouse):
    """A database with a table of two orders."""
    warehouse.do("CREATE TABLE orders (id bigint, moment timestamptz)",
                 "INSERT INTO orders VALUES (1, '2024-01-02 23:30:00+00'), (2, '2024-01-03 00:30:00+00')")  # fmt: skip
    return warehouse


def refused(warehouse, sql, *said, **values):
    with pytest.raises(FixThis) as told:
        ask(warehouse, sql, **values)
    for text in ("Report daily", *said):
        assert text in str(told.value), str(told.value)


def test_parameters_have_the_types_of_their_values(orders):
    table = ask(orders, "SELECT $date AS day, $start AS start, $partition AS name, $least + 1 AS more,"
                        " $share AS share, $on AS yes, $nothing AS nothing, $date AS again")  # fmt: skip
    assert table.columns == ("day", "start", "name", "more", "share", "yes", "nothing", "again")
    day, start = VALUES["date"], VALUES["start"]
    assert [tuple(map(plainly, row)) for row in table.rows] == [(day, start, "2024-01-02", 6, 0.5, True, None, day)]


def plainly(value):
    return float(value) if isinstance(value, Decimal) else value


def test_moments_are_compared_as_moments(orders):
    assert ask(orders, "SELECT id FROM orders WHERE moment >= $start AND moment < $end").rows == ((1,),)


def test_days_of_moments_are_those_of_the_time_zone(orders):
    days = "SELECT CAST(moment AS date) AS day FROM orders ORDER BY moment"
    assert ask(orders, days).rows == ((date(2024, 1, 2),), (date(2024, 1, 3),))
    assert ask(orders, days, "Europe/Paris").rows == ((date(2024, 1, 3),), (date(2024, 1, 3),))
    # A moment itself is told in UTC wherever it was asked for.
    assert ask(orders, "SELECT min(moment) AS earliest FROM orders", "Asia/Tokyo").rows[0][0].isoformat() == (
        "2024-01-02T23:30:00+00:00"
    )


def test_a_text_cannot_become_sql(orders):
    assert ask(orders, "SELECT $name AS name, '$name' AS said").rows == ((VALUES["name"], "$name"),)
    assert ask(orders, "SELECT count(*) AS n FROM orders WHERE CAST(id AS text) = $name").rows == ((0,),)


def test_values_are_plain(orders):
    table = ask(orders, "SELECT CAST(1.50 AS numeric(9,2)) AS n, CAST('10:00' AS time) AS t,"
                           " CAST('2024-01-02 10:00' AS timestamp) AS bare, CAST('a' AS text) AS s,"
                        " CAST(1.5 AS real) AS r")  # fmt: skip
    assert table.rows == ((Decimal("1.50"), time(10), datetime(2024, 1, 2, 10), "a", 1.5),)  # noqa: DTZ001 - bare


def test_numbers_that_are_none_in_json_are_decimals(orders):
    [row] = ask(orders, "SELECT CAST('NaN' AS double precision) AS a, CAST('-Infinity' AS double precision) AS b").rows
    assert json.dumps(plain(row)) == '["NaN", "-Infinity"]'


def test_what_else_databases_know_becomes_text(postgres, tmp_path):
    with of_postgres(postgres.database(), "UTC") as asked:
        sql = """SELECT '{"a": 1}'::jsonb AS j, ARRAY[1, NULL] AS l, '\\x61ff'::bytea AS b,
            '932a09f1-cd24-40a7-8b87-416f111998d9'::uuid AS u, avg(x) AS mean, 'NaN'::numeric AS odd
            FROM generate_series(1, 2) x"""
        [row] = asked(Question("daily", sql, ""), {}).rows
    assert row[:5] == ('{"a": 1}', "[1, null]", "61ff", "932a09f1-cd24-40a7-8b87-416f111998d9", Decimal("1.5"))
    assert row[5].is_nan()
    import duckdb

    duckdb.connect(str(tmp_path / "d.duckdb")).close()
    with of_duckdb(tmp_path / "d.duckdb", "UTC") as asked:
        sql = """SELECT {'a': 1, 'at': DATE '2024-01-02'} AS s, [1.5, NULL] AS l, 'x'::BLOB AS b, sum(x) AS h
            FROM range(3) t(x)"""
        [row] = asked(Question("daily", sql, ""), {}).rows
    assert row == ('{"a": 1, "at": "2024-01-02"}', '["1.5", null]', "78", Decimal(3))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("inet", "'10.0.0.1'"),
        ("interval", "'1 day'"),
        ("timestamptz", "'infinity'"),
        ("money", "12.5"),
        ("oid", "4294967295"),
        ("bit(3)", "B'101'"),
    ],
)
def test_a_value_without_a_plain_form_is_to_be_cast(postgres, kind, value):
    with of_postgres(postgres.database(), "UTC") as asked, pytest.raises(FixThis) as told:
        asked(Question("daily", f"SELECT {value}::{kind} AS odd", "shop.yaml:9:5"), {})
    said = str(told.value)
    assert f'column "odd" holds what has no plain value here ({kind.partition("(")[0]})' in said
    assert "to do: give it as text: CAST(odd AS text) AS odd" in said


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("ARRAY[[1, 2], [3, 4]]", "an array of 2 dimensions"),
        ("ARRAY[1::money]", "(_money)"),
        ("ARRAY[interval '1 day']", "(_interval)"),
        ("ARRAY['12:00+02'::timetz]", "(_timetz)"),
        ("ROW(1, 'x')", "a value cannot be read"),
        ("CAST(NULL AS int[]) UNION ALL SELECT ARRAY[[$one]]", "an array of 2 dimensions"),
    ],
)
def test_what_the_driver_would_give_otherwise_is_refused(postgres, value, what):
    with of_postgres(postgres.database(), "UTC") as asked, pytest.raises(FixThis) as told:
        asked(Question("daily", f"SELECT {value} AS odd", "shop.yaml:9:5"), {"one": 1})
    assert what in str(told.value)
    assert "to do: give it as text: CAST(" in str(told.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("340282366920938463463374607431768211455::uhugeint", "UHUGEINT"),
        ("['101'::bit]", "BIT"),
        ("{'a': '12:00:00+02'::timetz}", "TIME WITH TIME ZONE"),
        ("interval 1 day", "month_day_nano_interval"),
    ],
)
def test_what_arrow_takes_for_another_type_is_refused(tmp_path, value, kind):
    with of_lake("lake", [], tmp_path, "UTC") as asked, pytest.raises(FixThis, match=rf"plain value here \({kind}\)"):
        asked(Question("daily", f"SELECT {value} AS odd", ""), {})


def test_names_of_fields_are_no_types(tmp_path):
    with of_lake("lake", [], tmp_path, "UTC") as asked:
        sql = """SELECT {'BIT': 1, 'TIME WITH TIME ZONE': 2} AS s, 'BIT'::ENUM('BIT') AS e"""
        assert asked(Question("daily", sql, ""), {}).rows == (('{"BIT": 1, "TIME WITH TIME ZONE": 2}', "BIT"),)


def test_a_pivot_whose_columns_are_not_known_is_told(tmp_path):
    rows = "(SELECT 'a' AS cat, 1 AS n)"
    with of_lake("lake", [], tmp_path, "UTC") as asked:
        assert asked(Question("daily", f"PIVOT {rows} ON cat IN ('a') USING sum(n)", ""), {}).columns == ("a",)
        with pytest.raises(FixThis, match="it is a PIVOT whose columns") as told:
            asked(Question("daily", f"PIVOT {rows} ON cat USING sum(n)", ""), {})
    assert "to do: name them: PIVOT ... ON column IN ('a', 'b')" in str(told.value)


def test_no_variable_of_the_program_is_a_table(tmp_path):
    import duckdb

    duckdb.connect(str(tmp_path / "d.duckdb")).close()
    for opening in (of_lake("lake", [], tmp_path, "UTC"), of_duckdb(tmp_path / "d.duckdb", "UTC")):
        with opening as asked, pytest.raises(FixThis, match="Table with name sql does not exist"):
            asked(Question("daily", "SELECT * FROM sql", ""), {})


def asking_aside():
    return any(one.name == "levada-listening" for one in enumerate_threads())


def test_ctrl_c_breaks_a_question_off(orders):
    rows = "generate_series(1, 100000000000)" if orders.kind == "postgres" else "range(100000000000)"
    question = Question("daily", f"SELECT count(*) AS n FROM {rows} AS t(x) WHERE x % 7 = 8", "")
    with opened(orders) as asked:
        as_soon_as(asking_aside, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            asked(question, {})
        assert asked(Question("daily", "SELECT 1 AS n", ""), {}).rows == ((1,),)
    assert settles(lambda: not asking_aside())


def test_ctrl_c_breaks_a_load_off(postgres):
    with connected(postgres.database()) as database:
        as_soon_as(asking_aside, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            database.ask("SELECT count(*) AS n FROM generate_series(1, 100000000000)")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "-- SELECT\rCOPY (SELECT 1) TO PROGRAM 'true' --\nSELECT 1",
        "SELECT 1) TO PROGRAM 'true' --",
        "SET TRANSACTION READ WRITE",
        "COMMIT",
        "LISTEN a",
    ],
)
def test_what_is_no_query_is_refused_before_it_is_done(postgres, sql):
    refused_here = "and reports only read|syntax error"
    with of_postgres(postgres.database(), "UTC") as asked, pytest.raises(FixThis, match=refused_here):
        asked(Question("daily", sql, ""), {})


@pytest.mark.parametrize(
    "sql", ["SELECT 1 AS n -- note", "SELECT 1 AS n; -- note", "SELECT $least AS n;\n-- note\n", "(SELECT 1 AS n);;"]
)
def test_what_stands_after_a_question_does_no_harm(orders, sql):
    assert ask(orders, sql, least=1).rows == ((1,),)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (3, now())",
        "DELETE FROM orders",
        "CREATE TABLE other AS SELECT 1 AS a",
        "DROP TABLE orders",
        "SELECT 1; DROP TABLE orders",
        "COMMIT; DROP TABLE orders",
        "SELECT 1 AS a; SELECT 2 AS b",
    ],
)
def test_a_report_that_writes_is_refused(orders, sql):
    refused(orders, sql)
    assert orders.ask("SELECT count(*) AS n FROM orders") == [{"n": 2}]


def test_writing_is_told_as_such(orders):
    refused(orders, "INSERT INTO orders VALUES (3, now())", "it is INSERT, and reports only read",
            "to do: ask by SELECT", "where: shop.yaml:9:5")  # fmt: skip
    refused(orders, "SELECT 1; SELECT 2", "more than one statement")
    refused(orders, "-- nothing", "it asks nothing")


def test_postgres_refuses_to_write_in_a_query(postgres):
    url = postgres.database()
    sql = "WITH gone AS (DELETE FROM pg_class RETURNING oid) SELECT count(*) AS n FROM gone"
    with of_postgres(url, "UTC") as asked, pytest.raises(FixThis, match="it would write, and reports only read"):
        asked(Question("daily", sql, ""), {})
    sql = "SELECT lo_create(0) AS n"
    with of_postgres(url, "UTC") as asked, pytest.raises(FixThis, match="in a read-only transaction"):
        asked(Question("daily", sql, ""), {})


def test_an_error_names_the_report_and_the_line(orders):
    refused(orders, "SELECT id\nFROM orders\nWHERE nope = $date", "nope", "where: shop.yaml:9:5, line 3 of its SQL",
            "to do: mend its SQL")  # fmt: skip
    with opened(orders) as asked, pytest.raises(FixThis) as told:
        asked(Question("daily", "SELECT\n  id FRO orders x y", "reports/daily.sql", in_file=True), VALUES)
    assert "where: reports/daily.sql:2" in str(told.value)


def test_a_parameter_without_a_value_is_told(orders):
    refused(orders, "SELECT $dat AS day", "asks with $dat, which has no value here", "did you mean $date?")
    refused(orders, "SELECT $1 AS day", "$1", "known here: $date, $start, $end")


def test_what_goes_wrong_while_rows_come_is_told(orders):
    refused(orders, "SELECT CAST('x' || id AS integer) AS n FROM orders", "x1", "to do: mend its SQL")


def test_a_server_that_cancels_a_question_is_for_later(postgres):
    with of_postgres(f"{postgres.database()}%20-cstatement_timeout%3D50", "UTC") as asked:
        with pytest.raises(TryLater, match="The database broke off: canceling statement"):
            asked(Question("daily", "SELECT count(*) AS n FROM generate_series(1, 100000000)", ""), {})
        assert asked(Question("daily", "SELECT 1 AS n", ""), {}).rows == ((1,),)


def test_two_columns_of_one_name_are_refused(orders):
    refused(orders, "SELECT 1 AS a, 2 AS a", "two columns are called a", "to do: name one otherwise: ... AS a_2")


def test_no_rows_are_an_answer(orders):
    assert ask(orders, "SELECT id FROM orders WHERE id > 9").rows == ()


def test_rows_have_a_bound(orders, monkeypatch):
    monkeypatch.setattr(asking, "MOST_ROWS", 1)
    refused(orders, "SELECT id FROM orders", "it gives more than 1 rows", "let it count or sum, or add LIMIT")
    assert len(ask(orders, "SELECT id FROM orders LIMIT 1").rows) == 1


def test_a_question_after_a_wrong_one_is_answered(orders):
    with opened(orders) as asked:
        with pytest.raises(FixThis):
            asked(Question("daily", "SELECT nope FROM orders", ""), {})
        assert asked(Question("daily", "SELECT count(*) AS n FROM orders", ""), {}).rows == ((2,),)


def test_a_database_that_is_away_is_for_later():
    with pytest.raises(TryLater) as told, of_postgres(AWAY, "UTC"):
        pass
    assert "could not be reached" in str(told.value)
    assert "hunter2secret" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FixThis) as told, of_duckdb(tmp_path / "none.duckdb", "UTC"):
        pass
    assert "There is no DuckDB file to ask" in str(told.value)
    assert "load something first" in str(told.value)


def test_a_duckdb_file_is_not_written(tmp_path):
    import duckdb

    path = tmp_path / "d.duckdb"
    duckdb.connect(str(path)).close()
    before = path.read_bytes()
    with of_duckdb(path, "UTC") as asked, pytest.raises(FixThis, match="it is COPY"):
        asked(Question("daily", f"COPY (SELECT 1) TO '{tmp_path / 'x.csv'}'", ""), {})
    assert path.read_bytes() == before
    assert not (tmp_path / "x.csv").exists()


def shown(tmp_path, **files):
    made = []
    for day, table in files.items():
        path = tmp_path / f"it's {day}.parquet"
        pq.write_table(pa.table(table), path)
        made.append((path, day))
    return Shown("Sales", made, pa.table({"price": pa.array([], pa.int64())}))


def test_a_stream_of_the_lake_is_a_table(tmp_path):
    sales = shown(tmp_path, a={"price": [1, 2]}, b={"price": [3], "note": ["x"]})
    with of_lake("lake", [sales], tmp_path, "UTC") as asked:
        table = asked(Question("daily", "SELECT * FROM sales ORDER BY price", ""), {})
        assert table.columns == ("price", "note", "_levada_partition")
        assert table.rows == ((1, None, "a"), (2, None, "a"), (3, "x", "b"))
        only = asked(Question("daily", "SELECT sum(price) AS s FROM sales WHERE _levada_partition = $partition", ""),
                     {"partition": "a"})  # fmt: skip
        assert only.rows == ((Decimal(3),),)


def test_a_stream_without_rows_is_a_table_too(tmp_path):
    with of_lake("lake", [shown(tmp_path)], tmp_path, "UTC") as asked:
        assert asked(Question("daily", "SELECT count(price) AS n FROM Sales", ""), {}).rows == ((0,),)


def test_nothing_but_the_streams_can_be_read(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    (tmp_path / "aside").mkdir()
    sales = shown(tmp_path, a={"price": [1]})
    with of_lake("lake", [sales], tmp_path / "aside", "UTC") as asked:
        for sql in (f"SELECT * FROM read_csv('{secret}')", f"SELECT * FROM '{secret}'"):
            with pytest.raises(FixThis, match="file system operations are disabled"):
                asked(Question("daily", sql, ""), {})


def test_the_questions_of_the_page_are_answered_by_both_databases(orders):
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
    first, second = (page.split("sql: |\n")[1].split("csv:")[0], page.split("```sql\n")[1].split("```")[0])
    orders.do("CREATE TABLE attempts (is_correct boolean, user_id text, created_at timestamptz)",
              "INSERT INTO attempts VALUES (true, 'a', '2024-01-02 10:00:00+00')",
              "INSERT INTO attempts VALUES (false, 'b', '2024-01-02 11:00:00+00')",
              "INSERT INTO attempts VALUES (NULL, 'a', '2024-01-02 23:30:00+00')")  # fmt: skip
    assert ask(orders, first).rows == ((VALUES["date"], 3, 1, 2),)
    start = datetime(2024, 1, 2, 18, tzinfo=UTC)
    assert ask(orders, second, start=start).rows == ((VALUES["date"], 3),)
    # At that moment the next day has begun in Tokyo, and all but the last attempt were on the day before.
    assert ask(orders, second, "Asia/Tokyo", start=start).rows == ((date(2024, 1, 3), 1),)
    assert ask(orders, "SELECT $date + 1 AS next").rows == ((date(2024, 1, 3),),)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda _: of_postgres(AWAY, "UTC"), "Reports from PostgreSQL need adbc_driver_postgresql, pyarrow"),
        (lambda folder: of_duckdb(folder / "d.duckdb", "UTC"), "Reports from DuckDB need duckdb, pyarrow"),
        (lambda folder: of_lake("lake", [], folder, "UTC"), "Reports from the lake need duckdb, pyarrow"),
    ],
)
def test_a_library_that_is_missing_is_told(tmp_path, monkeypatch, made, said):
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(FixThis) as told, made(tmp_path):
        pass
    assert said in str(told.value)
    assert "pip install 'levada[" in str(told.value)
