"""What reports are asked of: partitions, each with the values that questions and names of files may use. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from levada.nouns import Partition
from levada.pipeline.cursor import going_on
from levada.round import Round
from levada.spec.interval import interval_of, partition_of
from levada.spec.interval import values_of as values_in
from levada.spec.model import Incremental, Spec
from levada.spec.partition import parse, values
from levada.spec.template import Value

__all__ = ["Part", "in_order", "part_of", "parts_of", "whole"]

_VERBS = ("run", "stage", "replay", "load")


@dataclass(frozen=True, slots=True)
class Part:
    """A partition, of whichever streams have it; or the pipeline, where `key` is ""."""

    key: str
    #: Name in SQL -> text, date, or datetime in UTC.
    values: Mapping[str, Any]
    #: What names of files may use.
    fills: Mapping[str, Value]
    #: For their order; None where it has no time.
    start: datetime | None = None


def whole(spec: Spec) -> Part:
    """What a report is asked of that speaks of no partition."""
    return Part("", {"pipeline": spec.pipeline}, {"pipeline": spec.pipeline})


def part_of(spec: Spec, key: str, incremental: Incremental | None = None) -> Part:
    """The partition of a name.

    Args:
        spec: The pipeline.
        key: The partition's, or an interval's.
        incremental: The cursor of the stream whose interval it is; None: it is none.

    Raises:
        FixThis: it names none.
    """
    if incremental is None:
        partition = parse(key, spec.partition)
        return _part(spec, partition, values(spec.pipeline, "", partition))
    interval = interval_of(incremental, key)
    partition = partition_of(incremental, interval)
    return _part(spec, partition, {**values(spec.pipeline, "", partition), **values_in(incremental, interval)})


def _part(spec: Spec, partition: Partition, fills: Mapping[str, Value]) -> Part:
    asked: dict[str, Any] = {"pipeline": spec.pipeline, "partition": partition.key}
    if partition.by != "interval" and partition.day:
        asked["date"] = partition.day
    bounds = {"start": partition.start, "end": partition.end}
    asked |= {name: moment.astimezone(UTC) for name, moment in bounds.items() if moment}
    return Part(partition.key, asked, fills, partition.start)


def parts_of(spec: Spec, done: Round) -> tuple[Part, ...]:
    """The partitions of a round that its reports are asked of, the earliest first: all that no stream failed for.

    Partitions with gaps and those without data are among them, and those that the round found as they were.
    """
    if done.verb not in _VERBS:
        return ()
    failed = {failure.partition for failure in done.failures} | {key for _, key in done.not_tried}
    failed |= {run.partition for run in done.runs if run.outcome == "failed"}
    cursors = going_on(spec.streams)
    named = {run.partition: cursors.get(run.stream) for run in done.runs if run.partition not in {*failed, ""}}
    return in_order(part_of(spec, key, cursor) for key, cursor in named.items())


def in_order(parts: Iterable[Part]) -> tuple[Part, ...]:
    """By time, then by name."""
    return tuple(sorted(parts, key=lambda part: (part.start or datetime.min.replace(tzinfo=UTC), part.key)))
