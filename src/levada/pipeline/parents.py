"""What a stream takes from the commits of other streams of the same partition: rows to ask by, or pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from levada.errors import FixThis
from levada.lake.area import Area
from levada.lake.lease import record_of
from levada.lake.reading import read_file
from levada.lake.record import Record
from levada.lake.store import Written
from levada.lake.work import Work
from levada.landing import Landed
from levada.nouns import Gap, LakeFile, Page, PageFacts
from levada.pipeline.facts import facts_of
from levada.pipeline.fills import Names, added, of_file
from levada.pipeline.gaps import inherited
from levada.pipeline.job import Job
from levada.pipeline.kept import kept_files
from levada.pipeline.portions import portions_of
from levada.pipeline.slicing import Row, Sliced, Window, fields_of, parents, slices, windowed
from levada.records.raw import tree
from levada.records.split import split
from levada.spec.partition import windows

__all__ = ["Asked", "PagesOf", "asked", "pages_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts that a partition is asked for in, and what is known to be missing from them."""

    sliced: Sliced
    gaps: tuple[Gap, ...] = ()


def asked(job: Job) -> Asked:
    """The slices of a partition: rows of the parents' standing commits, windows, or all at once.

    Raises:
        FixThis: a parent has no commit, or a raw file of it was changed or removed.
        ContractBroken: the rows are not what the spec says of them.
    """
    each, spans = job.stream.for_each, _windows(job)
    if each is None:
        return Asked(windowed(spans) if spans else Sliced())
    standing = [_standing(job, name) for name in each.row_of]
    gaps = tuple(gap for parent, record in standing for gap in inherited(parent.stream.name, record.gaps))
    rows = (row for source in (_own(job), *(_rows(parent, record) for parent, record in standing)) for row in source)
    readers = [stream for stream in job.spec.streams if stream.pages_of == job.stream.name]
    return Asked(slices(each, fields_of(job.stream, readers), rows, spans), gaps)


def _windows(job: Job) -> tuple[Window, ...]:
    return () if job.stream.window is None else tuple(windows(job.partition, job.stream.window))


def _standing(job: Job, name: str) -> tuple[Job, Record]:
    """A parent as a job of its own, and what stands of it for this partition."""
    stream = next(stream for stream in job.spec.streams if stream.name == name)
    area = Area(job.area.store, job.spec.pipeline, name, job.partition.key)
    record = record_of(area)
    parent = replace(job, stream=stream, area=area, folder=None)
    if record is None:
        raise FixThis(
            f"{job.stream.name} is made from {name}, and nothing of {name} is committed for {job.partition.key}.",
            where=job.where,
            todo=f"run {name} first: {parent.command('run', '--stream', name)}",
        )
    return parent, record


def _own(job: Job) -> Iterator[Row]:
    rows = job.stream.for_each.rows if job.stream.for_each else ()
    for number, fields in enumerate(rows, start=1):
        yield Row("", number, fields)


def _rows(parent: Job, record: Record) -> Iterator[Row]:
    """The records of a commit, page by page, with what its own rows added."""
    number = 0
    for file in kept_files(parent, record):
        page = Landed(file, None if parent.stream.files else _body(parent, file))
        with portions_of(parent, page, partly=True) as portions:
            for portion in portions:
                for text in added(parent, of_file(file), portion.records):
                    number += 1
                    yield Row(parent.stream.name, number, _fields(text))


def _body(parent: Job, file: LakeFile) -> bytes:
    return read_file(parent.area.store, file)


def _fields(record: Any) -> Mapping[str, Any]:
    """The fields of a record; none of one that is no object, which is a bad row of the parent."""
    found = tree(record)
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class PagesOf:
    """The committed pages of a parent, to be landed again as pages of a stream with records of its own."""

    job: Job
    files: tuple[LakeFile, ...]
    parent: Job
    #: What the parent left out is left out here.
    gaps: tuple[Gap, ...] = ()
    adopted: bool = False
    names: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    left_out: int = 0
    #: They may be other pages than those of the commit before: nobody can tell which of its records come back.
    refused: None = None

    def landed(self, work: Work) -> Iterator[Landed]:
        """The pages in order, each landed in this run's own folder."""
        name = Names(self.job, self.job.stream.raw)
        for number, file in enumerate(self.files, start=1):
            body = _body(self.parent, file)
            facts = self._facts(number, file, body, work)
            landed = work.land(Page(facts, body), name(facts.fills))
            if landed is not None:
                yield Landed(landed, body)

    def _facts(self, number: int, file: LakeFile, body: bytes, work: Work) -> PageFacts:
        # As the commit has them: landing it compares them with what was read.
        found = facts_of(number, f"file:{file.key}", Written(file.size, file.sha256), work.edges.clock.now())
        rows = len(split(body, self.job.stream.records, file.media))
        headers = {"content-type": file.media} if file.media else {}
        return replace(found, rows=rows, headers=headers, fills=of_file(file))


def pages_of(job: Job) -> PagesOf:
    """The pages that the stream takes from its parent.

    Raises:
        FixThis: the parent has no commit, or a raw file of it was changed or removed.
    """
    (name,) = parents(job.stream)
    parent, record = _standing(job, name)
    return PagesOf(job, kept_files(parent, record), parent, gaps=record.gaps)
