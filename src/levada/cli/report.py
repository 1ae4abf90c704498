"""Work through partitions and tell what came of each."""

import json
import sys
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from levada.cli.door import facts, say, tell
from levada.cli.progress import watching
from levada.errors import ContractBroken, LevadaError

if TYPE_CHECKING:
    from levada.nouns import Run
    from levada.pipeline import Pipeline
    from levada.spec.model import Stream

__all__ = ["line", "report"]


def report(pipeline: "Pipeline", verb: str, dates: Sequence[str], *, as_json: bool) -> None:
    """Do `verb` for every date and stream, oldest first; leave with the first error's exit code.

    An answer that breaks the contract is that partition's own: the others go on. Anything else (a wrong token, an
    API that is away, a full disk) would meet the next partition too, so the work stops there.
    """
    runs: list[Run] = []
    errors: list[LevadaError] = []
    for date, stream in product(dates, pipeline.streams()):
        try:
            runs.append(_one(pipeline, verb, stream, date))
        except LevadaError as error:
            errors.append(error)
            if not as_json:
                tell(error)
            if not isinstance(error, ContractBroken):
                break
        else:
            if not as_json:
                say(line(runs[-1]))
    if as_json:
        _say_json(runs, errors)
    if errors:
        sys.exit(errors[0].exit_code)


def _one(pipeline: "Pipeline", verb: str, stream: "Stream", date: str) -> "Run":
    with watching(f"{pipeline.spec.pipeline}/{stream.name} {date}") as observe:
        return pipeline.observed(observe).work(verb, stream, date)


def _say_json(runs: "list[Run]", errors: list[LevadaError]) -> None:
    from levada.nouns import plain

    say(json.dumps({"runs": plain(runs), "errors": [facts(error) for error in errors]}, indent=2))


def line(run: "Run") -> str:
    """A run in one line: `sales/sales 2022-08-09: done, 4 pages, 338 rows read, 338 kept, 0 quarantined, …`."""
    counts = run.counts
    text = (
        f"{run.pipeline}/{run.stream} {run.partition}: {run.outcome}{'' if run.changed else ' (nothing changed)'}, "
        f"{run.pages} pages, {counts.read} rows read, {counts.kept} kept, {counts.quarantined} quarantined, "
        f"{len(run.files)} files, {run.requests} requests, {run.seconds:.2f} s"
    )
    resumed = [f"{run.resumed} pages taken over from an interrupted run"] if run.resumed else []
    return "; ".join([text, *resumed, *run.notes])
