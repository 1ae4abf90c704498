"""API -> a table: Levada with its checks, files, commit and ledger, against a script by hand and, where it is, dlt.

    python bench/load.py [--rows N] [--dlt PYTHON] [--url URL]

500 pages of 1,000 rows with ten fields. Prints whole-process seconds, peak memory and ratios of the same sitting: the
median of three, in turn, dlt once (it takes a minute). Asserts the rows and sums of each table. The server is the one
of the tests (LEVADA_TEST_POSTGRES names another); TMPDIR=/dev/shm keeps the disk out of it. `--url` is another server
of the same pages.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import duckdb
from adbc_driver_postgresql import dbapi
from channel import timed
from pages import serving

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))
from postgres import postgres_server  # noqa: E402 - after its folder is known

TURNS = 3
SPEC = """pipeline: bench
source:
  url: "${API}"
  limits: {concurrency: 8}
streams:
  orders:
    request: {path: /PATH}
    records: $.data
    paging: {by: page, total_pages: $.total_pages}
    contract:
      fields:
        id: int64
        client: string
        purchase_date: date
        product: string
        price: float64
        ean: int64
        store: int32
        card: {type: string, nullable: true}
        dateTime: {type: timestamp, timezone: UTC}
        position: {type: struct, fields: {lat: float64, lon: float64, city: string}}
    load: LOAD
"""
#: What a table must give, in the order of `told`.
SUMS = "SELECT count(*), CAST(sum(id) AS bigint), CAST(sum(ean) AS varchar) FROM {}"


def asked(database: str, table: str) -> tuple[object, ...]:
    """Rows and sums of a table."""
    if not database.startswith("postgresql"):
        with duckdb.connect(database, read_only=True) as file:
            return file.sql(SUMS.format(table)).fetchall()[0]
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(SUMS.format(table))
        return tuple(cursor.fetchall()[0])


def levada(url: str, path: str, load: str, folder: Path, database: str) -> tuple[float, int]:
    """Seconds and peak MB of one run into an empty lake."""
    spec = folder / "bench.yaml"
    spec.write_text(SPEC.replace("LOAD", load).replace("PATH", path))
    command = [sys.executable, "-m", "levada", "run", spec, "--date", "2022-08-09", "--lake", folder / "lake"]
    return timed(command, {"API": url, "DATABASE": database})


def turn(url: str, path: str, database: str, peer: str | None) -> dict[str, tuple[float, int]]:
    """Each way once, all into tables that are not there yet."""
    found = {}
    with dbapi.connect(database, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS orders, _levada_loads, by_hand")
        cursor.execute("DROP SCHEMA IF EXISTS bench CASCADE")
    folder = Path(tempfile.mkdtemp())
    file = str(folder / "orders.duckdb")
    found["levada"] = levada(url, path, '{postgres: "${DATABASE}"}', folder, database)
    expected = asked(database, "orders")
    shutil.rmtree(folder / "lake")
    found["levada, DuckDB"] = levada(url, path, f"{{duckdb: {file}}}", folder, "")
    assert asked(file, "orders") == expected
    found["by hand"] = timed([sys.executable, HERE / "load_by_hand.py", f"{url}/{path}", database], {})
    assert asked(database, "by_hand") == expected
    if peer:
        found["dlt"] = timed([peer, HERE / "peer_dlt.py", url, folder / "dlt", path, database], {})
        assert asked(database, "bench.sales") == expected
    shutil.rmtree(folder)
    return found


def main() -> None:
    """Start the servers, measure, print."""
    given = argparse.ArgumentParser()
    given.add_argument("--rows", type=int, default=500_000)
    given.add_argument("--dlt", metavar="PYTHON", help="a Python that has dlt[postgres]")
    given.add_argument("--url", help="of another server with such pages, their path in it")
    options = given.parse_args()
    with (
        postgres_server() as server,
        nullcontext(options.url) if options.url else serving(options.rows, 1000, 0) as serves,
    ):
        url, path = serves.rsplit("/", 1) if options.url else (serves, "orders")
        turns = [turn(url, path, server.url(), options.dlt if not each else None) for each in range(TURNS)]
        [(rows,)] = [asked(server.url(), "orders")[:1]]
    seconds = {way: statistics.median(each[way][0] for each in turns if way in each) for way in turns[0]}
    print(f"{rows} rows of 10 fields, median of {TURNS}; {os.cpu_count()} processors")
    for way, found in seconds.items():
        peak = max(each[way][1] for each in turns if way in each)
        ratio = "" if way == "levada" else f"   {way} / levada {found / seconds['levada']:.2f}"
        print(f"  {way:15} {found:6.2f} s  {int(str(rows)) / found:9,.0f} rows/s  peak {peak:4} MB{ratio}")


if __name__ == "__main__":
    main()
