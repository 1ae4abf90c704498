"""What is made of landed pages: one list of all pages, checked rows, a quarantine; page by page, all files at once.

landed pages ──► joined, split
            └──► check ──► rows ──► staged files
                      └──► quarantine

Each maker opens its file with the first thing to write and has it whole under its key when the stack closes; when the
run fails before that, the file is not there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from levada.contract import check
from levada.contract.model import Contract
from levada.lake import quarantine
from levada.lake.store import Writer
from levada.lake.work import Work
from levada.landing import Landed
from levada.nouns import Batch, Counts, Cursor, LakeFile, Level, Rejected
from levada.pipeline.drift import remembered
from levada.pipeline.fills import Names, added, of_file, values_in
from levada.pipeline.job import Job
from levada.pipeline.lists import Joined, Parts
from levada.pipeline.loading import prepare
from levada.pipeline.portions import count_of, portions_of, with_lines
from levada.pipeline.sieve import Sieve, Sifted
from levada.pipeline.tables import refuse_unfit
from levada.pipeline.tally import Tally
from levada.records.portion import Portion
from levada.spec.model import Output
from levada.staging import How, RowWriter, writer

__all__ = ["Made", "make"]


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a commit, and the rows behind them."""

    pages: tuple[LakeFile, ...]
    others: tuple[LakeFile, ...]
    counts: Counts
    #: How far an incremental stream is then, and what a person should know of it.
    cursor: Cursor | None = None
    notes: tuple[str, ...] = ()
    #: Keys of the records that the contract looked at.
    keys: tuple[str, ...] = ()


def make(job: Job, landed: Iterable[Landed], level: Level, tally: Tally) -> Made:
    """Take the pages in order and make every file that the stream asks for, up to `level`; rows go into `tally`.

    Stops taking pages once more rows are bad than the contract allows: such a run is never committed.
    """
    pages: list[LakeFile] = []
    with ExitStack() as whole:
        lists = (Joined(job, tally.work, whole), Parts(job, tally.work, whole))
        checked = _Checked(job, tally.work, whole) if level == "staged" and job.contract else None
        taking = _Taking(job, tally, lists, checked)
        for page in landed:
            pages.append(taking.take(page))
            if taking.hopeless:
                break
    others = (*(file for one in lists for file in one.files()), *(checked.files() if checked else ()))
    keys = checked.keys if checked else ()
    return Made(tuple(pages), others, tally.counts, taking.sieve.cursor, taking.sieve.notes, keys)


class _Taking:
    """Pages, portion by portion, into what is made of them."""

    def __init__(self, job: Job, tally: Tally, lists: Sequence[Joined | Parts], checked: "_Checked | None") -> None:
        self._job, self._tally, self._checked = job, tally, checked
        self._lists = [one for one in lists if one.wanted]
        self.sieve = Sieve(job.reach)

    @property
    def hopeless(self) -> bool:
        """Whether no further page can save the run."""
        return self._checked is not None and self._checked.hopeless(self._tally.counts)

    def take(self, page: Landed) -> LakeFile:
        """Take all that is in a page; its file, and how many records it has."""
        before = self._tally.counts.read
        if page.body is None and not self._checked and not self._lists:
            self._tally.unchecked(count_of(self._job, page.file))
        else:
            with portions_of(self._job, page) as portions:
                for portion in portions:
                    self._portion(page.file, portion)
                    if self.hopeless:
                        break
        return page.file if page.body is not None else replace(page.file, rows=self._tally.counts.read - before)

    def _portion(self, page: LakeFile, portion: Portion) -> None:
        sifted = self.sieve.take(page.page or 0, portion, page.fills)
        self._tally.dropped(sifted.dropped)
        for one in self._lists:
            one.take(sifted.records)
        if self._checked:
            self._tally.checked(self._checked.take(page, portion, sifted))
        else:
            self._tally.unchecked(len(sifted.records) + len(portion.broken))


class _Checked:
    """Rows that pass the contract into staged files, the others into quarantine."""

    def __init__(self, job: Job, work: Work, whole: ExitStack) -> None:
        assert job.contract  # noqa: S101 - make() sees to it
        self._job, self._contract = job, job.contract
        self._checkers = _Checkers(job, job.contract)
        self._memory = check.Memory()
        self._staged = [_Staged(job, work, whole, output) for output in job.outputs]
        self._refused = _Refused(work, whole)

    def take(self, page: LakeFile, portion: Portion, sifted: Sifted) -> Batch:
        fills, number = of_file(page), page.page or 0
        records = added(self._job, fills, sifted.records)
        batch = check.check_page(self._checkers.of(fills), number, records, self._memory, sifted.places)
        if portion.lines or portion.broken:
            batch = with_lines(batch, portion, self._contract)
        if batch.rejected:
            self._refused.take(batch.rejected)
        for staged in self._staged if batch.rows else ():
            staged.take(batch, fills)
        return batch

    @property
    def keys(self) -> tuple[str, ...]:
        return remembered(self._memory.keys)

    def hopeless(self, counts: Counts) -> bool:
        return check.hopeless(self._contract, counts)

    def files(self) -> Iterator[LakeFile]:
        for staged in self._staged:
            yield from staged.files()
        yield from self._refused.files()


class _Checkers:
    """The contract made ready: once, or for each row where its templates name rows."""

    def __init__(self, job: Job, contract: Contract) -> None:
        self._job = job
        self._row: object = None
        self._latest: check.Checker | None = None
        self._one = None if job.by_row else check.prepare(contract)

    def of(self, fills: Mapping[str, Any]) -> check.Checker:
        if self._one:
            return self._one
        if self._latest is None or self._row != fills.get("row"):
            self._row = fills.get("row")
            self._latest = check.prepare(self._job.contract_of(values_in(fills)))
        return self._latest


class _Refused:
    """The quarantine of a run."""

    def __init__(self, work: Work, whole: ExitStack) -> None:
        self._work, self._whole = work, whole
        self._writer: Writer | None = None
        self._rows = 0

    def take(self, rejected: Iterable[Rejected]) -> None:
        if self._writer is None:
            self._writer = self._whole.enter_context(self._work.writer("quarantine.jsonl"))
        self._rows += quarantine.write(self._writer, rejected)

    def files(self) -> Iterator[LakeFile]:
        if self._writer:
            written = self._writer.written()
            key = self._work.key("quarantine.jsonl")
            yield LakeFile("quarantine", key, None, written.size, written.sha256, self._rows)


@dataclass(slots=True)
class _Open:
    """A staged file in the making."""

    path: tuple[str, str]
    public: str | None
    page: int | None
    fills: Mapping[str, Any]
    out: Writer
    rows: RowWriter
    count: int = 0


class _Staged:
    """An output: a file a page where its name tells page or row, else one for the partition. None without rows."""

    def __init__(self, job: Job, work: Work, whole: ExitStack, output: Output) -> None:
        self._job, self._work, self._whole, self._output = job, work, whole, output
        self._by_page = job.by_page(output.name)
        # A table's files have the names that the table gives them.
        self._names = Names(job, None if output.kept or output.format == "delta" else output.name)
        self._open_one: _Open | None = None
        #: The file of the latest page, which may come in portions, and what closes it.
        self._latest: _Open | None = None
        self._page = ExitStack()
        self._made: list[LakeFile] = []

    def take(self, batch: Batch, fills: Mapping[str, Any]) -> None:
        if self._by_page:
            if self._latest is None or self._latest.page != batch.page:
                self._close()
                self._page = self._whole.enter_context(ExitStack())
                self._latest = self._open(batch.page, fills, self._page)
            _write(self._latest, batch)
        else:
            self._open_one = self._open_one or self._open(None, {}, self._whole)
            _write(self._open_one, batch)

    def files(self) -> Iterator[LakeFile]:
        self._close()
        yield from self._made
        if self._open_one:
            yield self._file(self._open_one)

    def _close(self) -> None:
        """The file of the latest page is whole: another page follows, or none."""
        if self._latest:
            self._page.close()
            self._made.append(self._file(self._latest))
            self._latest = None

    def _open(self, page: int | None, fills: Mapping[str, Any], stack: ExitStack) -> _Open:
        job, form = self._job, self._output.format
        if form == "delta":
            refuse_unfit(job)
        if form == "parquet" and job.stream.load:
            prepare(job)
        path = ("staged", f"{'all' if page is None else page}.{form}")
        out = stack.enter_context(self._work.writer(*path))
        assert job.contract  # noqa: S101 - a stage has a contract, the spec reader sees to it
        made = writer(out, job.contract, How(job.stream.name, job.spec.pipeline, self._output))
        return _Open(path, self._names(fills), page, fills, out, stack.enter_context(made))

    def _file(self, made: _Open) -> LakeFile:
        written = made.out.written()
        return LakeFile(
            kind="staged",
            key=self._work.key(*made.path),
            public=made.public,
            size=written.size,
            sha256=written.sha256,
            rows=made.count,
            page=made.page,
            format=self._output.format,
            fills=made.fills,
        )


def _write(made: _Open, batch: Batch) -> None:
    made.rows.write(batch.rows)
    made.count += len(batch.rows)
