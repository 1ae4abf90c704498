"""Rows of a round, for each stream and in sum. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from levada.nouns import Counts, Receipt, Run

__all__ = ["Sum", "first_of", "summed", "sums"]

#: Outcomes that nobody has to look at.
_QUIET = {"done", "no data"}


@dataclass(frozen=True, slots=True)
class Sum:
    """What became of the rows of one stream, or of all of them."""

    stream: str
    partitions: int = 0
    counts: Counts = field(default_factory=Counts)
    #: Rows of tables: new ones, changed ones, and those that were there already.
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    #: Whether anything was to be loaded at all.
    loads: bool = False
    seconds: float = 0.0


def sums(runs: Iterable[Run]) -> list[Sum]:
    """One sum a stream, in the order in which they were worked on."""
    found: dict[str, Sum] = {}
    for run in runs:
        found[run.stream] = _with(found.get(run.stream, Sum(run.stream)), run)
    return list(found.values())


def summed(parts: Iterable[Sum], name: str) -> Sum:
    """All of them in one."""
    total = Sum(name)
    for part in parts:
        total = _plus(total, part)
    return total


def first_of(runs: Sequence[Run], most: int) -> list[Run]:
    """At most so many runs: all, or first those that somebody has to look at, in order."""
    if len(runs) <= most:
        return list(runs)
    return sorted(runs, key=lambda run: run.outcome in _QUIET)[:most]


def _with(total: Sum, run: Run) -> Sum:
    loaded = [(0, 0, 0), *map(_loaded, run.loads)]
    inserted, updated, unchanged = (sum(column) for column in zip(*loaded, strict=True))
    return _plus(total, Sum(run.stream, 1, run.counts, inserted, updated, unchanged, bool(run.loads), run.seconds))


def _loaded(receipt: Receipt) -> tuple[int, int, int]:
    """Rows inserted, updated, unchanged: a table that had the content already kept all of it."""
    if receipt.before:
        return 0, 0, receipt.rows
    return receipt.inserted, receipt.updated, receipt.unchanged


def _plus(one: Sum, other: Sum) -> Sum:
    return replace(
        one,
        partitions=one.partitions + other.partitions,
        counts=_added(one.counts, other.counts),
        inserted=one.inserted + other.inserted,
        updated=one.updated + other.updated,
        unchanged=one.unchanged + other.unchanged,
        loads=one.loads or other.loads,
        seconds=one.seconds + other.seconds,
    )


def _added(one: Counts, other: Counts) -> Counts:
    return Counts(
        one.read + other.read,
        one.kept + other.kept,
        one.quarantined + other.quarantined,
        one.dropped + other.dropped,
        one.nullified + other.nullified,
    )
