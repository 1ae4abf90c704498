"""What `run --missing` would do to each partition that is wanted, and why. Pure.

partitions wanted, what the lake says of each ──► does, why

Files are not read for it: what `levada verify` would find is not known here, and a run looks at it by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from levada.lake.status import PartitionState, PartitionStatus
from levada.nouns import Partition

__all__ = ["Does", "Due", "Found", "Wanted", "due"]

#: Ask the API for all of it; go on with what an interrupted run had; do what needs no request; leave it alone; end with
#: an error, or wait for another run.
Does: TypeAlias = Literal["fetch", "continue", "finish", "skip", "cannot"]
#: What the lake says, by stream and partition.
Found: TypeAlias = Mapping[tuple[str, str], PartitionStatus]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One partition of one stream that somebody wants to have."""

    stream: str
    partition: Partition
    #: Streams whose commits of the same partition it is made from.
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What a run would do to it."""

    stream: str
    partition: str
    #: "missing" where the lake has never heard of it.
    state: PartitionState | Literal["missing"]
    does: Does
    #: One line for people.
    why: str


def due(wanted: Iterable[Wanted], found: Found, now: datetime) -> list[Due]:
    """What would be done to each, in their order, which is that of the run: parents come before their children.

    Args:
        wanted: The partitions.
        found: What the lake says of them and of their parents; others are of no interest.
        now: The present moment.
    """
    known: dict[tuple[str, str], Due] = {}
    for one in wanted:
        status = found.get((one.stream, one.partition.key))
        does, why = _of(status, one, now)
        if does == "fetch" and (lacking := next(_lacking(one, found, known), None)):
            does, why = "cannot", lacking
        state = status.state if status else "missing"
        known[one.stream, one.partition.key] = Due(one.stream, one.partition.key, state, does, why)
    return list(known.values())


def _lacking(one: Wanted, found: Found, known: Mapping[tuple[str, str], Due]) -> Iterator[str]:
    """What stands in the way of a child: nothing of a parent is committed, and none will be before it."""
    for parent in one.parents:
        key = (parent, one.partition.key)
        if key in known and known[key].does == "cannot":
            yield f"it is made from {parent}, which cannot be run"
        elif key not in known and not _stands(found.get(key)):
            yield f"it is made from {parent}, of which nothing is committed: choose that stream, too"


def _stands(status: PartitionStatus | None) -> bool:
    return status is not None and status.committed is not None


def _of(status: PartitionStatus | None, one: Wanted, now: datetime) -> tuple[Does, str]:
    if status is None:
        return "fetch", f"nothing is committed{_future(one.partition, now)}"
    if status.state == "running":
        return "cannot", "a run is at work on it"
    if status.state == "damaged":
        return "cannot", f"its commit record is damaged or gone: {_first_line(status.error)}"
    return _committed(status, one) if status.committed is not None else _uncommitted(status)


def _uncommitted(status: PartitionStatus) -> tuple[Does, str]:
    if status.unfinished_pages:
        many = f"{status.unfinished_pages} answer{'' if status.unfinished_pages == 1 else 's'}"
        failed = f"; the latest run failed: {_first_line(status.error)}" if status.error else ""
        return "continue", f"nothing is committed; an interrupted run had {many}{failed}"
    if status.error:
        return "fetch", f"nothing is committed, the latest run failed: {_first_line(status.error)}"
    if status.state == "no data":
        return "fetch", "nothing is committed, the latest run found nothing new"
    return "fetch", "nothing is committed, a run was stopped before any answer came"


def _committed(status: PartitionStatus, one: Wanted) -> tuple[Does, str]:
    """Of what is committed: as the order of the rooms has it, whatever became of runs after the commit."""
    failed = f"; a later run failed: {_first_line(status.error)}" if status.state == "failed" else ""
    if status.unshown:
        return "finish", f"committed, and its files are not shown yet{failed}"
    if status.unloaded:
        return "finish", f"committed, and its table has not taken the rows yet{failed}"
    if status.gaps:
        return "fetch", f"committed with {len(status.gaps)} gap{'' if len(status.gaps) == 1 else 's'}{failed}"
    if status.level == "landed":
        return "finish", f"landed, and not staged yet{failed}"
    return "skip", f"complete{_early(status, one.partition)}{failed}"


def _early(status: PartitionStatus, partition: Partition) -> str:
    """Of what came before the partition was over: it may have been half a day."""
    end = partition.end if partition.by not in ("tick", "interval") else None
    if end is None or status.committed is None or status.committed >= end:
        return ""
    return f", but committed {status.committed:%Y-%m-%d %H:%M} UTC, before it was over: --again fetches it anew"


def _future(partition: Partition, now: datetime) -> str:
    if partition.start is None or partition.end is None or partition.by in ("tick", "interval") or partition.end <= now:
        return ""
    return ", and it has not begun" if partition.start > now else ", and it is not over"


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip(".")
