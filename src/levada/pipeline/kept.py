"""Pages that are there already: those of the commit, checked, or raw files that another tool wrote."""

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from levada.errors import ContractBroken, FixThis
from levada.lake.lease import Lease
from levada.lake.reading import read_file
from levada.lake.record import Record
from levada.lake.store import Entry, Written
from levada.lake.verify import check_file, problems_of
from levada.lake.work import Work
from levada.landing import Landed, receive
from levada.nouns import Gap, LakeFile, Page, PageFacts
from levada.pipeline.facts import facts_of
from levada.pipeline.fills import Names, of_file
from levada.pipeline.job import Job
from levada.pipeline.taking import coming
from levada.records.split import split
from levada.source.events import ignore
from levada.source.files import stored
from levada.spec.template import Template, decode_name, page_pattern, variables

__all__ = ["Kept", "in_order", "kept", "kept_files", "named_today", "of_record", "pages_in"]

#: Pages of another tool may be numbered from 0 or from 1.
FIRST_NUMBERS = (0, 1)
PROBLEMS_TOLD = 5


@dataclass(frozen=True)
class Kept:
    """The pages of a partition as they lie in the lake."""

    job: Job
    #: Whether another tool wrote them.
    adopted: bool
    #: Pages of the commit.
    files: tuple[LakeFile, ...] = ()
    #: Raw files that are in no commit yet, in page order.
    found: tuple[Entry, ...] = ()
    #: What a person should know of them.
    notes: tuple[str, ...] = ()
    #: What the commit lacks, see its record.
    gaps: tuple[Gap, ...] = ()
    left_out: int = 0
    #: The records that the commit has in quarantine.
    refused: LakeFile | None = None

    @property
    def names(self) -> frozenset[str]:
        """Public names that become the partition's own by being taken over."""
        return frozenset(entry.key for entry in self.found)

    def landed(self, work: Work) -> Iterator[Landed]:
        """The pages in order; those of another tool are landed first."""
        store = self.job.area.store
        for file in named_today(self.job, self.files, adopted=self.adopted):
            yield Landed(file, None if self.job.stream.files else read_file(store, file))
        yield from self._files_taken_over(work) if self.job.stream.files else self._taken_over(work)

    def _files_taken_over(self, work: Work) -> Iterator[Landed]:
        """Files that another tool put where those of the stream go."""
        store, raw = self.job.area.store, self.job.stream.raw
        there = [replace(stored(store, entry), name=_own_name(self.job, entry)) for entry in self.found]
        come = coming(self.job, there, 0, ignore)
        yield from receive(come, work, lambda fills: self.found[fills["page"] - 1].key if raw else None, lambda _: None)

    def _taken_over(self, work: Work) -> Iterator[Landed]:
        store = self.job.area.store
        for number, entry in enumerate(self.found, start=1):
            body = store.read(entry.key)
            public = entry.key if self.job.stream.raw else None
            taken_over = work.land(Page(_facts(self.job, number, entry, body), body), public)
            if taken_over is not None:
                yield Landed(taken_over, body)


def named_today(job: Job, files: Iterable[LakeFile], *, adopted: bool) -> Iterator[LakeFile]:
    """The pages of a commit under the names that the spec gives them by now; what another tool named keeps its name."""
    name = Names(job, job.stream.raw)
    for file in files:
        yield replace(file, public=file.public if adopted else name(of_file(file)))


def kept(job: Job, lease: Lease, *, adopting: bool) -> Kept:
    """The pages to stage.

    Raises:
        FixThis: there are none; a file of the commit is missing or was changed; a raw file of another tool is no page.
    """
    if lease.record:
        refused = next((file for file in lease.record.files if file.kind == "quarantine"), None)
        return replace(of_record(job, lease.record, adopted=lease.record.adopted), refused=refused)
    found = _found(job) if adopting else ()
    if not found:
        raise FixThis(
            f"There are no raw files of {job.where} to stage.",
            where=f"{job.area.store.describe()}{_expected(job)}",
            todo=f"land them first: {job.command('land')}",
        )
    return Kept(job, adopted=True, found=found)


def of_record(job: Job, record: Record, *, adopted: bool) -> Kept:
    """The pages of a commit, and what it lacks; raises FixThis if a raw file of it is missing or was changed."""
    return Kept(job, adopted, kept_files(job, record), gaps=record.gaps, left_out=record.left_out)


def kept_files(job: Job, record: Record) -> tuple[LakeFile, ...]:
    """The pages of a commit in order; raises FixThis if a raw file of it is missing or was changed."""
    _refuse_changed(job, tuple(file for file in record.files if file.kind in {"page", "joined", "split"}))
    return pages_in(record)


def pages_in(record: Record) -> tuple[LakeFile, ...]:
    """The pages of a commit in order."""
    pages = [file for file in record.files if file.kind == "page"]
    return tuple(sorted(pages, key=lambda file: file.page or 0))


def _refuse_changed(job: Job, files: tuple[LakeFile, ...]) -> None:
    problems = problems_of(job.area.store, check_file, files)
    if problems:
        told = "; ".join(str(problem) for problem in problems[:PROBLEMS_TOLD])
        more = f"; and {len(problems) - PROBLEMS_TOLD} more" if len(problems) > PROBLEMS_TOLD else ""
        raise FixThis(
            f"Raw files of {job.where} are not what was landed: {told}{more}.",
            where=job.area.store.describe(),
            todo=f"fetch and write them again: {job.fetching('land')}",
        )


def _template(job: Job) -> Template | None:
    return job.stream.raw or job.stream.raw_joined


def _expected(job: Job) -> str:
    template = _template(job)
    return f", expected {template.text}" if template else ""


def _found(job: Job) -> tuple[Entry, ...]:
    """Raw files under the spec's names, ordered by `{page}` as a number, without a gap; without it by `{file}`."""
    template = _template(job)
    told = variables(template) if template else frozenset()
    if template is None or not told <= {"page", *_of_files(job), *job.values}:
        return ()  # without a name, or with a row in it, nobody can tell which page a file is
    folder, pattern = page_pattern(template, job.values)
    matches = [(match, entry) for entry in job.area.store.list(folder) if (match := pattern.fullmatch(entry.key))]
    if "file" in told and "page" not in told:
        return _by_name(job, [(decode_name(match["file"]), entry) for match, entry in matches])
    return in_order(job, [(int(match.groupdict().get("page") or 1), entry) for match, entry in matches])


def _by_name(job: Job, named: Iterable[tuple[str, Entry]]) -> tuple[Entry, ...]:
    ordered = sorted(named, key=lambda each: each[0])
    for (name, entry), (other, twin) in pairwise(ordered):
        if name == other:  # the names %20 and %2520 in the lake: only one of them is as `encode_name` writes it
            _refuse_twins(job, entry, twin)
    return tuple(entry for _, entry in ordered)


def _of_files(job: Job) -> AbstractSet[str]:
    return {"file"} if job.stream.files else frozenset()


def _own_name(job: Job, entry: Entry) -> str:
    """What a file was called before it was landed under the spec's name; its name in the lake where that is all."""
    template = _template(job)
    match = page_pattern(template, job.values)[1].fullmatch(entry.key) if template else None
    if match is None or "file" not in match.groupdict():
        return entry.key.rpartition("/")[2]
    return decode_name(match["file"])


def in_order(job: Job, numbers: Iterable[tuple[int, Entry]]) -> tuple[Entry, ...]:
    """Raw files by their page numbers; raises FixThis where one is missing or there twice."""
    numbered: dict[int, Entry] = {}
    for number, entry in numbers:
        if number in numbered:  # page 2 as _2 and as _02
            _refuse_twins(job, numbered[number], entry)
        numbered[number] = entry
    _refuse_gap(job, sorted(numbered))
    return tuple(numbered[number] for number in sorted(numbered))


def _refuse_gap(job: Job, numbers: list[int]) -> None:
    if not numbers or (numbers[0] in FIRST_NUMBERS and numbers == list(range(numbers[0], numbers[0] + len(numbers)))):
        return
    known = set(numbers)
    lacking = [str(number) for number in islice(_without(known, numbers[-1]), PROBLEMS_TOLD)]
    more = " and more" if numbers[-1] - len(known - {0}) > PROBLEMS_TOLD else ""
    raise FixThis(
        f"The raw files of {job.where} have a gap: page {', '.join(lacking)}{more} is not there.",
        where=f"{job.area.store.describe()}{_expected(job)}",
        todo=f"fetch the partition again: {job.fetching('run', '--adopt')}",
    )


def _without(known: AbstractSet[int], last: int) -> Iterator[int]:
    """Numbers from 1 up to `last` that are not known, lazily: a file may be called 20220809.json."""
    return (number for number in range(1, last) if number not in known)


def _refuse_twins(job: Job, one: Entry, other: Entry) -> None:
    raise FixThis(
        f"Two raw files of {job.where} are the same page: {one.key} and {other.key}.",
        where=job.area.store.describe(),
        todo="remove the one that is not the page",
    )


def _facts(job: Job, number: int, entry: Entry, body: bytes) -> PageFacts:
    try:
        rows = len(split(body, job.stream.records))
    except ContractBroken as error:
        raise _no_page(job, entry, error.what) from None  # what it says of answers is no help here
    if not body:  # of an API it is a page without records; here it is a file that nobody wrote to its end
        raise _no_page(job, entry, "It is empty.")
    found = Written(len(body), hashlib.sha256(body).hexdigest())
    return replace(facts_of(number, f"file:{entry.key}", found, entry.changed), rows=rows)


def _no_page(job: Job, entry: Entry, why: str) -> FixThis:
    return FixThis(
        f"{entry.key} is no page of records: {why}",
        where=f"{job.area.store.describe()}/{entry.key}",
        todo=f"remove it if it is no page, or fetch the partition again: {job.fetching('run', '--adopt')}",
    )
