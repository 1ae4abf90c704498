"""What `run --missing` would do to the partitions that were chosen: what the spec wants, held to what the lake says."""

from collections.abc import Iterable, Sequence
from datetime import datetime

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
    now = course.edges.clock.now()
    onward = [
        each
        for key, stream in chosen.work
        if not key and stream.name in without
        for each in _onward(stream, without[stream.name], found, now)
    ]
    return [*due(wanted, found, now), *onward]


def _partition(course: Course, incremental: Incremental | None, key: str) -> Partition:
    if incremental is None:
        return parse(key, course.spec.partition)
    return partition_of(incremental, interval_of(incremental, key))


def _onward(stream: Stream, incremental: Incremental, found: Found, now: datetime) -> list[Due]:
    """Of a stream that goes on where it stopped: what earlier runs left comes first, then what came since."""
    mine = _intervals(stream.name, found)

    def named(keys: Iterable[str]) -> list[Due]:
        each = (partition_of(incremental, interval_of(incremental, key)) for key in keys)
        return due([Wanted(stream.name, partition) for partition in each], found, now)

    owing = [key for key, one in mine.items() if one.committed and (one.unshown or (one.unloaded and stream.load))]
    newest = next(reversed(mine), "")
    stops = bool(newest) and newest not in owing and _stops(mine[newest])
    return [*named(owing), *(named([newest]) if stops else [_further(stream, mine)])]


def _stops(newest: PartitionStatus) -> bool:
    """Whether the run that goes on works on the newest interval, or cannot because of it."""
    return newest.state in ("running", "damaged") or (newest.committed is None and newest.unfinished_pages > 0)


def _further(stream: Stream, mine: dict[str, PartitionStatus]) -> Due:
    """What is asked for after all that is committed."""
    committed = [one for one in mine.values() if one.committed]
    state = next(reversed(mine.values())).state if mine else "missing"
    if not committed:
        return Due(stream.name, "", state, "fetch", "nothing is committed: it begins at its start")
    last = committed[-1]
    if last.gaps:
        return Due(stream.name, last.partition, state, "fetch", "it stopped there: parts of it are missing")
    return Due(stream.name, "", state, "fetch", f"it goes on from {last.partition}")


def _intervals(stream: str, found: Found) -> dict[str, PartitionStatus]:
    """The intervals of a stream, the oldest first."""
    keys: Sequence[str] = sorted(key for name, key in found if name == stream and "--" in key)
    return {key: found[stream, key] for key in keys}
