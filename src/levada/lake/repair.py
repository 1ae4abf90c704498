"""Puts right what can be put right without asking anybody: commits are shown, files restored from their own bytes.

Nothing is fetched or made anew, and no file goes that is in no record.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from levada.edges import Edges
from levada.errors import FixThis
from levada.lake.area import Area
from levada.lake.commit import Aside, finish, restore_own
from levada.lake.lease import Lease, hold, reread, stands
from levada.lake.record import Record, public_names
from levada.lake.showing import mending
from levada.lake.verify import Problem, check_file, check_key
from levada.nouns import LakeFile

__all__ = ["Besides", "repair"]


class Besides(Protocol):
    """What else shows commits: tables."""

    def copies(self, record: Record) -> Iterable[LakeFile]:
        """Files that should have the bytes of some of the record's."""
        ...

    def show(self, record: Record, stands: Callable[[], bool]) -> str | None:
        """Show the record, while it stands; in words, if it was known not to be shown."""
        ...


def repair(area: Area, edges: Edges, wait: float = 0.0, besides: Besides | None = None) -> tuple[str, ...]:
    """Restore what a partition's commit record says, as far as its bytes are still somewhere; what was done, in words.

    A file's kept bytes are taken from its public name, from another file of the commit with the same content, or from
    the table that shows it; a public name is made again from the kept bytes, unless another partition's commit has it
    by now; a table is shown the commit again. What a run was stopped at between its commit and its end is finished,
    except for a folder of a job in which files of somebody else lie, and for tables that the spec names no more: these
    are left to the next job, or run.

    Args:
        area: The partition.
        edges: The clock.
        wait: Seconds to wait for a run that is at work on it.
        besides: Tables; commits with one are not finished without.

    Raises:
        LeaseHeld: a run is at work on it.
        Lost: another run may have taken it over.
        TryLater: a table could not be written.
    """
    with hold(area, edges, wait) as lease:
        return tuple(_repaired(lease, lease.record, besides)) if lease.record else ()


def _repaired(lease: Lease, record: Record, besides: Besides | None) -> list[str]:
    done: list[str] = []
    tables = besides if record.table else None
    spares = (*record.files, *(tables.copies(record) if tables else ()))
    with mending(lease.area, record):
        broken = [file for file in record.files if _restore(lease.area, file, spares, done.append)]
    if not record.shown:
        return [*done, *(_finished(reread(lease), tables) if _may_finish(lease, record, tables) else ())]
    if tables and not any(file.format == "delta" for file in broken):
        said = tables.show(record, lambda: stands(lease.area, record))
        done += [said] if said else []
    return done


def _restore(area: Area, file: LakeFile, spares: Iterable[LakeFile], told: Callable[[str], None]) -> list[Problem]:
    """What is still wrong with the file when all was done for it that can be."""
    try:
        problems = check_file(area.store, file)
    except FixThis:  # a folder, a pipe under the public name: nobody knows whose
        file, problems = replace(file, public=None), check_key(area.store, file)
    return restore_own(area, file, problems, spares, told)


def _may_finish(lease: Lease, record: Record, tables: Besides | None) -> bool:
    if (record.table is not None and tables is None) or (record.level == "staged" and record.stale_tables):
        return False
    if record.folder is None:
        return True
    try:
        there = {entry.key for entry in lease.area.store.entries(record.folder)}
    except FixThis:
        return False
    return there <= public_names(record.files)


def _finished(lease: Lease, tables: Besides | None) -> list[str]:
    def show(record: Record) -> None:
        if tables:
            tables.show(record, lambda: stands(lease.area, record))

    try:
        finish(lease, Aside(show=show))
    except FixThis:  # its files are damaged, which is told by name
        return []
    return [f"{lease.area.commit}: what it says is shown now"]
