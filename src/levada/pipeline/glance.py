"""The beginnings of the files of a stream, for people who look at them: no more of a file is read than that."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from levada.errors import LevadaError
from levada.nouns import Page, PageFacts
from levada.pipeline.job import Job
from levada.pipeline.portions import explained
from levada.pipeline.taking import files_of, plan_for
from levada.records.portions import portions, streams
from levada.source.copying import copy
from levada.source.download import download
from levada.source.events import ignore
from levada.source.files import Found
from levada.source.request import Plan

__all__ = ["beginnings"]

#: Bytes of a file that is read line by line.
_FEW = 256 * 1024


def beginnings(job: Job) -> Iterator[tuple[Page, list[Any]]]:
    """The first records of each file, in order, as pages without their bytes.

    Raises:
        LevadaError: a file cannot be had, or is not written as the spec says.
    """
    files = files_of(job)
    plan = plan_for(job, files)
    for number, file in enumerate(files, start=1):
        head = _Head(_FEW if streams(job.stream.records) else job.spec.source.limits.page_size)
        records = _records(job, file, _read(job, plan, file, head))
        facts = PageFacts(
            number=number,
            position=number,
            means="page",
            url=str(file),
            status=0,
            headers={},
            rows=len(records),
            size=len(head.got),
            sha256="",
            at=job.edges.clock.now(),
            fills={"page": number, "file": file.name},
        )
        yield Page(facts, b""), records


class _Enough(Exception):
    """No more of a file is wanted."""


class _Head:
    """Takes the first bytes of a file."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.got = bytearray()

    def write(self, data: bytes, /) -> int:
        self.got += data
        if len(self.got) > self._most:
            raise _Enough
        return len(data)


def _read(job: Job, plan: Plan, file: Found, head: _Head) -> bytes:
    """The first bytes of a file, up to the end of a line where there are more."""

    @contextmanager
    def opener() -> Iterator[_Head]:
        head.got.clear()
        yield head

    try:
        if file.kind == "web":
            download(plan, file, opener, job.edges, ignore)
        else:
            copy(file, opener)
    except _Enough:
        whole = head.got.rfind(b"\n") + 1 if job.stream.records.format.unpack is None else 0
        return bytes(head.got[: whole or None])
    return bytes(head.got)


def _records(job: Job, file: Found, head: bytes) -> list[Any]:
    try:
        first = next(portions(io.BytesIO(head), job.stream.records, "", job.spec.source.limits.page_size), None)
    except LevadaError as error:
        raise explained(job, error, str(file)) from None
    return [*first.records] if first else []
