"""Work through partitions and tell what came of each."""

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from levada.cli.door import facts, heard, say, tell, warn
from levada.cli.progress import counted, watching
from levada.errors import PARTIAL, ContractBroken, LevadaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.nouns import Receipt, Run
    from levada.pipeline import Pipeline
    from levada.pipeline.rounds import Ongoing
    from levada.round import Round
    from levada.spec.model import Stream

__all__ = ["Told", "codes", "line", "lines", "report", "say_json", "say_round"]


#: Gaps of a run that are told one by one.
_SHOWN = 10
#: Characters of what the API said that are shown of a gap.
_LONGEST = 200


@dataclass
class Told:
    """What came of the partitions so far."""

    left: "list[tuple[str, Stream]]"
    ongoing: "Ongoing"
    runs: "list[Run]" = field(default_factory=list)
    errors: list[LevadaError] = field(default_factory=list)
    #: Children of what failed: partition and stream.
    orphans: "list[tuple[str, Stream]]" = field(default_factory=list)
    #: What was named and was never committed, which no replay works on: partition and stream.
    nothing: "Sequence[tuple[str, Stream]]" = ()

    def ran(self, run: "Run") -> None:
        """A partition is done."""
        self.runs.append(run)
        self.ongoing.ran(run)

    def failed(self, error: LevadaError, date: str, stream: str) -> None:
        """A partition failed."""
        self.errors.append(error)
        self.ongoing.failed(error, stream, date)


def report(pipeline: "Pipeline", verb: str, work: "Sequence[tuple[str, Stream]]", *, as_json: bool) -> None:
    """Do `verb` to these partitions of streams, in order; leave with the first error's exit code, 4 for gaps alone.

    An answer that breaks the contract is that partition's own: the others go on, but for the streams that are made
    from it. Anything else (a wrong token, an API that is away, a full disk) would meet the next partition too, so the
    work stops there.
    """
    from levada.pipeline.rounds import begun

    with begun(pipeline.course, verb, "command") as ongoing:
        told = Told(list(work), ongoing)
        ongoing.meant(work)
        try:
            _work(pipeline, verb, told, as_json=as_json)
        except (KeyboardInterrupt, SystemExit):
            heard()
            warn("levada: stopped; what had arrived is kept, and the same command goes on from there")
            raise
        done = ongoing.close()
        # Inside: a signal that ends the notices ends the command, once this is told.
        if as_json:
            say_json(pipeline, told, done)
        else:
            say_round(done)
            if told.left:
                warn(f"levada: ended here; {counted(len(told.left), 'partition')} more not tried")
    if code := next(iter((*(error.exit_code for error in told.errors), *codes(done))), 0):
        sys.exit(code)


def _work(pipeline: "Pipeline", verb: str, told: Told, *, as_json: bool) -> None:
    from levada.pipeline.orphans import Orphans

    orphans = Orphans(verb)
    while told.left:
        date, stream = told.left.pop(0)
        if failed := orphans.made_from(date, stream):
            told.orphans.append((date, stream))
            if not as_json:
                warn(f"levada: {pipeline.spec.pipeline}/{stream.name} {date} was not tried: it is made from {failed}")
            continue
        try:
            with told.ongoing.of(stream.name, date):
                told.ran(_one(pipeline, verb, stream, date))
        except LevadaError as error:
            told.failed(error, date, stream.name)
            orphans.failed(date, stream)
            if not as_json:
                tell(error)
            if not isinstance(error, ContractBroken):
                return
        else:
            if not as_json:
                say("\n".join(lines(told.runs[-1])))


def _one(pipeline: "Pipeline", verb: str, stream: "Stream", date: str) -> "Run":
    with watching(f"{pipeline.spec.pipeline}/{stream.name} {date}".rstrip()) as observe:
        return pipeline.observed(observe).work(verb, stream, date)


def codes(done: "Round") -> list[int]:
    """The exit codes of what was not well beside errors of partitions: reports, then gaps."""
    reports = [one.error.code for one in done.reports if one.error]
    return [*reports, *([PARTIAL] if any(run.outcome == "partial" for run in done.runs) else [])]


def say_round(done: "Round") -> None:
    """What followed the partitions, a line each; what could not be told or written, beside the output."""
    from levada.round import error_of, said_of

    for one in done.reports:
        if one.error:
            tell(error_of(one.error))
        else:
            say(f"report {one.name}: {said_of(one)}")
    for note in done.notes:
        warn(f"levada: {note}")


def say_json(pipeline: "Pipeline", told: Told, done: "Round") -> None:
    """All that came of the partitions, as one JSON object."""
    from levada.nouns import plain

    result = {
        "runs": plain(told.runs),
        "errors": [facts(error) for error in told.errors],
        "not_tried": [
            {"pipeline": pipeline.spec.pipeline, "stream": stream.name, "partition": date}
            for date, stream in (*told.orphans, *told.left, *told.nothing)
        ],
        "reports": plain(done.reports),
        "notes": list(done.notes),
    }
    say(json.dumps(result, indent=2))


def lines(run: "Run") -> list[str]:
    """A run in one line, and one for each of its gaps, as far as that is bearable."""
    gaps = [f"  gap: {gap.where}: {_said(gap.status, gap.why)}" for gap in run.gaps[:_SHOWN]]
    more = [f"  and {len(run.gaps) - _SHOWN} more; --json lists them all"] if len(run.gaps) > _SHOWN else []
    return [line(run), *gaps, *more]


def _said(status: int | None, why: str) -> str:
    text = " ".join(why.split())
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"{status}: {cut}" if status else cut


def line(run: "Run") -> str:
    """A run in one line: `sales/sales 2022-08-09: done, 4 pages, 338 rows read, 338 kept, 0 quarantined, …`."""
    text = (
        f"{run.pipeline}/{run.stream} {run.partition}: {_outcome(run)}{'' if run.changed else ' (nothing changed)'}, "
        f"{counted(run.pages, 'page')}, {', '.join(_rows(run))}, {counted(len(run.files), 'file')}, "
        f"{counted(run.requests, 'request')}, {run.seconds:.2f} s"
    )
    resumed = [f"{counted(run.resumed, 'page')} taken over from an interrupted run"] if run.resumed else []
    returned = [f"{counted(run.returned, 'row')} came back from quarantine"] if run.returned else []
    return "; ".join([text, *map(_loaded, run.loads), *resumed, *returned, *run.notes])


def _loaded(load: "Receipt") -> str:
    """What a table took: `338 rows into public.sales`, of a merge what became of them."""
    if load.before:
        return f"{load.table} has them already"
    text = f"{counted(load.rows, 'row')} into {load.table}"
    if load.mode != "merge":
        return text
    left = f", {load.left_behind} left behind" if load.left_behind else ""
    return f"{text} ({load.inserted} inserted, {load.updated} updated, {load.unchanged} unchanged{left})"


def _outcome(run: "Run") -> str:
    if run.gaps:
        return f"{run.outcome}, {counted(len(run.gaps), 'gap')}"
    return "landed" if run.level == "landed" and run.outcome == "done" else run.outcome


def _rows(run: "Run") -> list[str]:
    """The figures of the rows; of pages that were only landed no row was checked."""
    counts = run.counts
    read = f"{counted(counts.read, 'row')} read"
    if run.level == "landed":
        return [read]
    nullified = [f"{counted(counts.nullified, 'value')} nullified"] if counts.nullified else []
    return [read, f"{counts.kept} kept", f"{counts.quarantined} quarantined", *nullified]
