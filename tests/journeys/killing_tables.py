"""Runs that bring rows into a Delta table are killed at changes around its commit, and those that recover once more.

    python killing_tables.py WHERE FOLDER [options as JSON]     with the folder of patience.py on PYTHONPATH

WHERE: a folder, or s3://bucket/prefix with AWS_* set. Prints one JSON object with what was done, or fails with an
AssertionError that says what was lost. Everything that uses a store or a table does so in a child of its own.
"""

import json
import os
import signal
import sys
from pathlib import Path

from homes import Bomb, Home, home, time_goes_by
from matrix import Later, api, asked, child, record

from levada.edges import Edges
from levada.lake.store import Store
from levada.pipeline import Pipeline
from levada.spec.read import read_text

DATE = "2022-08-09"
SPEC = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  orders:
    request: {path: /orders}
    contract: {fields: {id: string, price: int64}}
    stage: {delta: tables/orders, jsonl: "stg/{date}.jsonl"}
"""
OLD, NEW = [[("a", 1), ("b", 2)]], [[("a", 1), ("c", 3), ("d", 4)]]


def run(place: Home, store: Store, rows: list, bomb: Bomb | None = None) -> None:
    """One run; the Delta commit counts as two changes, one before it and one after."""
    if bomb:
        _arm(bomb)
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    edges = Edges(clock=Later(), environment=variables, network=api(rows))
    Pipeline(read_text(SPEC, "shop.yaml", {}, lake="/nowhere"), store, edges).run(date=DATE)


def _arm(bomb: Bomb) -> None:
    from levada.staging import delta

    real = delta._Shown._commit  # noqa: SLF001 - no other way to it

    def commit(self, found):
        bomb.change("commits")
        notes = real(self, found)
        bomb.change("committed")
        return notes

    delta._Shown._commit = commit  # noqa: SLF001 - the same


def seen(lake: str) -> tuple[list, int]:
    """Rows and version of the table, as delta-rs has them; looked at in a child."""

    def look() -> None:
        from deltalake import DeltaTable

        from levada.pipeline.tables import way_to

        where = f"{lake}/tables/orders"
        options = way_to(lake, os.environ)
        if not DeltaTable.is_deltatable(where, options or None):
            found = [[], -1]
        else:
            table = DeltaTable(where, storage_options=options or None)
            rows = sorted([row["id"], row["price"]] for row in table.to_pyarrow_table().to_pylist())
            found = [rows, table.version()]
        Path("seen").write_text(json.dumps(found))

    assert child(look) == 0
    rows, version = json.loads(Path("seen").read_text())
    return rows, version


def kills(place: Home, *, around: int, step: int = 1) -> dict:
    """Kill at every `step`-th of the changes that lie at most `around` from the Delta commit, and recover."""
    kinds = _undisturbed(place)
    middle = kinds.index("commits") + 1
    points = [at for at in range(1, len(kinds) + 1) if abs(at - middle) <= around][::step]
    told = {"changes": len(kinds), "kills": 0, "second_kills": 0, "before": 0, "after": 0}
    for number, at in enumerate(points):
        for again in (None, Bomb(number % 4 + 1)):
            rows = _once(place, Bomb(at), again, told)
            told["before" if rows == _plain(OLD) else "after"] += 1
    return told


def _undisturbed(place: Home) -> list[str]:
    """The kinds of changes of a run that nobody kills."""
    lake, bomb = place.lake("undisturbed"), Bomb()
    assert child(lambda: run(place, place.store(lake), OLD)) == 0

    def counted() -> None:
        run(place, place.store(lake, bomb), NEW, bomb)
        Path("kinds").write_text(json.dumps(bomb.kinds))

    assert child(counted) == 0
    assert seen(lake)[0] == _plain(NEW)
    return json.loads(Path("kinds").read_text())


def _once(place: Home, first: Bomb, second: Bomb | None, told: dict) -> list:
    """Kill a run, perhaps the recovering one too, and recover; the rows that the table had right after the first."""
    name = f"lake-{first.at}-{second.at if second else 0}"
    lake = place.lake(name)
    assert child(lambda: run(place, place.store(lake), OLD)) == 0
    assert child(lambda: run(place, place.store(lake, first), NEW, first)) == -signal.SIGKILL, name
    told["kills"] += 1
    asked()
    rows, version = seen(lake)
    now = record(place, lake)
    assert rows in (_plain(OLD), _plain(NEW)), f"{name}: {rows} are of no commit"
    if second:
        told["second_kills"] += _recovered(place, lake, second) == -signal.SIGKILL
    assert _recovered(place, lake) == 0, name
    if now and not now.shown:
        assert asked() == [], f"{name}: what was durable was asked for"
    after, newest = seen(lake)
    assert after == _plain(NEW), f"{name}: {after}"
    assert newest == version + (rows == _plain(OLD)), f"{name}: one Delta commit for one commit"
    place.remove(lake)
    return rows


def _recovered(place: Home, lake: str, bomb: Bomb | None = None) -> int:
    def again() -> None:
        time_goes_by()
        run(place, place.store(lake, bomb), NEW, bomb)

    return child(again)


def _plain(rows: list) -> list:
    return sorted([name, price] for page in rows for name, price in page)


def main() -> None:
    where, folder = sys.argv[1:3]
    options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    print(json.dumps(kills(home(where), **options)))


if __name__ == "__main__":
    main()
