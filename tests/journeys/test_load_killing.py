"""Loads that are killed, cut off by their server, or there at once: in the end the rows of one undisturbed load each.

The suite tries a sample of the moments; LEVADA_WHOLE_MATRIX=1 has all of them tried.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from levada.db.postgres import Database
from levada.errors import TryLater
from postgres import own_postgres
from warehouse import Warehouse, loading, row

SCRIPT = Path(__file__).parent / "loadkills.py"
MODES = {
    "replace_partition": {},
    "append": {"mode": "append"},
    "merge": {"mode": "merge", "key": ("id",), "newest_by": "at"},
    "replace": {"mode": "replace"},
}
WHOLE = os.environ.get("LEVADA_WHOLE_MATRIX") == "1"
pytestmark = pytest.mark.timeout(3600 if WHOLE else 600)


@pytest.fixture
def memory():
    """A folder in memory where there is one: what is killed is a process, not the machine."""
    shared = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="levada-", dir=shared if shared.is_dir() else None))
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_a_load_that_is_killed_and_done_again_leaves_the_rows_of_one(kind, memory, request):
    where = (
        str(memory) if kind == "duckdb" else f"{request.getfixturevalue('postgres').url()}?options=-csearch_path%3D{{}}"
    )
    variables = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1]), "PYTHONWARNINGS": ""}
    command = [sys.executable, SCRIPT, kind, where, "1" if WHOLE else "23"]
    ended = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    print(ended.stdout)
    told = json.loads(ended.stdout)
    assert {*told} == {"replace_partition", "append", "merge", "replace"}
    assert all(killed > (50 if WHOLE else 1) for killed in told.values()), told


def test_a_server_that_stops_within_a_load_leaves_nothing_and_takes_it_later():
    with own_postgres() as server:
        place = Warehouse("postgres", server.database())
        place.load(loading([row(1), row(2)]))
        coming = loading([row(number) for number in range(3, 5000)])

        def stopping():
            for number, batch in enumerate(coming.batches()):
                if number == 3:
                    server.stop("immediate")
                yield batch

        with pytest.raises(TryLater) as told:
            place.load(coming, batches=stopping)
        assert "The database broke off" in str(told.value)
        with pytest.raises(TryLater, match="The database could not be reached"):
            place.load(coming)
        server.start()
        assert [found[0] for found in place.rows()] == [1, 2]
        assert place.load(coming).inserted == 4997
        assert place.load(coming).before
        assert [found[0] for found in place.rows()] == list(range(3, 5000))


@contextmanager
def stopping_at(server, at):
    """The server stops, as if its power went, before the step `at` of what is done to a database inside."""
    steps = count(1)

    def tick():
        if next(steps) == at:
            server.stop("immediate")

    def counted(act):
        return lambda *given: (tick(), act(*given))[1]

    whole = Database.transaction

    @contextmanager
    def transaction(self):
        with whole(self):
            yield
            tick()  # before the commit

    with pytest.MonkeyPatch.context() as patch:
        for name in ("run", "ask", "take"):
            patch.setattr(Database, name, counted(getattr(Database, name)))
        patch.setattr(Database, "transaction", transaction)
        yield steps


def stopped(server, mode, at):
    """Whether a load was broken off by the stop at this step, and done by the same load again."""
    place = Warehouse("postgres", server.database())
    place.load(loading([row(8000)], "2024-01-05", **MODES[mode]))
    if mode != "append":
        place.load(loading([row(1), row(2), row(3)], **MODES[mode]))
    coming = loading([row(1, "changed"), *(row(number) for number in range(4, 1500))], **MODES[mode])
    with stopping_at(server, at) as steps, suppress(TryLater):
        place.load(coming)
    if next(steps) <= at:
        return False
    server.start()
    place.load(coming)
    assert place.load(coming).before
    keys = {found[0] for found in place.rows()}
    assert keys - {8000} == {1, *range(4, 1500), *({2, 3} if mode == "merge" else set())}
    assert (8000 in keys) == (mode != "replace")
    assert len(place.rows()) == len(keys)
    return True


def test_a_server_that_stops_at_any_step_takes_the_load_later():
    with own_postgres() as server:
        tried = 0
        for mode in MODES:
            for at in count(1) if WHOLE else (7 + len(mode) % 10,):  # elsewhere in each mode
                if not stopped(server, mode, at):
                    break
                tried += 1
        print(f"stopped at {tried} moments")
        assert tried > (60 if WHOLE else 2)


def test_ten_loads_at_once_of_partitions_of_one_table(warehouse):
    def one(number: int) -> int:
        rows = [row(number * 1000 + each) for each in range(500)]
        return warehouse.load(loading(rows, f"2024-02-{number:02}")).inserted

    assert at_once([lambda number=number: one(number) for number in range(1, 11)]) == [500] * 10
    found = warehouse.ask("SELECT _levada_partition AS p, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1")
    assert [(each["p"], each["n"]) for each in found] == [(f"2024-02-{number:02}", 500) for number in range(1, 11)]


def test_loads_at_once_of_one_partition_come_one_after_the_other(warehouse):
    def one(content: str):
        return warehouse.load(loading([row(number, content) for number in range(300)], content=content))

    same = at_once([lambda: one("a")] * 2)
    assert sorted(receipt.before for receipt in same) == [False, True]
    at_once([lambda content=content: one(content) for content in "abcabcab"])
    names = Counter(found[1] for found in warehouse.rows())
    assert sum(names.values()) == 300
    assert len(names) == 1


def test_merges_at_once_of_the_same_keys_end_well(warehouse):
    """Each in another order of rows: two that wait for each other are tried again."""

    def one(number: int):
        rows = [row(key, f"by {number}") for key in range(400)]
        rows = rows if number % 2 else rows[::-1]
        return warehouse.load(loading(rows, f"2024-03-{number:02}", mode="merge", key=("id",)))

    receipts = at_once([lambda number=number: one(number) for number in range(1, 9)])
    assert sum(receipt.inserted for receipt in receipts) == 400
    assert [found[0] for found in warehouse.rows()] == list(range(400))
    assert len({found[1] for found in warehouse.rows()}) == 1


def at_once(works):
    """The results of works that begin at one moment."""
    barrier = threading.Barrier(len(works))

    def begun(work):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begun, works))


def test_the_same_table_is_made_by_many_at_once(postgres):
    """Each of them finds that there is none."""
    place = Warehouse("postgres", postgres.database())
    one = loading([row(1)], schema="new", mode="merge", key=("id",))
    at_once([lambda: place.prepare(one)] * 8)
    assert place.load(replace(one)).inserted == 1
