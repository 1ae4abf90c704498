"""Clears what no reader and no run needs any more. Done by the next run of the partition, under its lease."""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from levada.edges import Edges
from levada.lake.abreast import each
from levada.lake.fence import came_to_nothing, cannot_commit, fence
from levada.lake.lease import Lease, reread
from levada.lake.record import Record
from levada.lake.runs import SWEPT, RunFolder, WorkFile, facts_so_far, read_work, run_folders, unfinished
from levada.lake.store import Exists

__all__ = ["discard", "sweep"]

#: Runs of a partition whose outcome stays readable.
_RUNS_KEPT = 100
#: What goes when all else has: a folder without `work.json` ends the search for work that can be continued.
_LAST = (SWEPT, "work.json")
#: A writer that did nothing for so long is dead.
_TIDY_AFTER = timedelta(hours=1)


def sweep(lease: Lease, edges: Edges, keep_replaced: float, resume_within: float) -> Lease:
    """Take away the pages and staged files of runs that nothing refers to, and what dead writers left.

    Before that it sees to it that no run before this one commits any more; the lease to go on with is given back.

    Stays: the run that made the record; of earlier ones the files that the record names, and what is known of their
    pages; unfinished work that can still be continued, with the runs it took pages from; and for `keep_replaced`
    seconds after a commit all that came before it, for readers that began with the record before. Of failed runs
    `failed.json` and the quarantine stay, of others `run.json`; of both `work.json`. While nothing is committed, all
    stays of runs that left no word of their end; and where somebody removed the record, of all that it may have named.

    Args:
        lease: The right to work on the partition.
        edges: The clock.
        keep_replaced: Seconds that replaced files stay readable.
        resume_within: Seconds within which unfinished work is continued.

    Raises:
        Lost: the partition may be another run's by now.
    """
    area, now = lease.area, edges.clock.now()
    folders = run_folders(area)
    own = _at_work(lease, folders)
    lease_now = fence(reread(lease), [folder for folder in folders if folder.run not in own])
    record = lease_now.record
    records = [each for each in (record, lease.record) if each is not None]
    needed = {each.run for each in records} | own
    needed |= _unfinished(record, folders, now.timestamp() - resume_within)
    named = {file.key for each in records for file in each.files}
    over = cannot_commit(record, folders) - needed
    settled = record is None or now - record.committed >= timedelta(seconds=keep_replaced)
    for number, folder in enumerate(reversed(folders)):
        # A run after the record never was in one: no reader can know it.
        due = settled or (record is not None and folder.run > record.run)
        if due and folder.run in over:
            _lighten(folder, named, wholly=number >= _RUNS_KEPT)
    area.store.tidy(now - _TIDY_AFTER)
    return lease_now


def discard(lease: Lease) -> None:
    """Take all of a partition away that came to nothing, the lock last; one that is, was or may yet be committed stays.

    Args:
        lease: The right to work on the partition.

    Raises:
        Lost: the partition may be another run's by now.
    """
    area, folders = lease.area, run_folders(lease.area)
    if lease.record is not None or not came_to_nothing(folders):
        return
    for folder in folders:
        _lighten(folder, (), wholly=True)
    area.store.holding()
    area.store.delete(area.lock)


def _at_work(lease: Lease, folders: list[RunFolder]) -> set[str]:
    """The latest run, if it is this process's own, and whom it took pages from."""
    if not folders or folders[-1].closed or (work := read_work(folders[-1])) is None:
        return set()
    return _with_givers(folders[-1], work) if work.by == lease.holder else set()


def _unfinished(record: Record | None, folders: list[RunFolder], oldest: float) -> set[str]:
    """The run that can be continued, if it is young enough, and whom it took pages from."""
    found = unfinished(folders, record)
    if found is None:
        return set()
    last = max((facts.at.timestamp() for facts in facts_so_far(*found)), default=0.0)
    return _with_givers(*found) if last > oldest else set()


def _with_givers(folder: RunFolder, work: WorkFile) -> set[str]:
    givers = {folder.area.run_of(taken.facts) for taken in work.taken}
    return {folder.run} | {run for run in givers if run}


def _lighten(folder: RunFolder, named: Collection[str], *, wholly: bool) -> None:
    """Take away what goes, all of it while the lease is this process's own.

    Deletes that are on their way when a process stands still land when another has the partition. So first the folder
    says that its pages go: whoever comes then does not take them over, and its commit names none of them.
    """
    store = folder.area.store

    def take(name: str) -> None:
        store.holding()
        store.delete(folder.key(name))

    goes = _superfluous(folder, named, wholly=wholly)
    pages = any(name.startswith("pages/") for name in goes)
    if pages:
        _announce(folder)
    each(store, take, [name for name in goes if name not in _LAST])
    for name in _LAST:
        if name in goes or (name == SWEPT and pages):
            take(name)


def _announce(folder: RunFolder) -> None:
    store = folder.area.store
    store.holding()
    with suppress(Exists):  # by one that died over it
        store.create(folder.key(SWEPT), b"{}\n")


def _superfluous(folder: RunFolder, named: Collection[str], *, wholly: bool) -> list[str]:
    # A run that was killed gave its pages, not what it had made of them; staging anew leaves pages where they are.
    gave = {name for name in folder.names if folder.key(name) in named}
    gave |= {f"{name.removesuffix('.body')}.json" for name in gave}
    stays = gave | (set() if wholly and not gave else _keepsakes(folder.names))
    return [name for name in folder.names if name not in stays]


def _keepsakes(names: Collection[str]) -> set[str]:
    # work.json says whether the run asked the API: one that did ends the work before it, however little is left of it.
    told = {"run.json", "failed.json"} & set(names)
    return told | ({"work.json"} if told else set()) | ({"quarantine.jsonl"} if "failed.json" in told else set())
