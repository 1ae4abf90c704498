"""Work through partitions that do not depend on one another, several at once, and tell what came of each, in order."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from levada.cli.door import BUG, heard, say, tell, warn
from levada.cli.progress import counted
from levada.cli.report import PARTIAL, Told, lines, say_json
from levada.errors import ContractBroken, FixThis, LevadaError, TryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from levada.backfill import Ended
    from levada.nouns import Run
    from levada.pipeline import Pipeline
    from levada.spec.model import Stream

__all__ = ["JOBS", "report_each", "worst"]

JOBS = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Partitions to work on at once, a process for each; one for each core if left out.",
)
#: Exit codes, the worst first: what a person must mend comes before what only takes time.
WORST = (BUG, FixThis.exit_code, ContractBroken.exit_code, TryLater.exit_code, PARTIAL, 0)


def worst(codes: "Iterable[int]") -> int:
    """The exit code that says the worst; 0 for none."""
    return min(codes, key=WORST.index, default=0)


def report_each(
    pipeline: "Pipeline",
    work: "Sequence[tuple[str, Stream]]",
    jobs: int | None,
    *,
    as_json: bool,
    ending: "Callable[[Sequence[Run]], str] | None" = None,
) -> None:
    """Replay each of these partitions of streams, tell each result; leave with the exit code that says the worst.

    An error of one is its own, and the others go on.

    Args:
        pipeline: What to work with.
        work: Partitions with their streams; streams of one partition stand together.
        jobs: How many partitions at once; None for one a core.
        as_json: Whether all is told as one JSON object.
        ending: Makes a last line of all runs that ended well.
    """
    told = Told(list(work))
    try:
        _each(pipeline, told, jobs, as_json=as_json)
    except (KeyboardInterrupt, SystemExit):
        heard()
        warn("levada: stopped; what was committed stands, and the same command does the rest")
        raise
    if as_json:
        say_json(pipeline, told)
    elif ending:
        say(ending(told.runs))
    if told.errors:
        through = len(told.runs) + len(told.errors)
        if through > 1:
            warn(f"levada: {len(told.errors)} of {counted(through, 'partition')} failed; the others are done")
    if code := worst(_codes(told)):
        sys.exit(code)


def _each(pipeline: "Pipeline", told: Told, jobs: int | None, *, as_json: bool) -> None:
    from levada.backfill import cores, each

    bugs: list[Exception] = []
    with closing(each(pipeline, "replay", tuple(told.left), jobs or cores())) as found:
        for ended in found:
            told.left.pop(0)
            if isinstance(ended.error, LevadaError):
                told.errors.append(ended.error)
            elif ended.error:
                bugs.append(ended.error)
            elif ended.run:
                told.runs.append(ended.run)
            if not as_json:
                _say(ended)
    if bugs:
        raise bugs[0]


def _say(ended: "Ended") -> None:
    if isinstance(ended.error, LevadaError):
        tell(ended.error)
    elif ended.run:
        say("\n".join(lines(ended.run)))


def _codes(told: Told) -> list[int]:
    gaps = any(run.outcome == "partial" for run in told.runs)
    return [*(error.exit_code for error in told.errors), *([PARTIAL] if gaps else [])]
