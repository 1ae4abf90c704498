"""levada quarantine redrive: replay just the partitions that have rows in quarantine."""

from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import known_lake
from levada.cli.commands import choice_of, taking, working
from levada.cli.door import say
from levada.cli.progress import counted
from levada.cli.together import JOBS, How, report_each

if TYPE_CHECKING:
    from levada.cli.report import Told

__all__ = ["redrive"]


@click.command(short_help="Put quarantined rows through again, under today's contract.")
@taking(JOBS)
def redrive(**arguments: Any) -> None:
    """Replay just the partitions of SPEC that have rows in quarantine, under today's contract.

    \b
      levada quarantine redrive sales.yaml
      levada quarantine redrive sales.yaml --from 2022-08-01 --to 2022-09-01

    Asks nothing of the API and needs no token. A partition is staged again as a whole, from its landed pages, so no
    row comes twice; the last line says how many came back. Rows of a failed run are not among them, for nothing of it
    is committed: `levada run` puts them through again.
    """
    pipeline = known_lake(working(arguments, asking=False))
    found = pipeline.quarantined(choice_of(arguments))
    if not found.work and not arguments["as_json"]:
        say(f"No row of {pipeline.spec.pipeline} is in quarantine there: nothing to put through again.")
        return
    report_each(pipeline, found, How("replay", arguments["jobs"], arguments["as_json"], _ending))


def _ending(told: "Told") -> str:
    """What came of it all, in one line."""
    back, left = sum(run.returned for run in told.runs), sum(run.counts.quarantined for run in told.runs)
    are = "is" if left == 1 else "are"
    failed = f"; {counted(len(told.errors), 'partition')} failed, whose rows are not counted" if told.errors else ""
    return f"{counted(back, 'row')} came back from quarantine, {counted(left, 'row')} {are} in it{failed}"
