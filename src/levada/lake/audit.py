"""Whether a lake holds what its commit records say: missing, changed and extra files, commits that are not shown yet.

commit records ──► what each file should be ──► what lies there ──► findings
              └──► names that are the lake's own ──► what lies beside them ──► extra files

Nothing is written, and no lease is taken: a partition whose record changed meanwhile is looked at again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from levada.errors import FixThis, TryLater
from levada.lake.abreast import each
from levada.lake.area import Area, listed
from levada.lake.beside import Beside
from levada.lake.lease import record_of
from levada.lake.record import Record
from levada.lake.runs import lost_record, record_gone, run_folders
from levada.lake.store import Entry, Store
from levada.lake.verify import LINK, digest
from levada.nouns import LakeFile

__all__ = ["Audit", "Besides", "Finding", "FindingKind", "Verified", "chosen", "held_to", "judged"]

#: What can be wrong. "extra" is told only: a file that is in no record may be anybody's.
FindingKind = Literal["missing", "changed", "not shown", "damaged", "extra", "busy"]
#: How often a partition is looked at that changes meanwhile.
_LOOKS = 3
#: Partitions that are looked at at once where a store answers many calls as fast as one.
_TOGETHER = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as a commit record says."""

    kind: FindingKind
    #: The key or public name, relative to the lake.
    key: str
    #: page, joined, staged, quarantine; record for a commit record; "" for what is in none.
    file: str = ""
    #: Bytes and SHA-256 as committed; None where no record says.
    size: int | None = None
    sha256: str | None = None
    #: What lies there now; None for what is missing, and for what was not read: the size tells enough.
    found_size: int | None = None
    found: str | None = None
    #: What is known besides, and what to do about it.
    why: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """One partition of one stream, held to its commit record."""

    pipeline: str
    stream: str
    partition: str
    #: The run that made the commit; None where the record cannot be read.
    run: str | None = None
    #: Files of the commit, and their bytes, each counted once.
    files: int = 0
    size: int = 0
    findings: tuple[Finding, ...] = ()
    #: What a repair put right.
    repaired: tuple[str, ...] = ()


#: Takes the record of a partition, and keys that are known to be wrong.
Besides: TypeAlias = Callable[[Record, frozenset[str]], Iterable[Finding]]


def judged(file: LakeFile, there: Entry, found: str | None) -> Finding | None:
    """What is wrong with the bytes under one of the two names of `file`; None if they are those committed.

    Args:
        file: What the record says.
        there: What the store knows of the name.
        found: SHA-256 of the bytes; None if they were not read.
    """
    told = Finding("changed", there.key, file.kind, file.size, file.sha256, there.size, found, todo=_todo(file))
    if there.link:
        return replace(told, found_size=None, found=LINK)
    return None if there.size == file.size and found in (None, file.sha256) else told


def _todo(file: LakeFile) -> str:
    again = "`levada stage`" if file.kind in {"staged", "quarantine"} else "`levada run`"
    return f"{again} for this partition makes it again, where `levada verify --repair` does not restore it"


class Audit:
    """Holds a lake to its commit records, one partition after the other; then tells what is in none of them."""

    def __init__(self, store: Store, *, quick: bool = False, deep: bool = True, besides: Besides | None = None) -> None:
        """Look at nothing yet.

        Args:
            store: The lake.
            quick: Compare sizes only, and read nothing but records.
            deep: Look for files without a record also where other partitions lie than those that are looked at.
            besides: Finds what is wrong with what else shows a commit: tables.
        """
        self._store, self._quick, self._besides = store, quick, besides or (lambda _record, _wrong: [])
        self._beside = Beside(store, deep=deep)

    def of(self, areas: Sequence[Area]) -> Iterator[Verified]:
        """What is found in each of these partitions, in their order, several at once where that is faster."""
        for some in _batches(areas, _TOGETHER if self._store.abreast > 1 else 1):
            yield from each(self._store, lambda area: self._one(area, alone=len(some) == 1), some, reading=True)  # noqa: B023 - done before the next

    def one(self, area: Area) -> Verified:
        """What is found in one partition."""
        return self._one(area, alone=True)

    def _one(self, area: Area, *, alone: bool) -> Verified:
        for _ in range(_LOOKS):
            entries = tuple(area.store.list(area.folder))
            tag = next((entry.tag for entry in entries if entry.key == area.commit), None)
            try:
                record = record_of(area)
            except FixThis as error:
                self._beside.unreadable()
                damaged = Finding("damaged", area.commit, "record", why=error.what, todo=error.todo)
                return _told(area, None, [damaged])
            if record is None:
                return self._without(area, entries)
            try:
                findings = self._look(area, record, entries, alone=alone)
            except TryLater:
                if _tag(area) == tag:
                    raise
                continue
            if not findings or _tag(area) == tag:
                self._beside.learn(record)
                return _told(area, record, findings)
        todo = "verify it again when no run of it is at work"
        why = "the partition was committed anew while it was read"
        return _told(area, None, [Finding("busy", area.commit, "record", why=why, todo=todo)])

    def _look(self, area: Area, record: Record, entries: Sequence[Entry], *, alone: bool) -> list[Finding]:
        wrong = _files(area, record, entries, quick=self._quick, alone=alone)
        beside = self._besides(record, frozenset(finding.key for finding in wrong))
        return [*wrong, *beside, *_unshown(area, record), *_strangers(area, entries)]

    def _without(self, area: Area, entries: Sequence[Entry]) -> Verified:
        """A partition without a record: nothing was ever committed, or somebody removed it."""
        run = lost_record(run_folders(area, [entry.key for entry in entries]))
        if run is None or area.store.held(area.lock) is not None:
            return _told(area, None, [])
        self._beside.look_beside(run.files, run.partition if not area.of_folder else None)
        gone = record_gone(area, run)
        return _told(area, None, [Finding("missing", area.commit, "record", why=gone.what, todo=gone.todo)])

    def extras(self) -> list[Finding]:
        """Files that lie where public files of these partitions lie and are in no commit record of the lake, sorted.

        None are told while a record of the lake cannot be read: they could be its own.
        """
        why, todo = "it is in no commit record", "move it away if you do not know it: who reads by names reads it too"
        found = self._beside.strangers()
        return [Finding("extra", entry.key, found_size=entry.size, why=why, todo=todo) for entry in found]


def _batches(areas: Sequence[Area], size: int) -> Iterator[Sequence[Area]]:
    return (areas[start : start + size] for start in range(0, len(areas), size))


def _tag(area: Area) -> str | None:
    entry = area.store.head(area.commit)
    return entry.tag if entry else None


def chosen(store: Store, names: Iterable[str]) -> list[Area]:
    """The partitions that `names` choose and that are, or were, committed; all of them without any.

    Args:
        store: The lake.
        names: pipeline, pipeline/stream or pipeline/stream/partition.

    Raises:
        FixThis: a name chooses none.
    """
    found: dict[Area, None] = {}
    for name in dict.fromkeys(names) or ("",):
        pipeline, stream, partition = (*name.split("/", 2), "", "")[:3]
        some = listed(store, *(part for part in (pipeline, stream) if part))
        mine = [area for area, keys in some if partition in ("", area.partition) and _was_committed(area, keys)]
        if name and not mine:
            raise FixThis(
                f"Nothing is committed that {name} names.",
                where=store.describe(),
                todo="name a pipeline, pipeline/stream or pipeline/stream/partition, as `levada status` lists them",
            )
        found.update(dict.fromkeys(mine))
    return list(found)


def _was_committed(area: Area, keys: Sequence[str]) -> bool:
    return area.commit in keys or lost_record(run_folders(area, keys)) is not None


def _told(area: Area, record: Record | None, findings: Iterable[Finding]) -> Verified:
    files = record.files if record else ()
    size, run = sum(file.size for file in files), record.run if record else None
    return Verified(area.pipeline, area.stream, area.partition, run, len(files), size, tuple(findings))


def _files(area: Area, record: Record, entries: Sequence[Entry], *, quick: bool, alone: bool) -> list[Finding]:
    """What is wrong with the files of a record, and with the public names that are shown."""
    store, there = area.store, {entry.key: entry for entry in entries}

    def look(file: LakeFile) -> list[Finding]:
        kept = _at(store, file, file.key, there.get(file.key))
        wrong = _look(store, file, kept, quick=quick)
        if file.public is None or not record.shown:
            return [wrong] if wrong else []
        shown = _at(store, file, file.public)
        other = None if wrong is None and _alike(kept, shown) else _look(store, file, shown, quick=quick)
        return [finding for finding in (wrong, other) if finding]

    found = each(store, look, record.files, reading=not quick) if alone else map(look, record.files)
    return [finding for some in found for finding in some]


def held_to(store: Store, file: LakeFile, key: str, *, quick: bool) -> Finding | None:
    """What is wrong with what lies under `key`, where the bytes of `file` should be."""
    return _look(store, file, _at(store, file, key), quick=quick)


def _at(store: Store, file: LakeFile, key: str, known: Entry | None = None) -> Entry | Finding:
    """What lies under `key`; a finding where nothing does, or what can be no file: a pipe, a folder."""
    wrong = Finding("missing", key, file.kind, file.size, file.sha256, todo=_todo(file))
    try:
        return known or store.head(key) or wrong  # a list leaves links out: what it lacks is asked for by name
    except FixThis as error:
        return replace(wrong, kind="changed", why=error.what)


def _alike(one: Entry | Finding, other: Entry | Finding) -> bool:
    return isinstance(one, Entry) and isinstance(other, Entry) and one.tag == other.tag


def _look(store: Store, file: LakeFile, there: Entry | Finding, *, quick: bool) -> Finding | None:
    if isinstance(there, Finding):
        return there
    if quick or there.link or there.size != file.size:
        return judged(file, there, None)
    return judged(file, there, digest(store, there.key) or "")


def _unshown(area: Area, record: Record) -> Iterator[Finding]:
    if record.shown:
        return
    running = area.store.held(area.lock) is not None
    if running:
        why, todo = "a run is at work, and is about to show it", "verify it again when that run has ended"
    else:
        why = "a run was stopped after it had committed this and before its public names were made"
        todo = "`levada verify --repair` finishes it; so does the next `levada run`"
        if record.level == "staged" and record.stale_tables:
            why = f"{why}, or its rows taken out of {record.stale_tables[0].name}, which its spec names no more"
            todo = "the next `levada run` or `levada replay` of this partition finishes it"
    yield Finding("busy" if running else "not shown", area.commit, "record", why=why, todo=todo)


def _strangers(area: Area, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Files among the partition's control files that no run made."""
    keys = [entry.key for entry in entries]
    ours = {area.lock, area.commit, *(folder.key(name) for folder in run_folders(area, keys) for name in folder.names)}
    for entry in entries:
        if entry.key not in ours:
            todo = "move it away; Levada never reads it"
            yield Finding("extra", entry.key, found_size=entry.size, why="no run made it", todo=todo)
