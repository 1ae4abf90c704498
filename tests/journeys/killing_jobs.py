"""Kill jobs that fill a folder, and let the next job recover: a script that forks, as killing.py is.

    python killing_jobs.py URL OLDER_URL SPEC FOLDER     with the folder of simulated.py on PYTHONPATH

Prints one JSON object a line for each kind of job, system and start, or fails with an AssertionError that says what
was lost.
"""

import errno
import hashlib
import itertools
import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from killing import DATE, Deadly, child, copied, pipeline

from levada.lake.calls import Calls
from levada.lake.record import Record
from simulated import Api

#: Of the folder that is replaced.
RIGHTS = 0o700
RAW, STG = f"raw/sales/{DATE}", f"stg/sales/{DATE}"


class TwoRenames(Calls):
    """A system that cannot exchange names."""

    def exchange(self, source: Path, parent: int, name: str) -> None:  # noqa: ARG002 - the signature of Calls
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(source), None, name)


class DeadlyTwoRenames(TwoRenames, Deadly):
    """The same, dying; an exchange that is refused changes nothing, so nobody dies before it."""


@dataclass(frozen=True)
class Jobs:
    """One kind of job on one kind of system."""

    spec: str
    job: str
    exchange: bool

    @property
    def folder(self) -> str:
        return RAW if self.job == "land" else STG

    def deadly(self, at: int = 0, *, halfway: bool = False) -> Deadly:
        return (Deadly if self.exchange else DeadlyTwoRenames)(at, halfway=halfway)

    def do(self, lake: Path, calls: Calls | None = None, job: str | None = None) -> None:
        made = pipeline(self.spec, lake, calls or (Calls() if self.exchange else TwoRenames()))
        if (job or self.job) == "land":
            made.land_into(f"{lake}/{RAW}", date=DATE)
        else:
            made.stage_into(f"{lake}/{STG}", raw_dir=f"{lake}/{RAW}")

    def record(self, lake: Path) -> Record | None:
        quoted = f"{self.folder}/".replace("/", "%2F")
        path = lake / "_levada/sales/sales" / quoted / "commit.json"
        return msgspec.json.decode(path.read_bytes(), type=Record) if path.exists() else None


def tree(lake: Path) -> dict[str, str]:
    """What users see, folders, links and pipes included: name -> SHA-256, or what it is with its rights."""
    found = {}
    for path in lake.rglob("*"):
        name = path.relative_to(lake)
        if "_levada" not in name.parts:
            plain = path.is_file() and not path.is_symlink()
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest() if plain else f"{path.lstat().st_mode:o}"
    return found


def listed(folder: Path) -> set[str] | None:
    """The names in a folder, None where there is none."""
    return {path.name for path in folder.iterdir()} if folder.exists() else None


def files_of(record: Record) -> list[tuple[str, str]]:
    return sorted((file.public or "", file.sha256) for file in record.files)


def whole(lake: Path, record: Record) -> bool:
    """What a reader finds that follows the record: its files, and each as it says."""
    return all(hashlib.sha256((lake / file.key).read_bytes()).hexdigest() == file.sha256 for file in record.files)


class Ends:
    """Where jobs begin and end, and what may be seen on the way."""

    def __init__(self, jobs: Jobs, api: Api, start: Path, folder: Path) -> None:
        self.jobs, self.api, self.start = jobs, api, start
        undisturbed = copied(start, folder / "undisturbed")
        counting = jobs.deadly()
        jobs.do(undisturbed, counting)
        self.kinds = counting.kinds
        self.tree = tree(undisturbed)
        self.before, self.after = listed(start / jobs.folder), listed(undisturbed / jobs.folder)
        self.old, new = jobs.record(start), jobs.record(undisturbed)
        assert new, "no commit"
        self.new = files_of(new)
        shutil.rmtree(undisturbed)

    def moments(self) -> Iterator[tuple[int, str, bool]]:
        """Every change, and again each write.

        Systems that differ in the swap alone do so from the commit on. A death before an fsync, which moves nothing,
        leaves what a death before the next change leaves.
        """
        first = 1 if self.jobs.exchange else self.kinds.index("rename")
        for at, kind in enumerate(self.kinds[first - 1 :], start=first):
            if kind == "fsync":
                continue
            yield at, kind, False
            if kind == "write":
                yield at, kind, True

    def seen(self, lake: Path) -> tuple[bool, bool]:
        """Look at what a killed job left: whether a commit waits to be shown, and whether the folder is away."""
        now, names = self.jobs.record(lake), listed(lake / self.jobs.folder)
        mine = now is not None and now.run != (self.old and self.old.run)
        waiting = now is not None and not now.shown
        if now:
            assert whole(lake, now), "a reader that follows the record finds other bytes"
            assert files_of(now) == (self.new if mine else self.old and files_of(self.old)), "a mixture of commits"
        possible = [self.before, self.after] if waiting else [self.after if mine else self.before]
        if waiting and not self.jobs.exchange:
            possible.append(None)
        assert names in possible, f"the folder holds {names}"
        return waiting, names is None and self.before is not None

    def recovered(self, lake: Path, calls: Calls | None, *, waiting: bool) -> int:
        """Let the next job work; how it ended."""
        self.api.forget_requests()
        code = child(lambda: self.jobs.do(lake, calls))
        asked = self.api.pages_asked()
        assert len(asked) == len(set(asked)), f"asked twice: {asked}"
        assert not (waiting and asked), f"committed already, yet asked for {asked}"
        return code

    def ended(self, lake: Path, *, away: bool) -> None:
        """Look at what the next job made of it; a folder that was away does not tell its rights any more."""
        last = self.jobs.record(lake)
        assert last, "no commit"
        assert (files_of(last), last.shown, whole(lake, last)) == (self.new, True, True), "another commit"
        if away:
            (lake / self.jobs.folder).chmod(RIGHTS)
        assert tree(lake) == self.tree, "another tree"


def every_change(ends: Ends, folder: Path, again_every: int) -> dict:
    """Kill a job before every change, and in the middle of every write; now and then the next one too; recover."""
    told: Counter[str] = Counter()
    for number, (at, kind, halfway) in enumerate(ends.moments()):
        lake = copied(ends.start, folder / f"lake-{number}")
        try:
            code = child(lambda: ends.jobs.do(lake, ends.jobs.deadly(at, halfway=halfway)))  # noqa: B023 - called at once
            assert code == -signal.SIGKILL, f"ended with {code}"
            waiting, away = ends.seen(lake)
            told.update({"kills": 1, "halfway": halfway, "waiting": waiting, "away": away})
            if number % again_every == 0:
                again = 1 + at * 37 % len(ends.kinds)
                code = ends.recovered(lake, ends.jobs.deadly(again), waiting=waiting)
                assert code in (0, -signal.SIGKILL), f"killed again at {again}: ended with {code}"
                told["second_kills"] += code != 0
                waiting, away_again = ends.seen(lake)
                away = away or away_again
            assert ends.recovered(lake, None, waiting=waiting) == 0, "the next job failed"
            ends.ended(lake, away=away)
        except AssertionError as error:
            error.add_note(f"{ends.jobs}, start {ends.start.name}, change {at}, {kind}, halfway: {halfway}")
            raise
        shutil.rmtree(lake)
    return dict(told)


def litter(folder: Path) -> None:
    """Stale files of any origin."""
    (folder / "stale.csv").write_text("a,b\n")
    (folder / f"sales_{DATE}_9.json").write_text("[]")
    (folder / "link").symlink_to("/")
    os.mkfifo(folder / "pipe")
    folder.chmod(RIGHTS)


def starts(jobs: Jobs, older: Api, api: Api, folder: Path) -> Iterator[Path]:
    """A lake without the folder, and one in which it holds an older commit and files of others."""
    folder.mkdir()
    missing, stale = folder / "missing", folder / "stale"
    for lake in (missing, stale):
        lake.mkdir()
    os.environ["SALES_API_URL"] = older.url
    jobs.do(stale, job="land")
    if jobs.job == "stage":
        jobs.do(stale)
    os.environ["SALES_API_URL"] = api.url
    if jobs.job == "stage":
        for lake in (missing, stale):
            jobs.do(lake, job="land")
    litter(stale / jobs.folder)
    yield from (missing, stale)


def main() -> None:
    api, older = Api(sys.argv[1]), Api(sys.argv[2])
    folder = Path(sys.argv[4])
    folder.mkdir(parents=True)
    os.chdir(folder)
    os.environ["AUTH_TOKEN"] = "levada-demo"
    for job, exchange in itertools.product(("land", "stage"), (True, False)):
        jobs = Jobs(sys.argv[3], job, exchange)
        for start in starts(jobs, older, api, folder / f"{job}-{exchange}"):
            ends = Ends(jobs, api, start, folder)
            told = every_change(ends, folder, again_every=5)
            facts = {"job": job, "exchange": exchange, "start": start.name, "changes": Counter(ends.kinds)}
            print(json.dumps({**facts, **told}), flush=True)


if __name__ == "__main__":
    main()
