"""Rounds told from the lake: commit records and what each run left in its folder. Nothing is written.

The lake knows runs, and not which ran together, who asked for them, or what was not tried: each is a round of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from levada.errors import FixThis
from levada.lake.area import Area, listed
from levada.lake.lease import record_of
from levada.lake.record import Record
from levada.lake.runs import Failure, RunFolder, read_failure, read_run, run_folders
from levada.lake.store import Store
from levada.nouns import Counts
from levada.state.model import OF_THE_LAKE, Past, RoundRow, RunRow, cleaned, run_row

__all__ = ["told"]

_STAMP = "%Y%m%dT%H%M%S.%fZ"


def told(store: Store, pipeline: str) -> list[Past]:
    """What the lake knows of a pipeline's rounds, the oldest first; those of folders that jobs fill are left out."""
    found: dict[str, Past] = {}
    for area, keys in listed(store, pipeline):
        for past in () if area.of_folder else _of(area, keys):
            known = found.get(past.round.id)  # two that began in one microsecond under one name
            found[past.round.id] = replace(known, runs=(*known.runs, *past.runs)) if known else past
    return [found[name] for name in sorted(found)]


def _of(area: Area, keys: list[str]) -> Iterator[Past]:
    record = _record(area)
    for folder in run_folders(area, keys):
        if run := read_run(folder):
            ended = _began(folder.run) + timedelta(seconds=run.seconds)
            yield _past(folder, run_row(run), ended)
        elif failure := read_failure(folder):
            yield _past(folder, _failed(area, folder, failure), failure.at)
        elif record and record.run == folder.run:  # killed after its commit
            yield _past(folder, _committed(record), record.committed)


def _record(area: Area) -> Record | None:
    try:
        return record_of(area)
    except FixThis:  # `levada status` and `levada verify` tell that it is damaged
        return None


def _past(folder: RunFolder, row: RunRow, ended: datetime) -> Past:
    ending = {"failed": "failure", "partial": "partial"}.get(row.outcome, "success")
    return cleaned(Past(RoundRow(folder.run, "", OF_THE_LAKE, ending, _began(folder.run), ended), (row,)))


def _began(run: str) -> datetime:
    """When a run began, by its name; see `levada.edges.run_id`."""
    return datetime.strptime(run.rpartition("-")[0], _STAMP).replace(tzinfo=UTC)


def _failed(area: Area, folder: RunFolder, failure: Failure) -> RunRow:
    row = _counted(RunRow(area.stream, area.partition, "failed", folder.run), failure.counts)
    return replace(row, kind=failure.kind, what=failure.what, place=failure.where, todo=failure.todo)


def _committed(record: Record) -> RunRow:
    outcome = "partial" if record.gaps else "no data" if record.no_data else "done"
    if outcome == "done" and record.counts.quarantined:
        outcome = "done with quarantine"
    row = RunRow(
        record.stream,
        record.partition,
        outcome,
        record.run,
        record.level,
        pages=record.pages,
        files=sum(file.public is not None for file in record.files),
        gaps=len(record.gaps),
        changed=True,
    )
    return _counted(row, record.counts)


def _counted(row: RunRow, counts: Counts) -> RunRow:
    return replace(
        row,
        read=counts.read,
        kept=counts.kept,
        quarantined=counts.quarantined,
        dropped=counts.dropped,
        nullified=counts.nullified,
    )
