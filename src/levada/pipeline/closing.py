"""The end of a run: is it fit to be committed, what does the record say, what is the person told."""

from dataclasses import dataclass, replace

from levada.contract import check
from levada.contract.model import Contract
from levada.errors import ContractBroken
from levada.lake import commit
from levada.lake.lease import Lease
from levada.lake.record import Record, landed_fingerprint, public_names, staged_fingerprint
from levada.nouns import Counts, Gap, LakeFile, Level, Outcome, Receipt, Records, Run, plain
from levada.pipeline.cursor import after, nothing_new
from levada.pipeline.drift import drifted
from levada.pipeline.gaps import told as told_gaps
from levada.pipeline.job import Job
from levada.pipeline.making import Made
from levada.pipeline.milestones import committing
from levada.pipeline.tables import refuse_unable, showing, table_of
from levada.pipeline.tally import Tally
from levada.version import __version__

__all__ = ["Closing", "committed", "says_all", "stands"]


@dataclass(frozen=True, slots=True)
class Closing:
    """What a run has when its pages are through."""

    made: Made
    tally: Tally
    level: Level
    #: Whether another tool wrote the raw files, and their public names, which become the partition's own.
    adopted: bool = False
    known: frozenset[str] = frozenset()
    #: What was left out by rule, and rows that could not be asked for by.
    gaps: tuple[Gap, ...] = ()
    left_out: int = 0

    @property
    def no_data(self) -> bool:
        """Whether there is nothing, and nothing is known to be missing."""
        return not self.made.pages and not self.gaps


def committed(job: Job, lease: Lease, end: Closing) -> Run:
    """Commit and show what was made.

    Raises:
        ContractBroken: too many bad rows; no data where an earlier commit has rows; gaps where an earlier commit has
            none. Nothing is published.
    """
    said = end.tally.last.text if end.tally.last and end.no_data else None
    told = [f"the API says: {said}"] if said else []
    if job.folder and end.no_data:
        return _untouched(job, lease, end, *told)
    told += (*end.made.notes, *drifted(job, lease, end.made.keys))
    counts = end.made.counts
    if job.reach and job.reach.moves and lease.record is None and counts.read == counts.dropped and not end.gaps:
        return nothing_new(job, counts, *told, run=end.tally.work.run)
    if job.contract and end.level == "staged":
        _refuse_bad(job, job.contract, counts)
    _refuse_vanished(job, lease, end)
    _refuse_partial(job, lease, end)
    if end.level == "staged":
        refuse_unable(job, lease.record, looked=any(file.format == "delta" for file in end.made.others))
    draft = after(job, lease.record, end.made.cursor, _draft(job, lease, end))
    mended: list[str] = []
    loads: list[Receipt] = []
    aside = showing(job, mended.append, loads.append) if end.level == "staged" else commit.Aside(mended.append)
    aside = replace(aside, show=committing(job, aside.show))
    record, changed = commit.publish(lease, draft, adopt=job.options.adopt, known=end.known, aside=aside)
    done = stands(record, *mended, *told, changed=changed or bool(mended), run=end.tally.work.run)
    return replace(done, loads=tuple(loads))


def _untouched(job: Job, lease: Lease, end: Closing, *notes: str) -> Run:
    """The end of a job without data: its folder keeps what it holds, and no commit is made."""
    level = lease.record.level if lease.record else None
    return replace(nothing_new(job, Counts(), *notes, run=end.tally.work.run), level=level)


def stands(record: Record, *notes: str, changed: bool = False, run: str | None = None) -> Run:
    """A run that ends with `record` standing."""
    return Run(
        pipeline=record.pipeline,
        stream=record.stream,
        partition=record.partition,
        run=run or record.run,
        outcome=_outcome(record),
        level=record.level,
        counts=record.counts,
        pages=record.pages,
        requests=0,
        resumed=0,
        files=tuple(sorted(public_names(record.files))),
        changed=changed,
        seconds=0.0,
        notes=notes,
        gaps=record.gaps,
        left_out=record.left_out,
    )


def _outcome(record: Record) -> Outcome:
    if record.gaps:
        return "partial"
    if record.no_data:
        return "no data"
    return "done with quarantine" if record.counts.quarantined else "done"


def _refuse_bad(job: Job, contract: Contract, counts: Counts) -> None:
    try:
        check.verdict(contract, counts)
    except ContractBroken as error:
        todo = f"see them and their reasons: {job.looking()}; then mend the contract, or raise `max_bad`"
        raise ContractBroken(error.what, where=job.where, todo=todo) from None


def _refuse_vanished(job: Job, lease: Lease, end: Closing) -> None:
    if job.folder:
        return  # what it held may have been another date
    rows = lease.record.counts.read if lease.record else 0
    if rows and not end.made.counts.read and not end.gaps and not job.options.allow_empty:
        says = "The files hold no records" if job.stream.files else "The API says that there is no data"
        raise ContractBroken(
            f"{says} for {job.where}, but {rows} rows were committed before.",
            where=job.where,
            todo="find out which is right; to let the empty answer replace the rows, run with --allow-empty",
        )


def _refuse_partial(job: Job, lease: Lease, end: Closing) -> None:
    old = lease.record
    if not end.gaps or old is None or old.gaps or job.options.accept_partial:
        return
    if job.folder and old.partition != job.partition.key:
        return
    other = "fill another folder" if job.folder else "run with --accept-partial to let it be replaced"
    raise ContractBroken(
        f"{job.where} came with {told_gaps(end.gaps)}; what was committed before has none, and stays.",
        where=job.where,
        todo=f"run again when the API gives what is missing; or {other}",
    )


def _draft(job: Job, lease: Lease, end: Closing) -> Record:
    pages = end.made.pages
    landed, staged = _fingerprints(job, end.made, end.gaps)
    return Record(
        pipeline=job.spec.pipeline,
        stream=job.stream.name,
        partition=job.partition.key,
        run=end.tally.work.run,
        level=end.level,
        landed=landed,
        staged=staged if end.level == "staged" else None,
        # Pages of another folder's commit stay that commit's.
        files=(*(page for page in pages if job.area.run_of(page.key)), *end.made.others),
        counts=end.made.counts,
        pages=len(pages),
        committed=job.edges.clock.now(),
        by=lease.holder,
        levada=__version__,
        no_data=end.no_data,
        adopted=end.adopted,
        folder=job.folder,
        gaps=end.gaps,
        left_out=end.left_out,
        keys=end.made.keys,
        table=table_of(job) if end.level == "staged" else None,
        unloaded=end.level == "staged" and job.stream.load is not None and job.folder is None,
    )


def says_all(job: Job, record: Record, pages: tuple[LakeFile, ...]) -> bool:
    """Whether staging these pages, those of `record` under their names of today, would make nothing that it lacks.

    Told from fingerprints, as at a commit. False for what they cannot tell without reading the pages: joined and split
    files, cursors, tables, the folders of jobs.
    """
    beside = (job.stream.raw_joined, job.stream.raw_split, job.reach, job.folder, record.table or table_of(job))
    if any(beside) or record.level != "staged":
        return False
    return (record.landed, record.staged) == _fingerprints(job, Made(pages, (), record.counts), record.gaps)


def _fingerprints(job: Job, made: Made, gaps: tuple[Gap, ...]) -> tuple[str, str]:
    """Of what was landed, and of what was staged."""
    landed = landed_fingerprint(_raw_names(made), [page.sha256 for page in made.pages], _more(job, made, gaps))
    return landed, staged_fingerprint(landed, job.contract_fingerprint(), job.stage_fingerprint())


def _more(job: Job, made: Made, gaps: tuple[Gap, ...]) -> dict[str, object]:
    """What makes the same pages other content: what is missing beside them, the rows that they are of."""
    rows = [{name: value for name, value in page.fills.items() if name != "page"} for page in made.pages]
    split = job.stream.raw_split
    shape = job.stream.records if job.stream.raw_joined or split else Records()
    found = {
        "gaps": [gap.where for gap in gaps],
        "rows": rows if any(rows) else [],
        "joined": [] if shape in (Records(), Records("$")) else [plain(shape)],
        "split": [split.records, split.size] if split else [],
    }
    return {name: value for name, value in found.items() if value}


def _raw_names(made: Made) -> list[str]:
    """The public names of what was landed: a spec that names them otherwise makes another commit."""
    raw = (*made.pages, *(file for file in made.others if file.kind in {"joined", "split"}))
    return [file.public or "" for file in raw]
