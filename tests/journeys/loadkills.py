"""Loads are killed before every statement and within the rows, then done again: the rows of the undisturbed load.

    python loadkills.py KIND WHERE STEP      with the folder of warehouse.py on PYTHONPATH

KIND: postgres, WHERE its URL, a `{}` in it for the name of a schema; or duckdb, WHERE a folder. Every STEP-th moment is
tried. Prints one JSON object: for each mode how many were.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from levada.loads.model import Loading
from warehouse import Warehouse, loading, row

MODES: dict[str, dict[str, Any]] = {
    "replace_partition": {},
    "append": {"mode": "append"},
    "merge": {"mode": "merge", "key": ("id",), "newest_by": "at"},
    "replace": {"mode": "replace"},
}
#: In two batches: one has left when a load is killed within its rows.
COMING = [row(1, "changed"), *(row(number) for number in range(4, 3000))]


class Bomb:
    """Kills this process, without a word, before the step of this number."""

    def __init__(self, at: int | None) -> None:
        self.at, self.steps = at, 0

    def tick(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def armed(kind: str, bomb: Bomb) -> None:
    """Have each statement, each commit and each rename count."""
    if kind == "duckdb":
        from levada.db import duckdb as home

        home._in_place = counted(home._in_place, bomb)  # noqa: SLF001 - what is tried
    else:
        from levada.db import postgres as home
    database: Any = home.Database
    for name in ("run", "ask", "take"):
        setattr(database, name, counted(getattr(database, name), bomb))
    whole = database.transaction

    @contextmanager
    def transaction(self: Any) -> Iterator[None]:
        with whole(self):
            yield
            bomb.tick()  # before the commit
        bomb.tick()  # after it

    database.transaction = transaction


def counted(act: Callable[..., Any], bomb: Bomb) -> Callable[..., Any]:
    def counting(*given: Any, **named: Any) -> Any:
        bomb.tick()
        return act(*given, **named)

    return counting


def child(work: Callable[[], object]) -> int:
    """Fork, do the work, tell how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told to the parent by the code, to a person by the text
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ticking(one: Loading, bomb: Bomb) -> Loading:
    """The same rows, each batch of them a moment to be killed at."""

    def batches() -> Iterator[Any]:
        for batch in one.batches():
            yield batch
            bomb.tick()

    return replace(one, batches=batches)


def kills(kind: str, where: str, mode: str, step: int) -> int:
    """Kill at each step of a load onto a table that has rows already, and onto none; what is then there is right."""
    one = loading(COMING, **MODES[mode])
    tried = 0
    for fresh in (True, False):
        expected = undisturbed(kind, where, mode, fresh=fresh)
        for at in count(1 + len(mode) % step, step):  # other moments in each mode
            place = home(kind, where, f"{mode}_{'fresh' if fresh else 'held'}_{at}")
            prepared(place, mode, fresh=fresh)

            def killed(at: int = at, place: Warehouse = place) -> None:
                bomb = Bomb(at)
                armed(kind, bomb)
                place.load(ticking(one, bomb))

            code = child(killed)
            assert code in (0, -signal.SIGKILL), f"{mode} {at}: ended with {code}"
            assert told(lambda place=place: done_again(place, one)) == expected, f"{mode} {at}: other rows"
            leftover(place)
            if code == 0:
                break
            tried += 1
    return tried


def done_again(place: Warehouse, one: Loading) -> list[Any]:
    """Load, and once more, which is recognised; what the table holds then."""
    place.load(one)
    assert place.load(one).before
    return figures(place)


def undisturbed(kind: str, where: str, mode: str, *, fresh: bool) -> list[Any]:
    place = home(kind, where, f"{mode}_{'fresh' if fresh else 'held'}_whole")
    prepared(place, mode, fresh=fresh)
    return told(lambda: done_again(place, loading(COMING, **MODES[mode])))


def prepared(place: Warehouse, mode: str, *, fresh: bool) -> None:
    """Rows of another partition, and older ones of this where a mode has such."""

    def before() -> None:
        place.load(loading([row(8000)], "2024-01-05", **MODES[mode]))
        if mode != "append":
            place.load(loading([row(1), row(2), row(3)], **MODES[mode]))

    assert fresh or child(before) == 0


def told(work: Callable[[], list[Any]]) -> list[Any]:
    """What a process of its own found: this one has nothing open when it forks."""
    reading, writing = os.pipe()
    assert child(lambda: os.write(writing, json.dumps(work()).encode())) == 0
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        found: list[Any] = json.loads(answer.read())
    return found


def figures(place: Warehouse) -> list[Any]:
    return [list(found.values()) for found in place.ask(
        "SELECT name, _levada_partition, count(*) AS n, CAST(sum(id) AS bigint) AS total FROM orders "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )]  # fmt: skip


def leftover(place: Warehouse) -> None:
    """No copy of a DuckDB file is left once a load came to its end."""
    if place.kind == "duckdb":
        folder = Path(place.where).parent
        names = {path.name for path in folder.iterdir()}
        assert names <= {"w.duckdb", ".w.duckdb.lock"}, names


def home(kind: str, where: str, name: str) -> Warehouse:
    if kind == "duckdb":
        return Warehouse(kind, f"{where}/{name}/w.duckdb")
    place = Warehouse(kind, where.format(name))
    fresh = (f"DROP SCHEMA IF EXISTS {name} CASCADE", f"CREATE SCHEMA {name}")
    assert child(lambda: Warehouse(kind, where.format("public")).do(*fresh)) == 0
    return place


def main() -> None:
    kind, where, step = sys.argv[1:4]
    Warehouse(kind, "").module()  # imported once, not in each process
    print(json.dumps({mode: kills(kind, where, mode, int(step)) for mode in MODES}))


if __name__ == "__main__":
    main()
