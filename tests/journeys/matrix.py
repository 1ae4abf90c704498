"""The crash matrix: runs are killed at every change of their lake, and the runs that recover from that once more.

    python matrix.py MODE WHERE FOLDER [options as JSON]     with the folder of patience.py on PYTHONPATH

MODE: kills (of one run, and of the one that recovers), together (several runs of one partition at once), taken_over
and stopped (the holder of a lease is killed, or stands still while another one takes over). WHERE: a folder, or
s3://bucket/prefix with AWS_* set. Prints one JSON object with what was done, or fails with an AssertionError that says
what was lost.
"""

import dataclasses
import hashlib
import io
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import fastavro
import msgspec
from homes import RUN, Bomb, Home, home, hours_went_by, time_goes_by

from levada.edges import Edges, SystemClock
from levada.errors import LeaseHeld, LevadaError
from levada.lake.record import Record
from levada.lake.store import Store
from levada.pipeline import Options, Pipeline
from levada.source.fake import Reply, ScriptedWire, answer
from levada.spec.read import read_text
from levada.state.home import FILE as HISTORY
from patience import PATIENCE

DATE = "2022-08-09"
AREA = f"_levada/shop/orders/{DATE}"
SPEC = """
pipeline: shop
source: {url: "http://api.test", retry: {attempts: 1}}
streams:
  orders:
    request: {path: /orders}
    paging: {by: page}
    raw: "raw/{date}/{page}.json"
    raw_joined: "raw/{date}.json"
    contract: {fields: {id: string, price: int64}, max_bad: 50%}
    stage: {avro: "stg/{date}/{page}.avro"}
"""
#: Page -> rows, of the content before and of the one that replaces it; the last page of it comes no more.
OLD = [[("a", 1), ("b", 2)], [("c", 3)], [("d", 4)]]
NEW = [[("a", 1), ("b", 5)], [("e", 6), ("f", "no number")]]
#: Of the same size as the new one, so that its run makes the same changes.
OTHER = [[("z", 1), ("y", 5)], [("x", 6), ("w", "no figure")]]
Rows = list[list[tuple]]


class Later(SystemClock):
    """The clock of this machine, some time on."""

    def __init__(self, **span: float) -> None:
        self.span = timedelta(**span)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.span


def child(work: Callable[[], object]) -> int:
    """Fork, do the work, and tell how it ended: 0, -9 (killed), the exit code of an error, 70 for a bug."""
    pid = os.fork()
    if pid == 0:
        os._exit(code_of(work))
    Path("last-child").write_text(str(pid))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def code_of(work: Callable[[], object]) -> int:
    """Do the work in this process; the exit code."""
    try:
        work()
    except LevadaError as error:
        Path(f"said-{os.getpid()}").write_text(str(error))
        return error.exit_code
    except BaseException:  # noqa: BLE001 - a child of fork ends after this
        traceback.print_exc()
        return 70
    return 0


def api(rows: Rows, before: Callable[[], object] = lambda: None) -> Callable[[], ScriptedWire]:
    """An API of these pages that writes down what it is asked; `before` it answers it does something."""

    def said(call, _):
        before()
        page = int(dict(parse_qsl(urlsplit(call.url).query)).get("page", "1"))
        with Path("asked").open("a") as log:
            log.write(f"{page}\n")
        found = rows[page - 1] if page <= len(rows) else []
        return Reply(answer(200, json.dumps([{"id": name, "price": price} for name, price in found]).encode()))

    return lambda: ScriptedWire(said)


def run(
    store: Store, rows: Rows, *, wait: float = 0.0, before: Callable[[], object] = lambda: None, **later: float
) -> None:
    edges = Edges(clock=Later(**later), environment={}, network=api(rows, before))
    spec = read_text(SPEC, "shop.yaml", {}, lake="/nowhere")
    Pipeline(spec, store, edges, Options(wait=wait)).run(date=DATE)


def staging(store: Store, verb: str) -> None:
    spec = read_text(SPEC, "shop.yaml", {}, lake="/nowhere")
    getattr(Pipeline(spec, store, Edges(environment={})), verb)(date=DATE)


def asked() -> list[int]:
    """The pages that were asked for since the last time."""
    log = Path("asked")
    found = [int(line) for line in log.read_text().split()] if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def public(sums: dict[str, str]) -> dict[str, str]:
    return {key: found for key, found in sums.items() if not key.startswith("_levada/")}


def record(place: Home, lake: str) -> Record | None:
    data = place.read(lake, f"{AREA}/commit.json")
    return msgspec.json.decode(data, type=Record) if data is not None else None


def durable(sums: dict[str, str], before: str) -> set[int]:
    """Pages whose facts are there, in runs after the commit `before` that did not come to their end."""
    found = [key for key in sums if key.startswith(f"{AREA}/runs/") and "/pages/" in key and key.endswith(".json")]
    ended = {RUN.search(key)[1] for key in found if f"{AREA}/runs/{RUN.search(key)[1]}/run.json" in sums}
    return {int(Path(key).stem) for key in found if RUN.search(key)[1] > before and RUN.search(key)[1] not in ended}


def orphans(sums: dict[str, str], now: Record) -> set[str]:
    """Control files that neither the record nor the history of runs needs."""
    needed = {HISTORY, f"{AREA}/lock", f"{AREA}/commit.json", *(file.key for file in now.files)}
    needed |= {f"{key.removesuffix('.body')}.json" for key in needed if key.endswith(".body")}
    runs = {RUN.search(key)[1] for key in sums if key.startswith(f"{AREA}/runs/")}
    ended = {name for name in runs if f"{AREA}/runs/{name}/run.json" in sums}
    held = {RUN.search(file.key)[1] for file in now.files}
    needed |= {f"{AREA}/runs/{name}/run.json" for name in ended}
    needed |= {f"{AREA}/runs/{name}/work.json" for name in ended | held}
    failed = {name for name in runs if f"{AREA}/runs/{name}/failed.json" in sums}
    needed |= {f"{AREA}/runs/{name}/{told}" for name in failed for told in ("failed.json", "quarantine.jsonl")}
    ends = {key for key in sums if (f := RUN.search(key)) and f[1] == now.run and "/pages/" in key}
    return {key for key in sums if key.startswith("_levada/")} - needed - ends


@dataclasses.dataclass
class Matrix:
    """Runs that are killed, always from the same start to the same end."""

    place: Home
    #: Whether another commit is there before.
    replacing: bool
    #: The trees that a person may see: the one before, the one to reach.
    old: dict[str, str] = dataclasses.field(default_factory=dict)
    new: dict[str, str] = dataclasses.field(default_factory=dict)
    watching: "Watching | None" = None

    def start(self, lake: str) -> None:
        if self.replacing:
            run(self.place.store(lake), OLD)

    def from_start(self, lake: str, bomb: Bomb) -> None:
        """What is killed: the commit before, then the run with the bomb in it."""
        self.start(lake)
        Path("asked").unlink(missing_ok=True)
        run(self.place.store(lake, bomb), NEW)

    def undisturbed(self) -> list[str]:
        """The kinds of changes of a run that nobody kills; the trees are kept."""
        lake = self.place.lake("undisturbed")
        if self.replacing:
            assert child(lambda: self.start(lake)) == 0
            self.old = public(self.place.sums(lake))
            assert len(self.old) == 7
        bomb = Bomb()

        def counted() -> None:
            run(self.place.store(lake, bomb), NEW)
            Path("kinds").write_text(json.dumps(bomb.kinds))

        assert child(counted) == 0
        self.new = public(self.place.sums(lake))
        assert len(self.new) == 5, self.new
        return json.loads(Path("kinds").read_text())

    def once(self, first: Bomb, second: Bomb | None) -> bool:
        """Kill a run, perhaps the recovering one too, and recover; whether the second was killed."""
        name = f"lake-{first.at}-{int(first.halfway)}" + (f"-{second.at}-{int(second.halfway)}" if second else "")
        lake, died = self.place.lake(name), False
        if self.watching:
            self.watching.look_at(lake)
        assert child(lambda: self.from_start(lake, first)) == -signal.SIGKILL, f"{name}: not killed"
        asked()
        if second:
            died = self.recovered(lake, name, second) == -signal.SIGKILL
        if not second or died:
            assert self.recovered(lake, name) == 0, name
        assert public(self.place.sums(lake)) == self.new, f"{name}: another tree"
        self.swept(lake, name)
        if self.watching:
            self.watching.look_at("")
        self.place.remove(lake)
        return died

    def recovered(self, lake: str, name: str, bomb: Bomb | None = None) -> int:
        """Run once more after a kill, and look at what it asks for; how it ended."""
        sums, now = self.place.sums(lake), record(self.place, lake)
        before = now.run if now else ""
        self.still_whole(sums, now, name)
        had = durable(sums, before)

        def again() -> None:
            time_goes_by()
            run(self.place.store(lake, bomb), NEW)

        code = child(again)
        assert code in (0, -signal.SIGKILL), f"{name}: ended with {code}"
        pages = asked()
        assert len(pages) == len({*pages}), f"{name}: asked twice: {pages}"
        assert not had & {*pages}, f"{name}: {sorted(had)} were durable, yet {pages} were asked for"
        if now and not now.shown:
            assert pages == [], f"{name}: committed already, yet {pages} were asked for"
        return code

    def still_whole(self, sums: dict[str, str], now: Record | None, name: str) -> None:
        """Look at what others see right after a kill: nothing new before the commit, and each name whole."""
        seen = public(sums)
        if now is None:
            assert seen == {}, f"{name}: something public before the commit"
            return
        held = {file.public: sums.get(file.key) for file in now.files if file.public}
        assert held in (self.old, self.new), f"{name}: what the record names is not whole"
        if held == self.old and self.replacing:
            assert seen == self.old, f"{name}: the old partition was touched before the commit"
        assert all(md5 in (self.old.get(key), self.new.get(key)) for key, md5 in seen.items()), f"{name}: a part"
        if now.shown:
            assert seen == held, f"{name}: said to be shown, and is not"

    def swept(self, lake: str, name: str) -> None:
        """The next success, some hours later, leaves nothing that nobody needs."""
        assert child(lambda: run(self.place.store(lake), NEW, hours=3)) == 0, name
        sums, now = self.place.sums(lake), record(self.place, lake)
        assert public(sums) == self.new, f"{name}: another tree, later"
        left = orphans(sums, now)
        assert not left, f"{name}: orphans: {sorted(left)}"
        asked()


def points(kinds: list[str], halves: frozenset[str]) -> Iterator[tuple[int, bool]]:
    for at, kind in enumerate(kinds, start=1):
        yield at, False
        if kind in halves:
            yield at, True


def kills(place: Home, *, replacing: bool, step: int = 1, seconds: int = 0) -> dict:
    """Kill at every `step`-th change and in the middle of every such write.

    Then each time the recovering run too: at `seconds` moments of it, other ones each time, or at every change: -1.
    """
    matrix = Matrix(place, replacing)
    kinds = matrix.undisturbed()
    total, first, second = [*points(kinds, place.halves)], 0, 0
    with Watching(place) as matrix.watching:
        matrix.watching.good(matrix.old, matrix.new)
        for number, (at, halfway) in enumerate(total):
            if number % step:
                continue
            matrix.once(Bomb(at, halfway=halfway), None)
            first += 1
            for again in again_at(number, seconds, len(kinds)):
                died = matrix.once(Bomb(at, halfway=halfway), Bomb(again))
                second += died
                if seconds < 0 and not died:  # that run had no more changes
                    break
    told = {kind: kinds.count(kind) for kind in sorted({*kinds})}
    looks = matrix.watching.looks
    return {"kinds": told, "points": len(total), "kills": first, "second_kills": second, "looks": looks}


def again_at(number: int, seconds: int, changes: int) -> Iterable[int]:
    if seconds < 0:
        return range(1, 2 * changes)
    return [1 + (number * 7 + nth * 11) % changes for nth in range(seconds)]


class Watching:
    """A reader in a process of its own that follows the record of lake after lake, while the block lasts."""

    def __init__(self, place: Home) -> None:
        self.place, self.looks = place, 0

    def good(self, *trees: dict[str, str]) -> None:
        Path("good").write_text(json.dumps([tree for tree in trees if tree]))

    def look_at(self, lake: str) -> None:
        Path("current.new").write_text(lake)
        Path("current.new").rename("current")

    def __enter__(self) -> Self:
        self.look_at("")
        reading, self.writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.writing)
            code = 1
            try:
                Path("looks").write_text(str(self.follow(reading)))
                code = 0
            except BaseException as error:  # noqa: BLE001 - told, then the process ends
                print(f"reader: {error!r}", file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        os.close(reading)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.writing)
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the reader saw a part or a mixture"
        self.looks = int(Path("looks").read_text())

    def follow(self, stop: int) -> int:
        os.set_blocking(stop, False)
        looks = 0
        while True:
            try:
                if os.read(stop, 1) == b"":
                    return looks
            except BlockingIOError:
                pass
            lake = Path("current").read_text()
            looks += bool(lake) and self.look(lake)
            time.sleep(self.place.pause)

    def look(self, lake: str) -> bool:
        """Whether there was a commit, which must then be one of the good states, whole."""
        now = record(self.place, lake)
        if now is None:
            return False
        seen = {}
        for file in now.files:
            data = self.place.read(lake, file.key)
            if data is None and Path("current").read_text() != lake:
                return False  # it was cleared away
            assert data is not None, f"{lake}: {file.key} is not there"
            assert hashlib.sha256(data).hexdigest() == file.sha256, f"{lake}: {file.key}: a part, or changed"
            if file.public:
                seen[file.public] = hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert seen in json.loads(Path("good").read_text()), f"{lake}: a mixture"
        return True


def barrier(works: list[Callable[[], object]]) -> dict[int, int]:
    """Start processes that begin their work at once; process -> how it ended."""
    reading, writing = os.pipe()

    def begin(work: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            signal.alarm(round(PATIENCE))  # two that have it would wait for each other
            os.close(writing)
            os.read(reading, 1)
            os._exit(code_of(work))
        return pid

    pids = [begin(work) for work in works]
    os.close(reading)
    os.close(writing)
    return {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}


def gated(store: Store, refused: int, others: int) -> Store:
    """The store, whose locks are held until so many others were refused them, however late those start."""
    real = store.lock

    @contextmanager
    def lock(key: str, holder: bytes) -> Iterator[None]:
        with real(key, holder):
            left = others
            while left:
                left -= len(os.read(refused, left))
            yield

    store.lock = lock  # type: ignore[method-assign]
    return store


def together(place: Home, *, processes: int, times: int, gate: bool) -> dict:
    """Several runs of one partition at one barrier, each of another content: what is then there is of one of them.

    With the gate just one may win. Without it, who comes late may come after another's end, and win after it.
    """
    wins = 0
    for number in range(times):
        lake = place.lake(f"together-{number}")
        refused, refusing = os.pipe()

        def work(me: int, lake: str = lake, refused: int = refused, refusing: int = refusing) -> None:
            rows = [[(f"<w{me}>", page)] for page in range(1, 4)]
            store = place.store(lake)
            try:
                run(gated(store, refused, processes - 1) if gate else store, rows)
            except LeaseHeld:
                os.write(refusing, b"!")
                raise
            Path(f"won-{os.getpid()}").write_text(f"<w{me}>")

        ended = barrier([lambda me=me: work(me) for me in range(processes)])
        os.close(refused)
        os.close(refusing)
        wins += one_won(place, lake, ended, gate=gate)
        place.remove(lake)
    return {"times": times, "processes": processes, "wins": wins}


def one_won(place: Home, lake: str, ended: dict[int, int], *, gate: bool) -> int:
    """Look at what runs left that were there at once; how many committed."""
    won = [pid for pid, code in ended.items() if code == 0]
    assert {*ended.values()} <= {0, 75}, ended
    assert len(won) == 1 if gate else won, ended
    now = record(place, lake)
    assert now.shown
    assert now.by.process in won
    mark = Path(f"won-{now.by.process}").read_text()
    keys = public(place.sums(lake))
    assert len(keys) == 7, keys
    for key in keys:
        assert marks(key, place.read(lake, key)) == {mark}, f"{key}: a mixture"
    for pid, code in ended.items():
        if code:
            text = Path(f"said-{pid}").read_text()
            told = ("another run holds" in text, socket.gethostname() in text, "since" in text)
            assert all(told), text
            assert not gate or f"process {won[0]}" in text, text
    return len(won)


def marks(key: str, data: bytes) -> set[str]:
    """Whose rows are in a public file."""
    rows = fastavro.reader(io.BytesIO(data)) if key.endswith(".avro") else json.loads(data)
    return {row["id"] for row in rows}


def taken_over(place: Home, *, lease: float, at: int) -> dict:
    """Kill the holder of a lease: the next is told who held it, and takes over once its time is over.

    Just the one that is killed has a short lease: those that must end well would lose it on a machine that stalls.
    """
    lake = place.lake("taken-over")
    assert child(lambda: run(place.store(lake, Bomb(at), lease), NEW)) == -signal.SIGKILL
    had, pid = durable(place.sums(lake), ""), int(Path("last-child").read_text())
    assert had
    assert child(lambda: run(place.store(lake), NEW)) == 75
    text = Path(f"said-{Path('last-child').read_text()}").read_text()
    assert f"process {pid} on" in text, text
    asked()
    began = time.monotonic()
    assert child(lambda: run(place.store(lake), NEW, wait=PATIENCE)) == 0
    assert not had & {*asked()}
    assert len(public(place.sums(lake))) == 5
    return {"durable": len(had), "seconds": round(time.monotonic() - began, 1)}


#: What the one does that takes over; `fetching` goes no further than to its first question while the other goes on.
TAKERS = ("new", "same", "fetching", "stage", "replay")


def stopped(
    place: Home, *, taker: str = "new", replacing: bool = True, lease: float = 0, first: int = 0, step: int = 1
) -> dict:
    """Stop the holder of a lease at some change, let another one take over, let the first go on: it changes nothing.

    But for the one request that it was about to send: a copy or deletion of a public name, which have no condition,
    and a first commit, which then is whole. The next run makes that good.

    Args:
        place: Where the lakes go.
        taker: What the other one does.
        replacing: Whether there is a commit before.
        lease: Seconds that the lease of the first is good for; 0 for a long one, over by a clock that goes on.
        first: Which place to begin with.
        step: How many places further the next one is; the commit is always one, and the only one with 0.
    """
    matrix, healed, late, told = Matrix(place, replacing), 0, 0, []
    kinds = matrix.undisturbed()
    held = kinds.index("delete") + 3  # once the probe is gone, and the lock is put
    commit = kinds.index("copy")  # the first name is shown after it
    chosen = sorted({commit, *(range(held + first, len(kinds) + 1, step) if step else ())})
    for at in chosen:
        lake = place.lake(f"stopped-{at}")
        assert child(lambda lake=lake: matrix.start(lake)) == 0
        pid = standing(lambda at=at, lake=lake: stand_still(place, lake, at, lease))
        other = took_over(place, lake, taker, lease)
        over, seen = record(place, lake), public(place.sums(lake))
        code = gone_on(pid)
        assert code in (0, 75), f"{at}: ended with {code}"
        now, sums = record(place, lake), place.sums(lake)
        assert now == over or over is None, f"{at}: a record was written over"
        late += now != over
        lost = [file.key for file in now.files if file.key not in sums] if now else []
        assert not lost, f"{at}: committed without {lost}"
        wrong = public(sums) != seen
        assert not wrong or kinds[at - 1] in {"copy", "delete"}, f"{at}: another tree"
        healed += wrong
        if other:
            ended = gone_on(other)
            assert ended == (0 if now == over else 75), f"{at}: who took over ended with {ended}"
        # The first shows what may be committed and not shown.
        assert child(lambda lake=lake: run(place.store(lake), NEW)) == 0
        assert child(lambda lake=lake: run(place.store(lake), NEW)) == 0
        assert public(place.sums(lake)) == matrix.new, f"{at}: another tree, later"
        matrix.swept(lake, f"stopped-{at}")
        place.remove(lake)
        told.append(f"{at} {kinds[at - 1]} {code}")
    return {"stopped": len(chosen), "commit": commit, "healed": healed, "late": late, "told": told}


def stand_still(place: Home, lake: str, at: int, lease: float) -> None:
    """A run that stops itself at a change. Its clock is slow: its pages are too old to be gone on with."""
    if lease:
        run(place.store(lake, Bomb(at, how=signal.SIGSTOP), lease), OTHER, hours=-3)
    else:
        run(place.store(lake, Bomb(at, how=signal.SIGSTOP, woken=hours_went_by)), OTHER, hours=-3)


def took_over(place: Home, lake: str, taker: str, lease: float) -> int:
    """Take over from a holder that stands still; the process that stands still in its turn, 0 for none."""
    asking: list[bool] = []

    def stop() -> None:
        if not asking:
            asking.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)

    def work() -> None:
        if not lease:
            time_goes_by()
        if taker in {"stage", "replay"}:
            staging(place.store(lake), taker)
        else:
            rows, before = OLD if taker == "same" else NEW, stop if taker == "fetching" else (lambda: None)
            run(place.store(lake), rows, wait=PATIENCE if lease else 0.0, before=before)

    # The first shows what the one that stands had committed, if it came so far.
    if taker == "fetching":
        return standing(lambda: (work(), asking or work()))
    assert child(work) == 0
    assert child(work) == 0
    return 0


def standing(work: Callable[[], object]) -> int:
    """Begin the work in a process that will stop itself; its number once it has."""
    pid = os.fork()
    if pid == 0:
        os._exit(code_of(work))
    assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
    return pid


def gone_on(pid: int) -> int:
    """Let a process go on that stands still; how it ended."""
    os.kill(pid, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    mode, where, folder = sys.argv[1:4]
    options = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    modes = {"kills": kills, "together": together, "taken_over": taken_over, "stopped": stopped}
    print(json.dumps(modes[mode](home(where), **options)))


if __name__ == "__main__":
    main()
