"""A DuckDB file that takes a load: readers, writers of other processes, what a killed one left, no database at all."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from levada.errors import FixThis, TryLater
from levada.loads import duckdb as loads
from warehouse import Warehouse, loading, row

WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE own AS SELECT 7 AS seven")
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place(tmp_path):
    return Warehouse("duckdb", str(tmp_path / "deep" / "down" / "w.duckdb"))


def writer(place):
    """Another process that has the file open to write."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", WRITER, place.where], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_who_reads_sees_the_old_rows_to_the_end_and_who_comes_later_the_new_ones(place):
    place.load(loading([row(1)]))
    with duckdb.connect(place.where, read_only=True) as reader:
        assert reader.sql("SELECT count(*) FROM orders").fetchall() == [(1,)]
        # Of another process, as DuckDB has one instance of a file in a process.
        code = (
            "import sys; sys.path.insert(0, sys.argv[2]); from warehouse import *\n"
            "Warehouse('duckdb', sys.argv[1]).load(loading([row(1), row(2)]))"
        )
        subprocess.run([sys.executable, "-c", code, place.where, str(Path(__file__).parents[1])], check=True)
        assert reader.sql("SELECT count(*) FROM orders").fetchall() == [(1,)]
    assert len(place.rows()) == 2


def test_a_program_that_has_the_file_open_to_write_is_waited_for_by_another_time(place):
    place.load(loading([row(1)]))
    with writer(place) as process:
        with pytest.raises(TryLater) as told:
            place.load(loading([row(2)]))
        assert "The DuckDB file is not to be had" in str(told.value)
        assert "close it elsewhere, and run again" in str(told.value)
        process.communicate("\n")
    assert place.load(loading([row(2)])).inserted == 1
    assert place.ask("SELECT seven FROM own") == [{"seven": 7}]


def test_what_a_killed_program_had_written_is_kept(place):
    place.load(loading([row(1)]))
    with writer(place) as process:
        process.kill()
    assert Path(f"{place.where}.wal").stat().st_size
    place.load(loading([row(2)]))
    assert place.ask("SELECT seven FROM own") == [{"seven": 7}]
    assert [found[0] for found in place.rows()] == [2]
    assert sorted(path.name for path in Path(place.where).parent.iterdir()) == [".w.duckdb.lock", "w.duckdb"]


def test_a_file_that_is_no_database_is_left_as_it_is(place):
    path = Path(place.where)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hello" * 2000)
    with pytest.raises(FixThis) as told:
        place.load(loading([row(1)]))
    assert "The file is no DuckDB database" in str(told.value)
    assert place.where in str(told.value)
    assert path.read_bytes() == b"hello" * 2000


def test_a_load_that_fails_leaves_no_copy_and_the_file_as_it_was(place):
    place.load(loading([row(1)]))
    before = Path(place.where).read_bytes()
    with pytest.raises(FixThis):
        place.load(loading([row(1)]), stream="returns")
    assert Path(place.where).read_bytes() == before
    assert sorted(path.name for path in Path(place.where).parent.iterdir()) == [".w.duckdb.lock", "w.duckdb"]


def test_a_load_that_waits_too_long_for_others_is_told(place):
    place.load(loading([row(1)]))
    inside, leave = threading.Event(), threading.Event()

    def slow():
        inside.set()
        leave.wait()
        yield from loading([row(2)]).batches()

    other = threading.Thread(target=lambda: place.load(loading([row(2)]), batches=slow))
    other.start()
    assert inside.wait(60)
    turns = []
    with pytest.raises(TryLater) as told:
        loads.load(Path(place.where), loading([row(3)]), turns.append)
    leave.set()
    other.join()
    assert "Other runs have been changing the DuckDB file all the time" in str(told.value)
    assert turns == list(range(1, 601))
    assert [found[0] for found in place.rows()] == [2]


def test_the_mode_of_the_file_stays(place):
    place.load(loading([row(1)]))
    Path(place.where).chmod(0o640)
    place.load(loading([row(2)]))
    assert Path(place.where).stat().st_mode & 0o777 == 0o640
