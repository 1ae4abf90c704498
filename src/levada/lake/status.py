"""What stands in a lake, told from commit records, run folders and locks; nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from levada.errors import FixThis, LevadaError
from levada.lake.area import Area, areas
from levada.lake.lease import holder_from, record_of
from levada.lake.record import Record, public_names
from levada.lake.runs import Failure, RunFolder, lost_record, read_failure, record_gone, run_folders, unfinished
from levada.lake.store import Store
from levada.nouns import Counts, Gap, Holder, Level

__all__ = ["PartitionState", "PartitionStatus", "status"]

PartitionState = Literal[
    "done",
    "done with quarantine",
    "no data",
    "partial",
    "failed",
    "running",
    "unfinished",
    "not shown",
    "not loaded",
    "damaged",
]


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One partition of one stream: what goes on, and the commit that stands, if any."""

    pipeline: str
    stream: str
    partition: str
    state: PartitionState
    #: Of the commit that stands; None and zeros where nothing is committed.
    level: Level | None = None
    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    #: Public names, sorted.
    files: tuple[str, ...] = ()
    committed: datetime | None = None
    #: The run that made the commit; without one, the latest run.
    run: str | None = None
    #: Who is at work, while `state` is "running" and the holder can be told.
    holder: Holder | None = None
    #: Why the latest run failed, or what is damaged.
    error: str = ""
    #: Answers that unfinished work has, all its own and those it took over: the next run does not ask for them again.
    unfinished_pages: int = 0
    #: What the commit that stands lacks.
    gaps: tuple[Gap, ...] = ()
    #: Whether the commit that stands has yet to get its public names, and whether a table has yet to take its rows.
    unshown: bool = False
    unloaded: bool = False


def status(store: Store, pipeline: str | None = None) -> list[PartitionStatus]:
    """The partitions of a lake, or of one pipeline, sorted by pipeline, stream, partition.

    Those that never got anywhere are left out.
    """
    known = areas(store, *([] if pipeline is None else [pipeline]))
    found = (_partition(area, keys) for area, keys in known.items())
    return sorted((each for each in found if each), key=lambda each: (each.pipeline, each.stream, each.partition))


def _partition(area: Area, keys: Sequence[str]) -> PartitionStatus | None:
    record, error = _record(area)
    folders = run_folders(area, keys)
    held = area.store.held(area.lock)
    if record is None and not error and not folders and held is None:
        return None
    latest = folders[-1] if folders and (record is None or folders[-1].run > record.run) else None
    failure = read_failure(latest) if latest else None
    pages = _pages(folders, record)
    if record is None and not error and held is None and (last := lost_record(folders)):
        error = str(record_gone(area, last))
    state: PartitionState = "running" if held is not None else "damaged" if error else _state(record, latest, failure)
    if pages and state not in {"running", "damaged", "failed"}:
        state = "unfinished"
    return PartitionStatus(
        area.pipeline,
        area.stream,
        area.partition,
        state,
        level=record.level if record else None,
        counts=record.counts if record else failure.counts if failure else Counts(),
        pages=record.pages if record else 0,
        files=tuple(sorted(public_names(record.files))) if record else (),
        committed=record.committed if record else None,
        run=record.run if record else folders[-1].run if folders else None,
        holder=holder_from(held) if held is not None else None,
        error=error or _text(failure, state),
        unfinished_pages=pages,
        gaps=record.gaps if record else (),
        unshown=record is not None and not record.shown,
        unloaded=record is not None and record.unloaded,
    )


def _record(area: Area) -> tuple[Record | None, str]:
    try:
        record = record_of(area)
    except FixThis as error:
        return None, str(error)
    return record, ""


def _state(record: Record | None, latest: RunFolder | None, failure: Failure | None) -> PartitionState:
    """What the files say, nobody being at work; `latest` is a run after the one that made the commit."""
    if failure is not None:
        return "failed"
    if latest is not None and not latest.closed:
        return "unfinished"
    if record is None:
        # A job whose run came to its end without a commit: there was nothing to fill its folder with.
        return "no data" if latest is not None else "unfinished"
    if not record.shown:
        return "not shown"
    return "not loaded" if record.unloaded else _content(record)


def _content(record: Record) -> PartitionState:
    if record.gaps:
        return "partial"
    if record.no_data:
        return "no data"
    return "done with quarantine" if record.counts.quarantined else "done"


def _pages(folders: Sequence[RunFolder], record: Record | None) -> int:
    """Answers that the next run takes over, or has at work: none of a run that failed for good."""
    found = unfinished(folders, record)
    if found is None:
        return 0
    folder, work = found
    failure = read_failure(folder)
    if failure and failure.kind != "TryLater":
        return 0
    held = {each.key(name) for each in folders for name in each.names}  # what a run took over may be swept since
    return len({taken.number for taken in (*work.taken, *folder.own) if taken.facts in held})


def _text(failure: Failure | None, state: PartitionState) -> str:
    if failure is None or state != "failed":
        return ""
    return str(LevadaError(failure.what, where=failure.where, todo=failure.todo))
