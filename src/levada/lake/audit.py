"""Whether a lake holds what its commit records say: missing, changed and extra files, commits that are not shown yet.

commit records ──► what each file should be ──► what lies there ──► findings

Nothing is written, and no lease is taken: a partition whose record changed meanwhile is looked at again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from levada.errors import FixThis
from levada.lake.abreast import each
from levada.lake.area import Area, committed
from levada.lake.lease import read_record
from levada.lake.record import Record, public_names
from levada.lake.runs import run_folders
from levada.lake.store import Entry, Store
from levada.lake.verify import LINK, digest
from levada.nouns import LakeFile

__all__ = ["Finding", "FindingKind", "Verified", "chosen", "extras", "judged", "verified"]

#: What can be wrong. "extra" is told only: a file that is in no record may be anybody's.
FindingKind = Literal["missing", "changed", "not shown", "damaged", "extra", "busy"]
#: How often a partition is looked at that changes meanwhile.
_LOOKS = 3
#: How the names of files begin that tools leave beside data: _SUCCESS, .sales_1.json.crc. No reader takes them as data.
_ASIDE = (".", "_")


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


def chosen(store: Store, names: Iterable[str]) -> list[Area]:
    """The committed partitions that `names` choose, all of them without any.

    Args:
        store: The lake.
        names: pipeline, pipeline/stream or pipeline/stream/partition.

    Raises:
        FixThis: a name chooses none.
    """
    found: dict[Area, None] = {}
    for name in dict.fromkeys(names) or ("",):
        pipeline, stream, partition = (*name.split("/", 2), "", "")[:3]
        some = list(committed(store, *(part for part in (pipeline, stream) if part)))
        mine = [area for area in some if partition in ("", area.partition)]
        if name and not mine:
            raise FixThis(
                f"Nothing is committed that {name} names.",
                where=store.describe(),
                todo="name a pipeline, pipeline/stream or pipeline/stream/partition, as `levada status` lists them",
            )
        found.update(dict.fromkeys(mine))
    return list(found)


def verified(area: Area, *, quick: bool = False) -> Verified:
    """One partition, held to its commit record.

    Args:
        area: The partition.
        quick: Compare sizes only, and read nothing but the record.
    """
    for _ in range(_LOOKS):
        try:
            record, tag = read_record(area)
        except FixThis as error:
            damaged = Finding("damaged", area.commit, "record", why=error.what, todo=error.todo)
            return Verified(area.pipeline, area.stream, area.partition, findings=(damaged,))
        if record is None:
            break  # gone since it was listed
        entries = tuple(area.store.list(area.folder))
        wrong = _files(area, record, entries, quick=quick)
        findings = (*wrong, *_unshown(area, record), *_strangers(area, entries))
        if _tag(area) == tag:
            return _told(area, record, findings)
    todo = "verify it again when no run of it is at work"
    busy = Finding("busy", area.commit, "record", why="the partition was committed anew while it was read", todo=todo)
    return Verified(area.pipeline, area.stream, area.partition, findings=(busy,))


def _tag(area: Area) -> str | None:
    entry = area.store.head(area.commit)
    return entry.tag if entry else None


def _told(area: Area, record: Record, findings: tuple[Finding, ...]) -> Verified:
    size = sum(file.size for file in record.files)
    return Verified(area.pipeline, area.stream, area.partition, record.run, len(record.files), size, findings)


def _files(area: Area, record: Record, entries: Sequence[Entry], *, quick: bool) -> list[Finding]:
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

    return [finding for found in each(store, look, record.files, reading=not quick) for finding in found]


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
    yield Finding("busy" if running else "not shown", area.commit, "record", why=why, todo=todo)


def _strangers(area: Area, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Files among the partition's control files that no run made."""
    keys = [entry.key for entry in entries]
    ours = {area.lock, area.commit, *(folder.key(name) for folder in run_folders(area, keys) for name in folder.names)}
    for entry in entries:
        if entry.key not in ours:
            todo = "move it away; Levada never reads it"
            yield Finding("extra", entry.key, found_size=entry.size, why="no run made it", todo=todo)


def extras(store: Store, areas: Iterable[Area]) -> list[Finding]:
    """Files that lie beside the public files of these partitions and are in no commit record of the lake, sorted.

    None are told while a record of the lake cannot be read: they could be its own.
    """
    names = _names(areas)
    if names is None:
        return []
    folders = {name.rpartition("/")[0] for name in names}
    found = sorted(key for folder in folders for key in _beside(store, folder) if key not in names)
    # Read after the files were listed: what a run shows is in its record before.
    known = _names(committed(store)) if found else frozenset()
    if known is None:
        return []
    todo = "move it away if you do not know it: who reads the folder by names reads it too"
    return [
        Finding("extra", key, found_size=entry.size, why="it is in no commit record", todo=todo)
        for key in found
        if key not in known and (entry := store.head(key)) is not None
    ]


def _names(areas: Iterable[Area]) -> frozenset[str] | None:
    """The public names that these partitions have, or are about to lose; None if a record cannot be read."""
    found: set[str] = set()
    for area in areas:
        try:
            record, _ = read_record(area)
        except FixThis:
            return None
        if record:
            found |= public_names(record.files) | {*record.stale}
    return frozenset(found)


def _beside(store: Store, folder: str) -> Iterator[str]:
    """The files in `folder` itself that a reader could take for data."""
    for entry in store.list(folder):
        name = entry.key[len(folder) + 1 :] if folder else entry.key
        if "/" not in name and not name.startswith(_ASIDE):
            yield entry.key
