"""Kill runs and let them recover: a script, so that it can fork (no threads in it) and children start in milliseconds.

    python killing.py MODE URL SPEC FOLDER [options as JSON]     with the folder of simulated.py on PYTHONPATH

Each mode prints one JSON object with what it did, or fails with an AssertionError that says what was lost.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp  # noqa: F401 - imported before forking, so that no child pays for it
import fastavro  # noqa: F401
import msgspec

from levada.edges import Edges
from levada.errors import LevadaError
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.lake.record import Record
from levada.pipeline import Pipeline, load
from patience import HELD, PATIENCE, settles
from simulated import Api

DATE = "2022-08-09"
FILES = ("open", "write", "truncate", "fsync", "link", "rename", "unlink", "mkdir", "rmdir")
CHANGES = (*FILES, "exchange", "move_in", "move_out", "chmod")
CONCURRENCY = 4
#: Every page takes a while.
SLOW = {"match": {}, "times": None, "fault": {"delay": 0.05}}


class Deadly(Calls):
    """Dies of SIGKILL before the n-th change of the disk, or in the middle of it if it is a write."""

    def __init__(self, at: int, *, halfway: bool = False) -> None:
        self.left = at
        self.count = 0
        self.kinds: list[str] = []
        self.halfway = halfway
        self.lock = threading.Lock()  # files are synced side by side

    def die_when_due(self, kind: str, half: Callable[[], object] | None = None) -> None:
        with self.lock:
            self.count += 1
            self.kinds.append(kind)
            self.left -= 1
            if self.left == 0:
                if self.halfway and half:
                    half()
                os.kill(os.getpid(), signal.SIGKILL)


def _deadly(kind: str) -> Callable:
    real = getattr(Calls, kind)

    def change(self, *arguments):
        half = None
        if kind == "write":
            descriptor, data = arguments
            half = lambda: os.write(descriptor, data[: len(data) // 2])  # noqa: E731
        self.die_when_due(kind, half)
        return real(self, *arguments)

    return change


for _kind in CHANGES:
    setattr(Deadly, _kind, _deadly(_kind))


class Gate(Calls):
    """Waits before its first link, which only the run makes that has the partition, until the others were refused."""

    def __init__(self, refused: int, others: int) -> None:
        self.refused = refused
        self.others = others

    def link(self, source: Path, target: Path) -> None:
        while self.others:
            self.others -= len(os.read(self.refused, self.others))
        super().link(source, target)


def pipeline(spec: str, lake: Path, calls: Calls | None = None) -> Pipeline:
    made = load(spec, lake=str(lake), edges=Edges())
    return Pipeline(made.spec, DiskStore(lake, calls), made.edges) if calls else made


def run(spec: str, lake: Path, calls: Calls | None = None) -> None:
    pipeline(spec, lake, calls).run(date=DATE)


def child(work: Callable[[], None]) -> int:
    """Fork, do the work, and tell how it ended: 0, -9 (killed), or the exit code of an error."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            work()
            code = 0
        except LevadaError as error:
            code = error.exit_code
            Path(f"error-{os.getpid()}.txt").write_text(str(error))
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def public(lake: Path) -> dict[str, str]:
    """Public file -> SHA-256."""
    files = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.relative_to(lake).parts)
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def inodes(lake: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in lake.rglob("*") if path.is_file() and "_levada" not in path.relative_to(lake).parts)
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def control(lake: Path) -> Path:
    return lake / "_levada" / "sales" / "sales" / DATE


def record(lake: Path) -> Record | None:
    with contextlib.suppress(FileNotFoundError):
        return msgspec.json.decode((control(lake) / "commit.json").read_bytes(), type=Record)
    return None


def durable(lake: Path, before: str) -> set[int]:
    """Answers that are durable in runs after the commit `before`."""
    facts = (control(lake) / "runs").glob("*/pages/*.json")
    return {int(path.stem) for path in facts if path.parts[-3] > before}


def recovered(spec: str, lake: Path, api: Api, base: Record | None, calls: Calls | None = None) -> int:
    """Run once more after a kill, and check what it asks for; how it ended."""
    now, old = record(lake), base.run if base else ""
    committed, shown = bool(now and now.run != old), bool(now and now.run != old and now.shown)
    had = durable(lake, old) if not committed else set()
    names = inodes(lake)
    api.forget_requests()
    code = child(lambda: run(spec, lake, calls))
    asked = api.pages_asked()
    assert len(asked) == len(set(asked)), f"asked twice: {asked}"
    if committed and not shown:
        assert asked == [], f"committed already, yet asked for {asked}"
    assert not had & set(asked), f"durable {sorted(had)}, yet asked for {asked}"
    if had and max(had) >= len(api_pages) + 1:
        assert asked == [], f"the end was durable, yet asked for {asked}"
    beyond = [page for page in asked if page > len(api_pages) + 1]
    assert len(beyond) <= CONCURRENCY - 1, f"beyond the end: {beyond}"
    if shown and code == 0:
        assert inodes(lake) == names, "shown already, yet something public was written"
    return code


api_pages: list[int] = []


def watch(lake: Path, stop: int, good: list[dict[str, str]]) -> None:
    """A reader that follows the record until `stop` is closed: it must see one of the good states, whole."""
    os.set_blocking(stop, False)
    while True:
        try:
            if os.read(stop, 1) == b"":
                return
        except BlockingIOError:
            pass
        now = record(lake)
        if now is None:
            continue
        seen = {}
        for file in now.files:
            data = (lake / file.key).read_bytes()
            assert len(data) == file.size, f"{file.key}: a part"
            seen[file.public] = hashlib.sha256(data).hexdigest()
            assert seen[file.public] == file.sha256, f"{file.key}: changed"
        assert seen in good, "a mixture"


class Watching:
    """The reader, in a process of its own, while the block lasts."""

    def __init__(self, lake: Path, good: list[dict[str, str]]) -> None:
        self.lake, self.good = lake, good

    def __enter__(self) -> None:
        reading, self.writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.writing)
            code = 1
            try:
                watch(self.lake, reading, self.good)
                code = 0
            except Exception as error:  # noqa: BLE001
                print(f"reader: {error!r}", file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        os.close(reading)

    def __exit__(self, *_: object) -> None:
        os.close(self.writing)
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the reader saw a part or a mixture"


def copied(source: Path, target: Path) -> Path:
    """A lake as it lies, hard links and all."""
    subprocess.run(["cp", "-a", source, target], check=True)
    return target


def every_change(api: Api, spec: str, folder: Path, start: Path | None = None, seconds: int = 1) -> dict:
    """Kill before every change, and in the middle of every write; recover.

    Then the same with the recovering run killed too, at `seconds` moments of it, and recover from that.
    """
    undisturbed = copied(start, folder / "undisturbed") if start else folder / "undisturbed"
    counting = Deadly(0)
    run(spec, undisturbed, counting)
    good = public(undisturbed)
    disturbed = Disturbed(api, spec, folder, start, [good, public(start)] if start else [good])
    total = counting.count
    kills = second_kills = 0
    for at, kind in enumerate(counting.kinds, start=1):
        for halfway in (False, True) if kind == "write" else (False,):
            agains = [1 + (at * 37 + number * 11) % total for number in range(seconds)]
            for again in (0, *agains):
                first, second = disturbed.once(at, again, halfway=halfway)
                kills += first
                second_kills += second
    kinds = {kind: counting.kinds.count(kind) for kind in CHANGES}
    return {"changes": total, "kinds": kinds, "kills": kills, "second_kills": second_kills}


@dataclass
class Disturbed:
    """Runs that are killed, always from the same start to the same end."""

    api: Api
    spec: str
    folder: Path
    start: Path | None
    #: The public trees that a reader may see: the one to reach, and the one before it.
    states: list[dict[str, str]]

    def once(self, at: int, again: int, *, halfway: bool) -> tuple[bool, bool]:
        """Kill at change `at`, perhaps the recovering run at change `again`, and recover; which kills happened."""
        lake = self.folder / f"lake-{at}-{int(halfway)}-{again}"
        if self.start:
            copied(self.start, lake)
        base, second = record(lake), 0
        with Watching(lake, self.states):
            first = child(lambda: run(self.spec, lake, Deadly(at, halfway=halfway)))
            assert first == -signal.SIGKILL, f"change {at}: ended with {first}"
            if again:
                second = recovered(self.spec, lake, self.api, base, Deadly(again))
                assert second in (0, -signal.SIGKILL), f"change {at}, then {again}: ended with {second}"
            assert recovered(self.spec, lake, self.api, base) == 0
            assert public(lake) == self.states[0], f"killed at change {at}, then {again}: another tree"
        shutil.rmtree(lake)
        return True, second == -signal.SIGKILL


def spread(api: Api, spec: str, folder: Path, kills: int) -> dict:
    """Kill at moments spread over a run of slow pages: when the first has come, the third, the fifth …"""
    undisturbed = folder / "undisturbed"
    assert child(lambda: run(spec, undisturbed)) == 0
    good, killed, had = public(undisturbed), 0, []
    for number in range(kills):
        lake, before = folder / f"lake-{number}", number * len(api_pages) // kills
        # No run is over before it is killed, however late that comes.
        held = {"match": {"page": min(before + 3, len(api_pages) + 1)}, "times": None, "fault": {"delay": HELD}}
        api.fail(held, SLOW)
        pid = os.fork()
        if pid == 0:
            run(spec, lake)
            os._exit(0)
        settles(lambda: len(durable(lake, "")) > before)  # noqa: B023 - called at once
        os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        api.fail(SLOW)
        had.append(len(durable(lake, "")))
        assert recovered(spec, lake, api, None) == 0
        assert public(lake) == good, f"killed at moment {number}: another tree"
    return {"kills": killed, "durable": had}


def together(api: Api, spec: str, folder: Path, processes: int, times: int) -> dict:
    """Start several runs of one date at one barrier: one commits, the others say who holds it.

    It holds it until all have said so, however late this machine lets them start.
    """
    for number in range(times):
        lake = folder / f"together-{number}"
        reading, writing = os.pipe()
        refused, refusing = os.pipe()
        pids = []
        for _ in range(processes):
            pid = os.fork()
            if pid == 0:
                signal.alarm(round(PATIENCE))  # two that have it would wait for each other
                os.close(writing)
                os.read(reading, 1)
                code = 70
                try:
                    run(spec, lake, Gate(refused, processes - 1))
                    code = 0
                except LevadaError as error:
                    code = error.exit_code
                    (folder / f"said-{number}-{os.getpid()}").write_text(str(error))
                    os.write(refusing, b"!")
                finally:
                    os._exit(code)
            pids.append(pid)
        os.close(reading)
        time.sleep(0.05)
        os.close(writing)
        codes = {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}
        os.close(refused)
        os.close(refusing)
        assert sorted(codes.values()) == [0, *[75] * (processes - 1)], codes
        winner = next(pid for pid, code in codes.items() if code == 0)
        now = record(lake)
        assert now is not None
        assert (now.by.process, now.shown) == (winner, True)
        for said in folder.glob(f"said-{number}-*"):
            text = said.read_text()
            told = (f"process {winner}" in text, socket.gethostname() in text, "since" in text)
            assert all(told), text
        runs = list((control(lake) / "runs").iterdir())
        assert len(runs) == 1, "another run worked too"
    return {"times": times, "processes": processes}


def main() -> None:
    mode, url, spec, folder = sys.argv[1:5]
    options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    os.environ.update(SALES_API_URL=url, AUTH_TOKEN="levada-demo")
    api_pages.extend(range(1, options.pop("pages", 4) + 1))
    if options.get("start"):
        options["start"] = Path(options["start"])
    modes = {"every_change": every_change, "spread": spread, "together": together}
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    print(json.dumps(modes[mode](Api(url), spec, Path(folder), **options)))


if __name__ == "__main__":
    main()
