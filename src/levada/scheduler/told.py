"""What a scheduler tells while it works."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from levada.nouns import Run

__all__ = ["Happened", "Told"]

#: began: it waits for the first tick. ran, failed: what came of a partition. waiting: for the API, a while. skipped:
#: ticks that nobody worked. clock: it was put back. not_tried: a stream that the tick had no use for any more.
#: handed_back: a partition that was left before its end, because this is to end. reported: what came of a report of the
#: tick. note: what could not be told or written down. ended: nothing is at work.
Happened: TypeAlias = Literal[
    "began",
    "ran",
    "failed",
    "waiting",
    "skipped",
    "clock",
    "not_tried",
    "handed_back",
    "reported",
    "note",
    "ended",
]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened."""

    event: Happened
    #: Aware, UTC.
    at: datetime
    pipeline: str
    #: For people; "" where `run` or `error` says it all.
    words: str = ""
    #: Both "" where it is about no partition; the partition is "" too where an incremental stream went on.
    stream: str = ""
    partition: str = ""
    #: The tick that it is about.
    tick: datetime | None = None
    run: Run | None = None
    error: BaseException | None = None
