"""A few pages of a stream, read as a run reads them, and all that passed meanwhile; the lake is not written to."""

from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from levada.errors import LevadaError
from levada.nouns import Page
from levada.source.events import Saw

if TYPE_CHECKING:
    from levada.contract.model import Contract
    from levada.edges import Answer
    from levada.nouns import Partition
    from levada.pipeline import Pipeline
    from levada.pipeline.job import Job
    from levada.source.events import Event
    from levada.source.request import Plan
    from levada.source.tap import Exchange
    from levada.spec.interval import Reach
    from levada.spec.model import Spec, Stream

__all__ = ["Sample", "left", "sample", "streams_of"]

#: Rows by which a parent that has parents itself is asked for: one may have no children.
_ROWS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """What came of a few pages."""

    stream: "Stream"
    #: Name of the partition, or of the interval.
    partition: str
    #: The answers in order, the one that ends the pages included.
    pages: tuple[Page, ...]
    #: Everything that went over the wire, log-ins too.
    exchanges: "tuple[Exchange, ...]"
    #: The records of each page, as the contract gets them: raw JSON (`msgspec.Raw`).
    records: tuple[Sequence[Any], ...]
    #: What paging saw: number of the page -> (rule, what it saw).
    saw: dict[int, tuple[tuple[str, str], ...]]
    #: The contract for this partition.
    contract: "Contract | None" = None
    #: Why reading ended early.
    error: LevadaError | None = None
    #: The latest answer, whole.
    answer: "Answer | None" = None

    @property
    def all_records(self) -> list[Any]:
        """The records of all pages."""
        return [record for records in self.records for record in records]


def sample(pipeline: "Pipeline", stream: "Stream", date: str | None, pages: int) -> Sample:
    """The first `pages` pages of a partition, one after the other; an error is part of what comes out.

    Args:
        pipeline: The spec; its lake is read for the rows of a parent, and not written to.
        stream: Which of its streams.
        date: The partition, or the interval of an incremental stream, by name. None: the spec's default, else the
            last partition that is over; the first interval.
        pages: At most so many.
    """
    from levada.pipeline.glance import beginnings
    from levada.source.read import read
    from levada.source.tap import Tap

    tap, saw = Tap(), dict[int, tuple[tuple[str, str], ...]]()
    got, records = list[Page](), list[Sequence[Any]]()
    error = contract = None
    name = date or ""

    def observe(event: "Event") -> None:
        if isinstance(event, Saw):
            saw[event.number] = event.said

    try:
        job = _job(replace(pipeline, edges=tap.on(pipeline.edges)), stream, date)
        own = replace(job, stream=stream)
        name, contract = job.partition.key, None if own.by_row else own.contract
        for page, found in islice(beginnings(job), pages) if job.stream.files else ():
            records.append(found)
            got.append(page)
        asks = job.stream.request is not None
        with closing(read(_plan(job), job.edges, observe=observe)) if asks else nullcontext(()) as answers:
            for page in islice(answers, pages):
                records.append(_records(own, page))
                got.append(page)
    except LevadaError as caught:
        error = caught.at_place(f"{pipeline.spec.pipeline}/{stream.name} {name}".strip())
    return Sample(stream, name, tuple(got), tuple(tap.exchanges), tuple(records), saw, contract, error, tap.answer)


def left(taken: Sample) -> str:
    """Why a stream without paging may leave pages unread, as far as its answer tells; "" where nothing does."""
    from levada.source.detect import detect

    stream, answer = taken.stream, taken.answer
    alone = stream.for_each or stream.pages_of or stream.records.path == "$"
    if not answer or taken.error or stream.paging.by != "none" or alone:
        return ""
    found = detect(answer.status, answer.headers, answer.body, answer.url).paging
    return f"without `paging` this page is all that is read, and {found.why}" if found else ""


def _job(pipeline: "Pipeline", stream: "Stream", date: str | None) -> "Job":
    """The run that the sample is a beginning of, in a lake in memory where the real one lacks rows of its parents."""
    from levada.lake.area import Area
    from levada.pipeline.job import Job
    from levada.spec.bind import needed, require

    source = _source(pipeline.spec, stream)
    require(pipeline.spec, needed("land", source))
    partition, reach = _partition(pipeline, source, date)
    area = Area(pipeline.store, pipeline.spec.pipeline, source.name, partition.key)
    job = Job(pipeline.spec, _alone(source), partition, area, pipeline.edges, reach=reach)
    return _with_parents(job) if _orphan(job) else job


def _source(spec: "Spec", stream: "Stream") -> "Stream":
    """The stream whose pages it has: itself, or the one that `pages_of` names."""
    return next((each for each in spec.streams if each.name == stream.pages_of), stream)


def _partition(pipeline: "Pipeline", stream: "Stream", date: str | None) -> "tuple[Partition, Reach | None]":
    from levada.spec import interval, partition

    now, incremental = pipeline.edges.clock.now(), stream.incremental
    if incremental:
        wanted = interval.interval_of(incremental, date) if date else interval.begin(incremental, None, now)
        return interval.partition_of(incremental, wanted), interval.Reach(incremental, wanted, moves=False)
    partitioning = pipeline.spec.partition
    if date is not None:
        return partition.parse(date, partitioning), None
    usual = replace(partitioning, default=partitioning.default or "last")
    return partition.default(now, usual)[-1], None


def _alone(stream: "Stream", most: int | None = None) -> "Stream":
    """The stream, one page after the other: what is not looked at is not asked for."""
    known = [each for each in (stream.paging.max_pages, most) if each is not None]
    paging = replace(stream.paging, ahead=False, max_pages=min(known) if known else None)
    return replace(stream, paging=paging)


def _parents(job: "Job") -> "list[Stream]":
    wanted = job.stream.for_each.row_of if job.stream.for_each else ()
    return [stream for stream in job.spec.streams if stream.name in wanted]


def _orphan(job: "Job") -> bool:
    """Whether the lake lacks what its rows are taken from."""
    from levada.lake.lease import record_of

    areas = [replace(job.area, stream=parent.name) for parent in _parents(job)]
    return any(record_of(area) is None for area in areas)


def _with_parents(job: "Job") -> "Job":
    """The job in a lake in memory that holds the first page of each parent, and of the parents of these."""
    from levada.lake.memory import MemoryStore

    own = replace(job, area=replace(job.area, store=MemoryStore()))
    _land_parents(own)
    return own


def _land_parents(job: "Job") -> None:
    from levada.pipeline.steps import land

    for parent in _parents(job):
        few = parent.for_each and replace(parent.for_each, first=min(parent.for_each.first or _ROWS, _ROWS))
        above = replace(_alone(parent, most=1), for_each=few)
        one = replace(job, stream=above, area=replace(job.area, stream=parent.name))
        _land_parents(one)
        land(one)


def _records(job: "Job", page: Page) -> Sequence[Any]:
    """The records of a page as the contract gets them."""
    from levada.pipeline.fills import added
    from levada.records.split import split

    if page.facts.means != "page":
        return ()
    media = page.facts.headers.get("content-type", "")
    return added(job, page.facts.fills, split(page.body, job.stream.records, media))


def _plan(job: "Job") -> "Plan":
    """What a run would ask."""
    from levada.pipeline.parents import asked

    return replace(job.plan(), slices=asked(job).sliced.slices)


def streams_of(pipeline: "Pipeline", names: tuple[str, ...]) -> "tuple[Stream, ...]":
    """The streams of these names; all without a name."""
    from levada.pipeline import Options

    return pipeline.having(Options(streams=names)).streams()
