"""The beginnings of the files of a stream, for people who look at them: no more of a file is read than that."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from levada.errors import LevadaError
from levada.lake.store import Written
from levada.nouns import Page, Records
from levada.pipeline.facts import facts_of
from levada.pipeline.job import Job
from levada.pipeline.portions import explained
from levada.pipeline.taking import files_of, plan_for
from levada.records.portions import portions, streams
from levada.records.unpack import beginning
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
        head = _Head(_most(job))
        _read(job, plan, file, head)
        records = _records(job, file, head)
        facts = facts_of(number, str(file), Written(len(head.got), ""), job.edges.clock.now())
        fills = {"page": number, "file": file.name}
        yield Page(replace(facts, headers=head.headers, rows=len(records), fills=fills), b""), records


def _most(job: Job) -> int:
    """Bytes of a file that are enough."""
    records = job.stream.records
    in_lines = streams(records) and records.format.unpack != "zip"  # which is read from its end
    return _FEW if in_lines else job.spec.source.limits.page_size


class _Enough(Exception):
    """No more of a file is wanted."""


class _Head:
    """Takes the first bytes of a file."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.got = bytearray()
        self.headers: Mapping[str, str] = {}

    @property
    def cut(self) -> bool:
        """Whether there are more."""
        return len(self.got) > self._most

    def begin(self, headers: Mapping[str, str], /) -> None:
        self.headers = headers

    def write(self, data: bytes, /) -> int:
        self.got += data
        if self.cut:
            raise _Enough
        return len(data)


def _read(job: Job, plan: Plan, file: Found, head: _Head) -> None:
    @contextmanager
    def opener() -> Iterator[_Head]:
        head.got.clear()
        yield head

    with suppress(_Enough):
        if file.kind == "web":
            download(plan, file, opener, job.edges, ignore)
        else:
            copy(file, opener)


def _records(job: Job, file: Found, head: _Head) -> list[Any]:
    records, body, limit = job.stream.records, bytes(head.got), job.spec.source.limits.page_size
    try:
        if head.cut and streams(records):
            plain = beginning(body, records.format.unpack, _FEW)
            body, records = plain[: plain.rfind(b"\n") + 1 or None], _unpacked(records)
        first = next(portions(io.BytesIO(body), records, head.headers.get("content-type", ""), limit), None)
    except LevadaError as error:
        raise explained(job, error, str(file)) from None
    return [*first.records] if first else []


def _unpacked(records: Records) -> Records:
    return replace(records, format=replace(records.format, unpack=None))
