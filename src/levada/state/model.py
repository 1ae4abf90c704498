"""What the history holds: a round in one row, and a row for each partition that it worked on or left. Frozen, pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from levada.nouns import Run
from levada.round import Failure, Round
from levada.secret import redact

__all__ = [
    "NOT_TRIED",
    "OF_THE_LAKE",
    "Past",
    "RoundRow",
    "RunRow",
    "cleaned",
    "past_of",
    "run_row",
]

#: The door of rounds that were told from the lake: nobody knows who asked for them, nor what ran together.
OF_THE_LAKE = "lake"
#: The outcome of what was left because of a failure or a signal; all others are those of runs.
NOT_TRIED = "not tried"
#: Characters of a text that are kept: what an API said may be long.
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class RunRow:
    """One partition of one stream in a round."""

    stream: str
    partition: str
    #: done, done with quarantine, no data, partial, failed, not tried.
    outcome: str
    #: "" where it failed or was not tried: then the lake knows it, if anybody does.
    run: str = ""
    #: landed, staged, or "" where nothing is committed.
    level: str = ""
    read: int = 0
    kept: int = 0
    quarantined: int = 0
    dropped: int = 0
    nullified: int = 0
    #: Rows that tables took; those that had them already took none.
    loaded: int = 0
    pages: int = 0
    requests: int = 0
    resumed: int = 0
    files: int = 0
    gaps: int = 0
    changed: bool = False
    seconds: float = 0.0
    #: Why it failed, without secrets.
    kind: str = ""
    what: str = ""
    place: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round."""

    id: str
    verb: str
    door: str
    #: success, partial, failure.
    ending: str
    #: Aware, UTC.
    started: datetime
    ended: datetime
    #: What failed of the round itself: a report, or what came before any partition.
    kind: str = ""
    what: str = ""
    place: str = ""
    todo: str = ""
    notes: str = ""


Row = TypeVar("Row", RunRow, RoundRow)


@dataclass(frozen=True, slots=True)
class Past:
    """A round as it is remembered."""

    round: RoundRow
    runs: tuple[RunRow, ...] = ()

    def sum(self, name: str) -> int:
        """A figure of all its partitions."""
        return sum(int(getattr(run, name)) for run in self.runs)


def past_of(done: Round) -> Past:
    """What is remembered of a round."""
    own = next((one for one in _failures(done) if not one.stream), None)
    row = RoundRow(done.id, done.verb, done.door, done.ending, done.started, done.ended, notes="\n".join(done.notes))
    runs = (
        *(run_row(run) for run in done.runs),
        *(_because(RunRow(one.stream, one.partition, "failed"), one) for one in done.failures if one.stream),
        *(RunRow(stream, partition, NOT_TRIED) for stream, partition in done.not_tried),
    )
    return cleaned(Past(_because(row, own) if own else row, runs))


def _failures(done: Round) -> list[Failure]:
    return [*done.failures, *(one.error for one in done.reports if one.error)]


def _because(row: Row, failure: Failure) -> Row:
    return replace(row, kind=failure.kind, what=failure.what, place=failure.where, todo=failure.todo)


def run_row(run: Run) -> RunRow:
    """What is remembered of a run."""
    counts = run.counts
    return RunRow(
        run.stream,
        run.partition,
        run.outcome,
        run.run,
        run.level or "",
        counts.read,
        counts.kept,
        counts.quarantined,
        counts.dropped,
        counts.nullified,
        loaded=sum(load.rows for load in run.loads if not load.before),
        pages=run.pages,
        requests=run.requests,
        resumed=run.resumed,
        files=len(run.files),
        gaps=len(run.gaps),
        changed=run.changed,
        seconds=run.seconds,
    )


def cleaned(past: Past) -> Past:
    """The same without secrets, and without what no database takes."""
    row = replace(_cleaned(past.round), notes=_text(past.round.notes))
    return Past(row, tuple(_cleaned(run) if run.what else run for run in past.runs))


def _cleaned(row: Row) -> Row:
    return replace(row, what=_text(row.what), place=_text(row.place), todo=_text(row.todo))


def _text(value: str) -> str:
    """Without secrets, NUL (which PostgreSQL refuses) and halves of surrogate pairs (which have no UTF-8)."""
    whole = redact(value).replace("\0", "").encode("utf-8", "replace").decode()
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}..."
