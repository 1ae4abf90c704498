"""Incremental streams at work: where a run goes on from, and how far the stream is then.

commit records of the stream ──► cursor ──► interval ──► a run of that interval ──► the cursor in its commit record

Does not decide what comes next, or what is in an interval: levada.spec.interval does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from levada.errors import LeaseHeld
from levada.lake.area import Area, areas_of
from levada.lake.fence import came_to_nothing
from levada.lake.lease import hold, record_of, take_turn
from levada.lake.record import Record
from levada.lake.runs import read_run, run_folders
from levada.lake.sweep import discard
from levada.nouns import Counts, Cursor, Run
from levada.pipeline.job import Job
from levada.pipeline.slicing import parents
from levada.spec.interval import (
    Interval,
    Reach,
    ahead_of,
    begin,
    interval_of,
    order,
    partition_of,
)
from levada.spec.model import Incremental, Stream

__all__ = ["after", "area_of", "going_on", "nothing_new", "work"]

NOTHING_YET = "the interval is empty: nothing was asked for"
FETCHING = ("run", "land")


def work(job: Job, verb: str, step: Callable[[Job], Run], named: str) -> Run:
    """Do `verb` to one interval of an incremental stream.

    Args:
        job: The stream, without a partition.
        verb: run, land, stage or replay.
        step: What does it.
        named: The interval that a person named; "" goes on from the stream's cursor and moves it.

    Raises:
        LevadaError: see levada.errors. What was committed before still stands, the cursor included.
    """
    if job.stream.incremental is None:
        return _follow(job, verb, step, named)
    if verb in FETCHING and (not named or _waits_at(job, named)):
        # What comes next may have the name of what is there: new records at the very value of the cursor.
        onward = replace(job, options=replace(job.options, missing=False))
        with take_turn(job.area, job.edges, job.options.wait):
            return _onward(onward, verb, step)
    return step(_again(job, interval_of(job.stream.incremental, named)))


def going_on(streams: Sequence[Stream]) -> Mapping[str, Incremental]:
    """The streams without partitions: incremental ones, and those that take rows or pages of them; whose cursor."""
    found = {stream.name: stream.incremental for stream in streams if stream.incremental}
    left = [stream for stream in streams if stream.name not in found]
    while following := [stream for stream in left if not found.keys().isdisjoint(parents(stream))]:
        for stream in following:
            found[stream.name] = next(found[name] for name in parents(stream) if name in found)
        left = [stream for stream in left if stream.name not in found]
    return found


def area_of(area: Area, incremental: Incremental, named: str) -> Area:
    """The area of the interval that a person named; `area` is any of its stream."""
    return replace(area, partition=partition_of(incremental, interval_of(incremental, named)).key)


def _follow(job: Job, verb: str, step: Callable[[Job], Run], named: str) -> Run:
    """Work on an interval of a stream that takes rows or pages of an incremental one."""
    parent = _followed(job.spec.streams, job.stream)
    assert parent.incremental  # noqa: S101 - so it is chosen
    if named:
        return step(_of(job, parent.incremental, named))
    waiting, whole = _waiting(job, verb, parent.name)
    if not waiting:
        return nothing_new(job, Counts(), f"there is nothing new of stream {parent.name}")
    before = [record for key, record in sorted(whole.items()) if key < waiting[0]]
    done = step(replace(_of(job, parent.incremental, waiting[0]), before=before[-1] if before else None))
    more = f"{len(waiting) - 1} more intervals of stream {parent.name} wait, one for each run"
    return replace(done, notes=(*done.notes, more)) if waiting[1:] else done


def _followed(streams: Sequence[Stream], stream: Stream) -> Stream:
    """The incremental stream that this one comes down from."""
    known, following = {each.name: each for each in streams}, going_on(streams)
    while stream.incremental is None:
        stream = known[next(name for name in parents(stream) if name in following)]
    return stream


def _of(job: Job, incremental: Incremental, key: str) -> Job:
    partition = partition_of(incremental, interval_of(incremental, key))
    return replace(job, partition=partition, area=replace(job.area, partition=partition.key))


def _waiting(job: Job, verb: str, parent: str) -> tuple[list[str], Mapping[str, Record]]:
    """The parent's committed intervals that the stream has not whole, oldest first; and those that it has."""
    there = _committed(replace(job.area, stream=parent))
    records = {key: record_of(area) for key, area in _committed(job.area).items()}
    whole = {key: one for key, one in records.items() if one and not one.gaps and not _owes(job, verb, one)}
    return sorted(there.keys() - whole.keys()), whole


def _committed(area: Area) -> dict[str, Area]:
    """The intervals of a stream that have a commit."""
    found = areas_of(area.store, area.pipeline, area.stream).items()
    return {each.partition: each for each, keys in found if each.commit in keys and "--" in each.partition}


def _incremental(job: Job) -> Incremental:
    assert job.stream.incremental  # noqa: S101 - the caller sees to it
    return job.stream.incremental


def _again(job: Job, interval: Interval) -> Job:
    """The job of an interval that a person names; what it went on from the first time is in its commit."""
    found = _at(job, Reach(_incremental(job), interval, moves=False))
    record = record_of(found.area)
    since = record.since if record else None
    return replace(found, reach=Reach(_incremental(job), interval, since, moves=False))


def _at(job: Job, reach: Reach) -> Job:
    partition = partition_of(reach.incremental, reach.interval)
    return replace(job, partition=partition, area=replace(job.area, partition=partition.key), reach=reach)


def _onward(job: Job, verb: str, step: Callable[[Job], Run]) -> Run:
    """Finish what earlier runs left, then read from where the stream stopped."""
    incremental, found = _incremental(job), areas_of(job.area.store, job.spec.pipeline, job.stream.name)
    owing = [step(_again(job, interval_of(incremental, key))) for key in _owing(job, verb, found)]
    return _with(owing, _further(job, step, incremental, found))


def _owing(job: Job, verb: str, found: Mapping[Area, Sequence[str]]) -> list[str]:
    """The committed intervals that are still to be shown or loaded, the oldest first.

    Such a commit's run did not come to its end, so one listing says which records are to be read: usually none.
    """
    left = {
        area.partition: area
        for area, keys in found.items()
        if "--" in area.partition and area.commit in keys and not all(run.closed for run in run_folders(area, keys))
    }
    records = {key: record_of(left[key]) for key in sorted(left)}
    return [key for key, record in records.items() if record and _owes(job, verb, record)]


def _owes(job: Job, verb: str, record: Record) -> bool:
    return not record.shown or (verb == "run" and job.stream.load is not None and record.unloaded)


def _with(owing: Sequence[Run], done: Run) -> Run:
    """The run that went on, with what was finished before it."""
    if not owing:
        return done
    loads = tuple(load for run in owing for load in run.loads)
    note = f"finished before, as committed by earlier runs: {', '.join(run.partition for run in owing)}"
    return replace(done, loads=(*loads, *done.loads), notes=(note, *done.notes))


def _further(
    job: Job, step: Callable[[Job], Run], incremental: Incremental, found: Mapping[Area, Sequence[str]]
) -> Run:
    """Read from where the stream stopped."""
    area, record = _newest(incremental, found)
    if area and record and not record.shown:
        return step(_again(job, interval_of(incremental, area.partition)))
    interval, last = _following(job, found, record)
    onward = replace(_at(job, Reach(incremental, interval, last)), before=record)
    if interval.end is not None and not ahead_of(incremental.type, interval.end, interval.start):
        return nothing_new(onward, Counts(), NOTHING_YET)
    _discard(job, _void(found, onward.area))
    done = step(onward)
    if done.level is None:
        _discard(job, [onward.area])  # else every minute without news would leave a folder
    return done


def _following(job: Job, found: Mapping[Area, Sequence[str]], newest: Record | None) -> tuple[Interval, Cursor | None]:
    """What comes after the newest commit, and its cursor."""
    last = newest.cursor if newest else None
    fresh = begin(_incremental(job), last, job.edges.clock.now())
    return _left(job, found, fresh) or fresh, last


def _waits_at(job: Job, named: str) -> bool:
    """Whether the stream has stopped at the gaps of this interval: read whole, it moves the cursor, whoever names it.

    Else the run that goes on would read the same records into another interval.
    """
    area = _again(job, interval_of(_incremental(job), named)).area
    record = record_of(area)
    if record is None or not record.gaps:
        return False
    found = areas_of(job.area.store, job.spec.pipeline, job.stream.name)
    interval, _ = _following(job, found, _newest(_incremental(job), found)[1])
    return partition_of(_incremental(job), interval).key == area.partition


def _newest(incremental: Incremental, found: Iterable[Area]) -> tuple[Area | None, Record | None]:
    """The commit with the stream's highest cursor, and its area.

    A cursor lies before the end of its interval, so intervals are looked at from the highest end down, and no further
    than to the first that ends before the highest cursor seen: usually one record is read.
    """
    best: tuple[Area | None, Record | None] = (None, None)
    for area, end in _by_end(incremental, found):
        reached = best[1].cursor.value if best[1] and best[1].cursor else None
        if reached is not None and end is not None and not ahead_of(incremental.type, end, reached):
            break
        record = record_of(area)
        if record and record.cursor and ahead_of(incremental.type, record.cursor.value, reached):
            best = area, record
    return best


def _by_end(incremental: Incremental, found: Iterable[Area]) -> list[tuple[Area, Any]]:
    """Areas of intervals with their ends, the highest first, open ones before them."""
    ends = [(area, interval_of(incremental, area.partition).end) for area in found if "--" in area.partition]
    opened = [(area, end) for area, end in ends if end is None]
    closed = [(area, end) for area, end in ends if end is not None]
    return [*opened, *sorted(closed, key=lambda each: order(incremental.type, each[1]), reverse=True)]


def _left(job: Job, found: Mapping[Area, Sequence[str]], fresh: Interval) -> Interval | None:
    """The interval from the same start on that a run began and may have brought to its end, or brought with gaps.

    It is read to the same end as then: whoever comes late finds its commit made, no record is in two intervals, and
    pages that are young enough can be used again.
    """
    incremental = _incremental(job)
    wanted = partition_of(incremental, fresh)
    for area in sorted(_from_same(found, wanted.key), key=lambda each: each.partition, reverse=True):
        record = record_of(area)
        if (record and record.gaps) or (record is None and _is_open(incremental, area, found[area])):
            return fresh if area.partition == wanted.key else replace(fresh, end=_end(incremental, area))
    return None


def _from_same(found: Iterable[Area], key: str) -> list[Area]:
    """The intervals with the same start as the interval `key`."""
    start = key.partition("--")[0]
    return [area for area in found if area.partition.partition("--")[0] == start]


def _end(incremental: Incremental, area: Area) -> Any:
    return interval_of(incremental, area.partition).end


def _is_open(incremental: Incremental, area: Area, keys: Sequence[str]) -> bool:
    """Whether an interval without a record is to be read: a run of it may still commit it, or its record was lost.

    Not where the latest run found nothing new in it, else the stream would never get beyond it; nor where it goes
    beyond an end that was configured since.
    """
    folders, end, last = run_folders(area, keys), _end(incremental, area), incremental.end
    if came_to_nothing(folders) or (last is not None and (end is None or ahead_of(incremental.type, end, last))):
        return False
    latest = read_run(folders[-1])
    return latest is None or latest.level is not None


def _void(found: Mapping[Area, Sequence[str]], mine: Area) -> list[Area]:
    """What runs from the same start on left that got nowhere: the run to come reads the same records."""
    others = (area for area in _from_same(found, mine.partition) if area != mine and area.commit not in found[area])
    return [area for area in others if came_to_nothing(run_folders(area, found[area]))]


def _discard(job: Job, areas: Iterable[Area]) -> None:
    for area in areas:
        with suppress(LeaseHeld), hold(area, job.edges) as lease:
            discard(lease)


def nothing_new(job: Job, counts: Counts, *notes: str, run: str = "") -> Run:
    """A run that found nothing new: it makes no commit, and the cursor stays."""
    return Run(
        pipeline=job.spec.pipeline,
        stream=job.stream.name,
        partition=job.partition.key,
        run=run,
        outcome="no data",
        level=None,
        counts=counts,
        pages=0,
        requests=0,
        resumed=0,
        files=(),
        changed=False,
        seconds=0.0,
        notes=notes,
    )


def after(job: Job, old: Record | None, cursor: Cursor | None, draft: Record) -> Record:
    """The commit with how far the stream is then, and what the run went on from.

    A run with gaps moves no cursor, nor does one of an interval that a person chose: they leave what the record had.
    """
    if job.reach is None:
        return draft
    if job.reach.moves and not draft.gaps:
        return replace(draft, cursor=cursor, since=job.reach.last)
    since = old.since if old else job.reach.last
    return replace(draft, cursor=old.cursor if old else None, since=since)
