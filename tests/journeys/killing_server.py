"""Job servers of which some are killed: a script, so that it can fork (no threads in it) and servers start in no time.

    python killing_server.py MODE URL SPEC FOLDER [options as JSON]     with the folder of simulated.py on PYTHONPATH

`serve` takes jobs until it is killed. The other mode prints one JSON object with what it did, or fails with an
AssertionError that says what was lost.
"""

import errno
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp  # noqa: F401 - imported before forking, so that no child pays for it
import fastavro  # noqa: F401

from filling import asked_once, commit, durable, lake_tree, public, tree
from levada.lake.calls import Calls
from levada.lake.disk import DiskStore
from levada.lake.record import Record
from levada.pipeline import Pipeline, load
from levada.serve import LAND, STAGE, serve
from levada.serve.servers import PATIENCE, apps
from patience import PATIENCE as LONG
from simulated import TOKEN, Api

DATE, OTHER = "2022-08-09", "2022-08-10"
KINDS = {kind.name: kind for kind in (LAND, STAGE)}
#: Pages of a date, and how many are asked for at once.
PAGES, CONCURRENCY = 4, 4
CHANGES = tuple(name for name in vars(Calls) if not name.startswith("_"))
#: Changes of whole folders, of which no sample leaves one out.
OF_FOLDERS = {"move_in", "move_out", "exchange", "chmod", "mkdir", "rmdir"}


@dataclass
class Deadly(Calls):
    """Kills its process before the n-th change of the disk, or in the middle of it if it is a write."""

    at: int = 0
    halfway: bool = False
    #: Whether folders can change names in one step.
    exchanging: bool = True
    #: A descriptor that is told each change.
    told: int | None = None
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def comes(self, kind: str, arguments: tuple) -> None:
        with self.lock:
            self.count += 1
            if self.told is not None:
                os.write(self.told, f"{kind}\n".encode())
            if self.count == self.at:
                if self.halfway:
                    descriptor, data = arguments
                    os.write(descriptor, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)


def _deadly(kind: str) -> Any:
    real = getattr(Calls, kind)

    def change(self: Deadly, *arguments: object) -> object:
        if kind == "exchange" and not self.exchanging:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self.comes(kind, arguments)
        return real(self, *arguments)

    return change


for _kind in CHANGES:
    setattr(Deadly, _kind, _deadly(_kind))


class Server:
    """A job server in a process of its own while the block lasts."""

    def __init__(self, spec: str, root: Path, calls: Calls | None = None) -> None:
        reading, writing = os.pipe()
        self.pid, self.code = os.fork(), None
        if self.pid == 0:
            try:
                os.close(reading)
                serving(spec, root, lambda ports: os.write(writing, json.dumps(ports).encode()), calls=calls)
            finally:
                os._exit(70)
        os.close(writing)
        self.ports = dict(zip(KINDS, json.loads(os.read(reading, 100)), strict=True))
        os.close(reading)

    def post(self, kind: str, body: dict[str, str]) -> tuple[int, dict] | None:
        """Status and body of the answer; None where the connection broke."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[kind], timeout=LONG)
        try:
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except TimeoutError:
            raise
        except (http.client.HTTPException, OSError):
            return None
        finally:
            connection.close()

    def ended(self) -> int:
        """How it ended, by itself: an exit code, or less than 0 the signal."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()


def serving(spec: str, root: Path, ready: Any, *, wait: float = PATIENCE, calls: Calls | None = None) -> None:
    """Take both kinds of jobs, which `wait` so long for the turn of their folder, until this process is killed."""
    made = load(spec, lake=str(root))
    pipeline = Pipeline(made.spec, DiskStore(root, calls), made.edges)
    serve([(app, 0) for app in apps(pipeline, (LAND, STAGE), wait)], ready)


@dataclass
class Job:
    """A request, the folder that it fills, and all that the lake holds afterwards."""

    kind: str
    date: str
    #: Parameter -> folder of the lake.
    folders: dict[str, str]
    #: By `Jobs.undisturbed`: the folder it fills, and the lake, control files apart.
    filled: dict[str, str] = field(default_factory=dict)
    lake: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return self.folders[KINDS[self.kind].parameters[-1]]

    def body(self, root: Path) -> dict[str, str]:
        found = {name: str(root / folder) for name, folder in self.folders.items()}
        return {"date": self.date, **found} if self.kind == "land" else found


def job(kind: str, date: str) -> Job:
    """The job of a date, always into the same folder."""
    if kind == "land":
        return Job(kind, date, {"raw_dir": f"raw/sales/{DATE}"})
    return Job(kind, date, {"raw_dir": f"raw/sales/{date}", "stg_dir": f"stg/sales/{DATE}"})


@dataclass
class Jobs:
    """Jobs whose servers are killed, always from the same start; after each another server takes the next job."""

    api: Api
    spec: str
    folder: Path
    start: Path
    job: Job
    #: The job that comes next, instead of the same again, now and then.
    other: Job
    exchanging: bool
    before: dict[str, str] = field(default_factory=dict)
    #: How many changes of the disk the job makes.
    changes: int = 0
    figures: Counter[str] = field(default_factory=Counter)

    def fresh(self, name: str) -> Path:
        """A lake as it lay at the start, hard links and all."""
        root = self.folder / name
        subprocess.run(["cp", "-a", self.start, root], check=True)
        return root

    def undisturbed(self) -> list[str]:
        """What the jobs make of the lake if nobody kills them; the changes that the first one makes, in order."""
        self.before = tree(self.start / self.job.target)
        reading, writing = os.pipe()
        for job, told in ((self.other, None), (self.job, writing)):
            root = self.fresh(f"undisturbed-{job.date}")
            with Server(self.spec, root, Deadly(told=told, exchanging=self.exchanging)) as server:
                status, answer = server.post(job.kind, job.body(root))
            assert (status, answer["message"]) == (201, KINDS[job.kind].message), answer
            job.filled, job.lake = tree(root / job.target), lake_tree(root)
        os.close(writing)
        with os.fdopen(reading) as changes:
            return changes.read().split()

    def once(self, number: int, at: int, *, halfway: bool) -> None:
        """Kill the server at change `at`, now and then the next one too; then one takes that job, or another one."""
        root = self.fresh(f"lake-{number}")
        base = commit(root, self.job.target)
        assert self.killed(root, at, halfway=halfway), f"change {at}: not killed"
        if number % 4 == 1:
            self.figures["second_kills"] += self.killed(root, 1 + at * 37 % self.changes)
        self.next(root, base, self.other if number % 4 == 3 else self.job, at)
        self.figures["kills"] += 1
        shutil.rmtree(root)

    def killed(self, root: Path, at: int, *, halfway: bool = False) -> bool:
        """Whether the server was killed at change `at` of the job; it need not come so far when it goes on with one."""
        with Server(self.spec, root, Deadly(at, halfway, exchanging=self.exchanging)) as server:
            answer = server.post(self.job.kind, self.job.body(root))
            if answer is None:
                assert server.ended() == -signal.SIGKILL, f"change {at}: ended with {server.ended()}"
            else:
                assert answer[0] == 201, f"change {at}: {answer}"
        self.seen(tree(root / self.job.target), at)
        return answer is None

    def seen(self, left: dict[str, str], at: int) -> None:
        """What a kill leaves is whole: all old content, or the new; or, between two renames, none."""
        states = {"before": self.before, "after": self.job.filled, **({} if self.exchanging else {"between": {}})}
        state = next((name for name, files in states.items() if files == left), None)
        assert state, f"killed at change {at}: a mixture of {sorted(left)}"
        self.figures[state] += 1

    def next(self, root: Path, base: Record | None, job: Job, at: int) -> None:
        """A healthy server takes a job: 201, a lake as if nothing had happened, nothing fetched twice, no leftovers."""
        old, now = base.run if base else "", commit(root, self.job.target)
        had = durable(root, self.job.target, old)
        waiting = bool(now and now.run != old and not now.shown)
        committed = bool(now and now.run != old)
        self.api.forget_requests()
        with Server(self.spec, root) as server:
            status, answer = server.post(job.kind, job.body(root))
        told = f"killed at change {at}, then {job.kind} {job.date}"
        assert (status, answer["message"]) == (201, KINDS[job.kind].message), f"{told}: {answer}"
        asked = asked_once(self.api.log(), job.date)
        if job.kind == "stage":
            assert self.api.log() == [], f"{told}: a stage job asks the API nothing"
        elif job is self.job and waiting:
            assert asked == [], f"{told}: committed already, yet asked for {asked}"
        elif job is self.job and not committed:
            assert not had & set(asked), f"{told}: durable {sorted(had)}, yet asked for {asked}"
            assert PAGES + 1 not in had or asked == [], f"{told}: the end was durable, yet asked for {asked}"
            assert len([page for page in asked if page > PAGES + 1]) < CONCURRENCY, f"{told}: asked for {asked}"
        assert lake_tree(root) == job.lake, f"{told}: another tree"
        self.clean(root, job, told)

    def clean(self, root: Path, job: Job, told: str) -> None:
        """The record says what is there, and nothing stays in the folder of temporary files for good."""
        now = commit(root, job.target)
        assert now is not None, told
        assert (now.partition, now.shown, now.folder, public(now)) == (job.date, True, job.target, set(job.filled)), (
            told
        )
        DiskStore(root).tidy(datetime.now(UTC) + timedelta(days=1))
        assert list((root / "_levada" / "tmp").iterdir()) == [], f"{told}: temporary files that nobody takes away"


def every_change(
    api: Api, spec: str, folder: Path, *, start: str, kind: str, every: int = 1, exchanging: bool = True
) -> dict:
    """Kill the server of a job before each change, and in the middle of its writes, or at a sample of these moments."""
    jobs = Jobs(api, spec, folder, Path(start), job(kind, DATE), job(kind, OTHER), exchanging)
    changes = jobs.undisturbed()
    assert jobs.before != jobs.job.filled, "nothing to do from this start"
    jobs.changes, all_moments = len(changes), moments(changes)
    chosen = sample(changes, all_moments, every)
    for number, (at, halfway) in enumerate(chosen):
        jobs.once(number, at, halfway=halfway)
    return {
        "changes": {change: changes.count(change) for change in CHANGES},
        "moments": len(all_moments),
        **jobs.figures,
    }


def moments(changes: list[str]) -> list[tuple[int, bool]]:
    """Before each change; of a write in its middle, too."""
    halves = {"write": (False, True)}
    return [(at, half) for at, kind in enumerate(changes, start=1) for half in halves.get(kind, (False,))]


def sample(changes: list[str], moments: list[tuple[int, bool]], every: int) -> list[tuple[int, bool]]:
    """Each `every`-th moment, and all before and after a change of a folder."""
    near = {at + after for at, kind in enumerate(changes, start=1) for after in (0, 1) if kind in OF_FOLDERS}
    return [moment for number, moment in enumerate(moments) if number % every == 0 or moment[0] in near]


def main() -> None:
    mode, url, spec, folder = sys.argv[1:5]
    options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    os.environ.update(SALES_API_URL=url, AUTH_TOKEN=TOKEN)
    Path(folder).mkdir(parents=True, exist_ok=True)
    if mode == "serve":
        serving(spec, Path(folder), lambda ports: print(json.dumps(ports), flush=True), **options)
    else:
        print(json.dumps(every_change(Api(url), spec, Path(folder), **options)))


if __name__ == "__main__":
    main()
