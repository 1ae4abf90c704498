"""Puts right what can be put right without asking anybody: commits are shown, files restored from their own bytes.

Nothing is fetched or made anew, and no file goes that is in no record.
"""

from dataclasses import replace

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake.area import Area
from levada.lake.commit import finish, owner, restore
from levada.lake.lease import Lease, hold, reread
from levada.lake.record import Record, public_names
from levada.lake.showing import mending
from levada.lake.verify import digest
from levada.nouns import LakeFile

__all__ = ["repair"]


def repair(area: Area, edges: Edges, wait: float = 0.0) -> tuple[str, ...]:
    """Restore what a partition's commit record says, as far as its bytes are still somewhere; what was done, in words.

    A file's kept bytes are taken from its public name, or from another file of the commit with the same content; a
    public name is made again from the kept bytes, unless another partition's commit has it by now. What a run was
    stopped at between its commit and its end is finished, except for a folder of a job in which files of somebody else
    lie, and for Delta tables: those are left to the next run.

    Args:
        area: The partition.
        edges: The clock.
        wait: Seconds to wait for a run that is at work on it.

    Raises:
        LeaseHeld: a run is at work on it.
        Lost: another run may have taken it over.
    """
    done: list[str] = []
    with hold(area, edges, wait) as lease:
        if lease.record is None:
            return ()
        with mending(area, lease.record):
            for file in lease.record.files:
                restore(area.store, _mine(area, file), lease.record.files, done.append)
        if not lease.record.shown and _may_finish(lease, lease.record):
            done += _finished(reread(lease))
    return tuple(done)


def _mine(area: Area, file: LakeFile) -> LakeFile:
    """The file, without its public name if that belongs to another partition by now, or nothing may stand there."""
    if file.public is None:
        return file
    try:
        there = area.store.head(file.public)
    except FixThis:  # a folder, a pipe: nobody knows whose
        return replace(file, public=None)
    if there is None or there.link or digest(area.store, file.public) == file.sha256:
        return file
    return replace(file, public=None) if owner(area, [file.public]) else file


def _may_finish(lease: Lease, record: Record) -> bool:
    if record.table is not None:
        return False
    if record.folder is None:
        return True
    try:
        there = {entry.key for entry in lease.area.store.entries(record.folder)}
    except FixThis:
        return False
    return there <= public_names(record.files)


def _finished(lease: Lease) -> list[str]:
    try:
        finish(lease)
    except FixThis:  # its files are damaged, which is told by name
        return []
    return [f"{lease.area.commit}: what it says is shown now"]
