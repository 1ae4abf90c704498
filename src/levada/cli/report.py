"""Work through partitions and tell what came of each."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

from levada.cli.door import facts, heard, say, tell, warn
from levada.cli.progress import counted, watching
from levada.errors import ContractBroken, LevadaError

if TYPE_CHECKING:
    from levada.nouns import Run
    from levada.pipeline import Pipeline
    from levada.spec.model import Stream

__all__ = ["line", "report"]


@dataclass
class _Told:
    """What came of the partitions so far."""

    left: "list[tuple[str, Stream]]"
    runs: "list[Run]" = field(default_factory=list)
    errors: list[LevadaError] = field(default_factory=list)


def report(pipeline: "Pipeline", verb: str, dates: Sequence[str], *, as_json: bool) -> None:
    """Do `verb` for every date and stream, oldest first; leave with the first error's exit code.

    An answer that breaks the contract is that partition's own: the others go on. Anything else (a wrong token, an
    API that is away, a full disk) would meet the next partition too, so the work stops there.
    """
    told = _Told(list(product(dates, pipeline.streams())))
    try:
        _work(pipeline, verb, told, as_json=as_json)
    except (KeyboardInterrupt, SystemExit):
        heard()
        warn("levada: stopped; what had arrived is kept, and the same command goes on from there")
        raise
    if as_json:
        _say_json(pipeline, told)
    elif told.left:
        warn(f"levada: ended here; {counted(len(told.left), 'partition')} more not tried")
    if told.errors:
        sys.exit(told.errors[0].exit_code)


def _work(pipeline: "Pipeline", verb: str, told: _Told, *, as_json: bool) -> None:
    while told.left:
        date, stream = told.left.pop(0)
        try:
            told.runs.append(_one(pipeline, verb, stream, date))
        except LevadaError as error:
            told.errors.append(error)
            if not as_json:
                tell(error)
            if not isinstance(error, ContractBroken):
                return
        else:
            if not as_json:
                say(line(told.runs[-1]))


def _one(pipeline: "Pipeline", verb: str, stream: "Stream", date: str) -> "Run":
    with watching(f"{pipeline.spec.pipeline}/{stream.name} {date}") as observe:
        return pipeline.observed(observe).work(verb, stream, date)


def _say_json(pipeline: "Pipeline", told: _Told) -> None:
    from levada.nouns import plain

    result = {
        "runs": plain(told.runs),
        "errors": [facts(error) for error in told.errors],
        "not_tried": [
            {"pipeline": pipeline.spec.pipeline, "stream": stream.name, "partition": date} for date, stream in told.left
        ],
    }
    say(json.dumps(result, indent=2))


def line(run: "Run") -> str:
    """A run in one line: `sales/sales 2022-08-09: done, 4 pages, 338 rows read, 338 kept, 0 quarantined, …`."""
    text = (
        f"{run.pipeline}/{run.stream} {run.partition}: {_outcome(run)}{'' if run.changed else ' (nothing changed)'}, "
        f"{counted(run.pages, 'page')}, {', '.join(_rows(run))}, {counted(len(run.files), 'file')}, "
        f"{counted(run.requests, 'request')}, {run.seconds:.2f} s"
    )
    resumed = [f"{counted(run.resumed, 'page')} taken over from an interrupted run"] if run.resumed else []
    return "; ".join([text, *resumed, *run.notes])


def _outcome(run: "Run") -> str:
    return "landed" if run.level == "landed" and run.outcome == "done" else run.outcome


def _rows(run: "Run") -> list[str]:
    """The figures of the rows; of pages that were only landed no row was checked."""
    counts = run.counts
    read = f"{counted(counts.read, 'row')} read"
    if run.level == "landed":
        return [read]
    nullified = [f"{counted(counts.nullified, 'value')} nullified"] if counts.nullified else []
    return [read, f"{counts.kept} kept", f"{counts.quarantined} quarantined", *nullified]
