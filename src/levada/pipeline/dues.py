"""What `run --missing` would do to the partitions that were chosen: what the spec wants, held to what the lake says."""

from collections.abc import Mapping, Sequence

from levada.due import Due, Found, Wanted, due
from levada.lake.status import PartitionStatus, status
from levada.nouns import Partition
from levada.pipeline.choosing import Chosen
from levada.pipeline.course import Course
from levada.pipeline.cursor import going_on
from levada.pipeline.slicing import parents
from levada.spec.interval import interval_of, partition_of
from levada.spec.model import Incremental, Stream
from levada.spec.partition import parse

__all__ = ["dues"]


def dues(course: Course, chosen: Chosen) -> list[Due]:
    """What would be done to each partition that was chosen for a run, in its order. Nothing is asked of the API."""
    found = {(one.stream, one.partition): one for one in status(course.store, course.spec.pipeline)}
    without = going_on(course.spec.streams)
    wanted = [
        Wanted(stream.name, _partition(course, without.get(stream.name), key), parents(stream))
        for key, stream in chosen.work
        if key or stream.name not in without
    ]
    onward = [_onward(stream, found) for key, stream in chosen.work if not key and stream.name in without]
    return [*due(wanted, found, course.edges.clock.now()), *onward]


def _partition(course: Course, incremental: Incremental | None, key: str) -> Partition:
    if incremental is None:
        return parse(key, course.spec.partition)
    return partition_of(incremental, interval_of(incremental, key))


def _onward(stream: Stream, found: Found) -> Due:
    """Of a stream that goes on where it stopped: whatever there is, the next run asks for what came since."""
    mine = _intervals(stream.name, found)
    if stream.incremental is None:
        return _following(stream, mine, found)
    newest = next(reversed(mine.values()), None)
    if newest is None:
        return Due(stream.name, "", "missing", "fetch", "nothing is committed: it begins at its start")
    if newest.state == "running":
        return Due(stream.name, newest.partition, "running", "cannot", "a run is at work on it")
    if newest.gaps:
        return Due(stream.name, newest.partition, newest.state, "fetch", "it stopped there: parts of it are missing")
    return Due(stream.name, "", newest.state, "fetch", f"it goes on from {newest.partition}")


def _following(stream: Stream, mine: Mapping[str, PartitionStatus], found: Found) -> Due:
    """Of a stream that takes rows or pages of such a stream: it has its intervals, one a run."""
    whole = {key for key, one in mine.items() if one.committed and not one.gaps and not one.unshown}
    theirs = [key for name in parents(stream) for key, one in _intervals(name, found).items() if one.committed]
    waiting = sorted(set(theirs) - whole)
    parent = ", ".join(parents(stream))
    if not waiting:
        return Due(stream.name, "", "done" if mine else "missing", "skip", f"complete, unless {parent} brings more")
    why = f"{len(waiting)} interval{'' if len(waiting) == 1 else 's'} of {parent} wait, one a run; this is the first"
    state = mine[waiting[0]].state if waiting[0] in mine else "missing"
    return Due(stream.name, waiting[0], state, "fetch", why)


def _intervals(stream: str, found: Found) -> dict[str, PartitionStatus]:
    """The intervals of a stream, the oldest first."""
    keys: Sequence[str] = sorted(key for name, key in found if name == stream and "--" in key)
    return {key: found[stream, key] for key in keys}
