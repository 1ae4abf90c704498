"""Work through partitions that do not depend on one another, several at once, and tell what came of each, in order."""

import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from levada.cli.door import heard, say, tell, warn
from levada.cli.progress import counted
from levada.cli.report import Told, codes, lines, say_json, say_round
from levada.errors import BUG, PARTIAL, ContractBroken, FixThis, LevadaError, TryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from levada.backfill import Ended
    from levada.pipeline import Pipeline
    from levada.pipeline.choosing import Chosen

__all__ = ["JOBS", "How", "report_each", "worst"]

JOBS = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Partitions to work on at once, a process for each; one for each core if left out.",
)
#: Partitions that are told by name.
_SHOWN = 3
#: Exit codes, the worst first: what a person must mend comes before what only takes time.
WORST = (BUG, FixThis.exit_code, ContractBroken.exit_code, TryLater.exit_code, PARTIAL, 0)


def worst(codes: "Iterable[int]") -> int:
    """The exit code that says the worst; 0 for none."""
    return min(codes, key=WORST.index, default=0)


@dataclass(frozen=True, slots=True)
class How:
    """What is done to each partition, and how it is told."""

    verb: str
    #: How many partitions at once; None for one a core.
    jobs: int | None
    #: Whether all is told as one JSON object.
    as_json: bool
    #: Makes a last line of all that came of them.
    ending: "Callable[[Told], str] | None" = None


def report_each(pipeline: "Pipeline", chosen: "Chosen", how: How) -> None:
    """Work through each of these partitions of streams, tell each result; leave with the exit code that says the worst.

    An error of one is its own, and the others go on.

    Args:
        pipeline: What to work with.
        chosen: Partitions with their streams; streams of one partition stand together.
        how: What to do to them.
    """
    from levada.pipeline.rounds import begun

    with begun(pipeline.course, how.verb, "command") as ongoing:
        told = Told(list(chosen.work), ongoing, nothing=chosen.nothing)
        ongoing.meant(chosen.work)
        try:
            _each(pipeline, told, how)
        except (KeyboardInterrupt, SystemExit):
            heard()
            warn("levada: stopped; what was committed stands, and the same command does the rest")
            raise
        done = ongoing.close()
        # Inside: a signal that ends the notices ends the command, once this is told.
        if how.as_json:
            say_json(pipeline, told, done)
        else:
            say_round(done)
            _say_rest(pipeline, told, how)
    if code := worst((*(error.exit_code for error in told.errors), *codes(done))):
        sys.exit(code)


def _say_rest(pipeline: "Pipeline", told: Told, how: How) -> None:
    if how.ending:
        say(how.ending(told))
    if told.nothing:
        names = [f"{stream.name} {date}" for date, stream in told.nothing]
        some = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        of = f"{counted(len(names), 'partition')} of {pipeline.spec.pipeline}"
        warn(f"levada: {of} not committed, nothing to {how.verb}: {some}")
    through = len(told.runs) + len(told.errors)
    if told.errors and through > 1:
        others = "; the others are done" if told.runs else ""
        warn(f"levada: {len(told.errors)} of {counted(through, 'partition')} failed{others}")


def _each(pipeline: "Pipeline", told: Told, how: How) -> None:
    from levada.backfill import cores, each

    bugs: list[Exception] = []
    with closing(each(pipeline, how.verb, tuple(told.left), how.jobs or cores())) as found:
        for ended in found:
            told.left.pop(0)
            if isinstance(ended.error, LevadaError):
                told.failed(ended.error, ended.partition, ended.stream)
            elif ended.error:
                bugs.append(ended.error)
            elif ended.run:
                told.ran(ended.run)
            if not how.as_json:
                _say(ended)
    if bugs:
        raise bugs[0]


def _say(ended: "Ended") -> None:
    if isinstance(ended.error, LevadaError):
        tell(ended.error)
    elif ended.run:
        say("\n".join(lines(ended.run)))
