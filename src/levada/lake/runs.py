"""The run folders of a partition: what each run wrote down about itself, read back."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from levada.errors import ContractBroken, FixThis, LevadaError, TryLater
from levada.lake.area import Area
from levada.lake.record import FORMAT, Record
from levada.lake.store import Missing
from levada.lake.verify import sha256
from levada.nouns import Counts, Holder, PageFacts, Run
from levada.secret import redact

__all__ = [
    "SWEPT",
    "Durable",
    "Failure",
    "RunFolder",
    "Taken",
    "WorkFile",
    "durable_pages",
    "facts_so_far",
    "failure_of",
    "lost_record",
    "read_failure",
    "read_run",
    "read_work",
    "record_gone",
    "run_folders",
    "unfinished",
]

#: In a run's folder while its pages go: one that sweeps may stand still, and go on when another has the partition.
SWEPT = "swept.json"
_Noun = TypeVar("_Noun")
#: As edges.run_id makes it.
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]+")
_FACTS = re.compile(r"pages/([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class Taken:
    """A durable answer by its keys, whichever run wrote it."""

    number: int
    facts: str
    #: None for answers that are no data.
    body: str | None


@dataclass(frozen=True, slots=True)
class WorkFile:
    """`work.json`: written first, says what the run's pages answer to and which it took over from an earlier run."""

    run: str
    started: datetime
    by: Holder
    #: "" for a run that asks the API nothing.
    request: str
    contract: str
    taken: tuple[Taken, ...]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Failure:
    """`failed.json`: why a run ended without a commit, secrets redacted."""

    #: FixThis, ContractBroken or TryLater; for a bug the name of its exception.
    kind: str
    what: str
    where: str
    todo: str
    at: datetime
    counts: Counts
    #: For TryLater: when trying again makes sense, where it is known.
    later: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What lies in a run's folder: names relative to it, sorted."""

    area: Area
    run: str
    names: tuple[str, ...]

    def key(self, name: str) -> str:
        """The key of one of its files."""
        return self.area.run(self.run, name)

    @property
    def closed(self) -> bool:
        """Whether the run came to its end: committed, or found that nothing had changed."""
        return "run.json" in self.names

    @property
    def swept(self) -> bool:
        """Whether its pages may go at any moment: nobody takes them over any more."""
        return SWEPT in self.names

    @property
    def own(self) -> list[Taken]:
        """The answers that this run landed itself, by number."""
        held = set(self.names)
        numbers = sorted(int(found[1]) for name in held if (found := _FACTS.fullmatch(name)))
        bodies = [f"pages/{number}.body" for number in numbers]
        return [
            Taken(number, self.key(f"pages/{number}.json"), self.key(body) if body in held else None)
            for number, body in zip(numbers, bodies, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Durable:
    """An answer that survived: where it is and what it was."""

    taken: Taken
    facts: PageFacts


def run_folders(area: Area, keys: Sequence[str] | None = None) -> list[RunFolder]:
    """The run folders of a partition, oldest first; `keys` are those of the partition, where they are known already."""
    found: dict[str, list[str]] = {}
    for key in keys if keys is not None else (entry.key for entry in area.store.list(area.runs)):
        run = area.run_of(key)
        if run and _NAME.fullmatch(run):  # a copy that somebody made is not ours to read, nor to sweep
            found.setdefault(run, []).append(key[len(area.run(run)) + 1 :])
    return [RunFolder(area, run, tuple(names)) for run, names in sorted(found.items())]


def read_work(folder: RunFolder) -> WorkFile | None:
    """The run's `work.json`; None if there is none, a power cut emptied it, or a newer Levada wrote it."""
    work = _decoded(folder.area, folder.key("work.json"), WorkFile)
    return work if work and work.format <= FORMAT else None


def unfinished(folders: Sequence[RunFolder], record: Record | None) -> tuple[RunFolder, WorkFile] | None:
    """The run whose pages may be continued, before its age and its failure are looked at.

    Only the latest run that asked the API: what came before it was taken over by it, or given up. Staging in between
    changes nothing. None if that run came to its end or is being swept, or if it, or one after it, made what is
    committed.
    """
    over = record.last_fetch if record else ""
    for folder in reversed(folders):
        if folder.run <= over or (work := read_work(folder)) is None:
            return None
        if work.request:
            return None if folder.closed or folder.swept else (folder, work)
    return None


def read_failure(folder: RunFolder) -> Failure | None:
    """The run's `failed.json`; None if there is none or a power cut emptied it."""
    return _decoded(folder.area, folder.key("failed.json"), Failure)


def read_run(folder: RunFolder) -> Run | None:
    """The run's `run.json`; None if there is none or a power cut emptied it."""
    return _decoded(folder.area, folder.key("run.json"), Run)


def lost_record(folders: Sequence[RunFolder]) -> Run | None:
    """The latest run that ended with a commit, of a partition that has no record: somebody removed it. None: none."""
    for folder in reversed(folders):
        run = read_run(folder) if folder.closed else None
        if run and run.level is not None:
            return run
    return None


def record_gone(area: Area, run: Run) -> FixThis:
    """What is told of such a partition."""
    ended = f"run {run.run} ended with a commit of {len(run.files)} file{'' if len(run.files) == 1 else 's'}"
    return FixThis(
        f"the commit record is gone: {ended}, and what it holds is not known any more",
        where=area.named(area.commit),
        todo="put it back from a copy; or make the partition anew: `levada stage --adopt` from the raw files that lie "
        "there, unless their names tell rows (`for_each`), `levada run --adopt` from the source",
    )


def failure_of(error: BaseException, counts: Counts, at: datetime) -> Failure:
    """What `failed.json` says of an error."""
    kind = next((k.__name__ for k in (FixThis, ContractBroken, TryLater) if isinstance(error, k)), type(error).__name__)
    later = error.at if isinstance(error, TryLater) else None
    texts = (error.what, error.where, error.todo) if isinstance(error, LevadaError) else (str(error) or kind, "", "")
    what, where, todo = (redact(text) for text in texts)
    return Failure(kind, what, where, todo, at, counts, later)


def durable_pages(folder: RunFolder, work: WorkFile) -> list[Durable]:
    """Answers that can be used again, in order from 1: taken over, then its own.

    The first one that is damaged, or of a run that is being swept, ends them.
    """
    pages: list[Durable] = []
    area = folder.area
    givers = {run for taken in work.taken if (run := area.run_of(taken.facts))}
    swept = {run for run in givers if area.store.head(area.run(run, SWEPT))}
    known = {taken.number: taken for taken in (*work.taken, *folder.own)}
    while taken := known.get(len(pages) + 1):
        facts = None if area.run_of(taken.facts) in swept else _decoded(area, taken.facts, PageFacts)
        if facts is None or facts.number != taken.number or not _whole(area, taken, facts):
            break
        pages.append(Durable(taken, facts))
    return pages


def facts_so_far(folder: RunFolder, work: WorkFile) -> Iterator[PageFacts]:
    """The facts of all answers that a run has, readable ones only; the bodies are not looked at."""
    for taken in (*work.taken, *folder.own):
        if facts := _decoded(folder.area, taken.facts, PageFacts):
            yield facts


def _decoded(area: Area, key: str, kind: type[_Noun]) -> _Noun | None:
    """The noun under `key`, None where there is none that can be read."""
    try:
        return msgspec.json.decode(area.store.read(key), type=kind)
    except (Missing, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _whole(area: Area, taken: Taken, facts: PageFacts) -> bool:
    if facts.means != "page":
        return True
    return taken.body is not None and sha256(area.store, taken.body) == facts.sha256
