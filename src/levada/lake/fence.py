"""No run that lost its lease commits any more once its files may go: the commit record gets another tag before.

A run that stood still, or whose request was long on its way, commits on condition of the tag that it saw when it took
its lease. Whoever comes next and finds a run that did not come to its end writes the record anew, the same but for
`fenced`; from then on that condition does not hold. Where nothing is committed yet there is nothing to write anew:
what such runs left stays where it is until something is, and with that their condition, that there is nothing, fails.
Where somebody removed the record, all stays that it may have named: a copy of it can be put back.
"""

from collections.abc import Sequence
from dataclasses import replace

from levada.lake.lease import Lease, reread
from levada.lake.record import Record, sealed
from levada.lake.runs import RunFolder, lost_record, read_failure, read_run
from levada.lake.store import Conflict

__all__ = ["came_to_nothing", "cannot_commit", "fence"]


def fence(lease: Lease, folders: Sequence[RunFolder]) -> Lease:
    """The lease, with a record that no earlier holder can replace; as it was where no run is left that could.

    Args:
        lease: The right to work on the partition, the record read just now.
        folders: The runs before this one.

    Raises:
        Lost: the partition may be another run's by now.
    """
    record = lease.record
    if record is None:
        return lease
    left = [folder.run for folder in folders if not folder.closed and folder.run > max(record.run, record.fenced)]
    if not left:
        return lease
    lease.area.store.holding()
    fenced = replace(record, fenced=max(left))
    try:
        tag = lease.area.store.replace(lease.area.commit, sealed(fenced), lease.tag)
    except Conflict:  # one of them was in time: what it committed stands, whole
        return fence(reread(lease), folders)
    return replace(lease, record=fenced, tag=tag)


def cannot_commit(record: Record | None, folders: Sequence[RunFolder]) -> frozenset[str]:
    """The runs that are over whatever was on its way, and in no record that somebody may still put back.

    Args:
        record: What is committed, as it is after `fence`.
        folders: The runs before this one, oldest first.
    """
    if record is not None:
        return frozenset(folder.run for folder in folders)
    lost = lost_record(folders)
    return frozenset(folder.run for folder in folders if (not lost or folder.run > lost.run) and _told_its_end(folder))


def came_to_nothing(folders: Sequence[RunFolder]) -> bool:
    """Whether nothing is committed by any of these runs of a partition without a record, was, or can be any more."""
    return len(cannot_commit(None, folders)) == len(folders)


def _told_its_end(folder: RunFolder) -> bool:
    if folder.closed:
        return read_run(folder) is not None
    failure = read_failure(folder)  # one that came after tries in vain may be done all the same
    return failure is not None and failure.kind in {"FixThis", "ContractBroken"}
