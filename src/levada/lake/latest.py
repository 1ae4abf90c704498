"""The jobs that a lake still tells of: runs that filled a folder, or failed to. Nothing is written."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from levada.errors import LevadaError
from levada.lake.area import Area, areas
from levada.lake.lease import record_of
from levada.lake.runs import Failure, RunFolder, read_failure, read_run, read_work, run_folders
from levada.lake.store import Store
from levada.nouns import Run

__all__ = ["Ended", "latest_jobs"]

#: What a run writes when it comes to its end. A lake has many other files, and they tell nothing here.
_ENDS = ("/run.json", "/failed.json")
#: What the area of a folder is called whose own name is too long.
_HASH = re.compile(r"[0-9a-f]{64}/")


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that came to its end, well or not."""

    #: The folder that it was to fill, relative to the lake; None where that is not told.
    folder: str | None
    #: Whether it asked the API: then it landed pages, else it staged them.
    fetched: bool
    #: Aware.
    began: datetime
    seconds: float
    end: Run | Failure


def latest_jobs(store: Store, pipeline: str, most: int) -> list[Ended]:
    """The `most` latest jobs of a pipeline, the latest first; what is damaged or cannot be read is left out.

    All names below `_levada/` are listed (0.1 ms a run), but only files of the jobs that are told are read.

    Raises:
        LevadaError: the store refuses to be listed.
    """
    folders = [
        folder
        for area, keys in areas(store).items()
        if area.pipeline == pipeline and area.of_folder
        for folder in run_folders(area, [key for key in keys if key.endswith(_ENDS)])
    ]
    # Names of runs sort by time.
    newest = sorted(folders, key=lambda folder: (folder.run, folder.area.partition), reverse=True)
    return list(islice(_ended(newest), most))


def _ended(folders: Iterable[RunFolder]) -> Iterator[Ended]:
    for folder in folders:
        with suppress(LevadaError):
            if told := _job(folder):
                yield told


def _job(folder: RunFolder) -> Ended | None:
    end = read_run(folder) if folder.closed else _failure(folder)
    work = read_work(folder) if end else None
    if end is None or work is None or work.started.tzinfo is None:
        return None
    seconds = end.seconds if isinstance(end, Run) else max(0.0, (end.at - work.started).total_seconds())
    return Ended(_name(folder.area), bool(work.request), work.started, seconds, end)


def _failure(folder: RunFolder) -> Failure | None:
    failure = read_failure(folder) if "failed.json" in folder.names else None
    return failure if failure and failure.at.tzinfo else None


def _name(area: Area) -> str | None:
    if not _HASH.fullmatch(area.partition):
        return area.partition.removesuffix("/")
    with suppress(LevadaError):
        record = record_of(area)
        return record.folder if record else None
    return None
