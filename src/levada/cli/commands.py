"""The commands that do a spec's work: check, run, land, stage, replay."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from levada.cli.door import say

if TYPE_CHECKING:
    from levada.pipeline import Pipeline

__all__ = ["check", "land", "replay", "run", "stage"]

Command = TypeVar("Command", bound=Callable[..., Any])


def _shared(command: Command) -> Command:
    """The arguments that every working command takes."""
    options = [
        click.argument("spec", type=click.Path()),
        click.option("--date", metavar="YYYY-MM-DD", help="The partition to work on."),
        click.option("--from", "start", metavar="YYYY-MM-DD", help="First of several partitions …"),
        click.option("--to", "end", metavar="YYYY-MM-DD", help="… up to, not including, this one."),
        click.option("--stream", "streams", multiple=True, help="Only this stream; may be given several times."),
        click.option("--lake", type=click.Path(), help="Folder of the lake, instead of the spec's."),
        click.option("--wait", default="0s", metavar="TIME", help="Wait so long for a held partition: 30s, 5m."),
        click.option("--adopt", is_flag=True, help="Overwrite files that stand in the way and are not Levada's."),
        click.option("--allow-empty", is_flag=True, help="Let 'no data' replace rows that an earlier run committed."),
        click.option("--json", "as_json", is_flag=True, help="Tell the result as JSON."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("spec", type=click.Path())
@click.option("--lake", type=click.Path(), help="Folder of the lake, instead of the spec's.")
def check(spec: str, lake: str | None) -> None:
    """Read SPEC, tell every mistake in it at once, or show in words what it will do.

    Asks nothing of the API and writes nothing. Variables that are not set are told as warnings.
    """
    from levada.pipeline import load
    from levada.spec.words import words

    for line in words(load(spec, lake=lake).spec):
        say(line)


@click.command()
@_shared
@click.option("--missing", is_flag=True, help="Skip partitions that are complete already.")
def run(**arguments: Any) -> None:
    """Fetch, land, check, stage and commit partitions of SPEC.

    \b
    levada run sales.yaml --date 2022-08-09
    levada run sales.yaml --from 2022-08-09 --to 2022-08-12

    What an interrupted run had fetched is not fetched again. A run with the same answers changes nothing.
    """
    _work("run", arguments)


@click.command()
@_shared
def land(**arguments: Any) -> None:
    """Fetch and land the raw pages only: the first half of `run`."""
    _work("land", arguments)


@click.command()
@_shared
def stage(**arguments: Any) -> None:
    """Check and stage what was landed: the second half of `run`; asks nothing of the API, needs no token.

    Every raw file is checked against the commit record before it is read. Where no run of Levada landed the
    partition, raw files that another tool wrote under the spec's names are taken over.
    """
    _work("stage", arguments)


@click.command()
@_shared
def replay(**arguments: Any) -> None:
    """Stage partitions again from their landed pages, after a change of the contract.

    \b
    levada replay sales.yaml --from 2022-08-01 --to 2022-09-01

    Without --date or --from/--to: every partition of the lake.
    """
    _work("replay", arguments)


def _work(verb: str, arguments: dict[str, Any]) -> None:
    """Open the spec, work through the partitions, show each result as it comes, leave with the right exit code."""
    from levada.cli.report import report
    from levada.pipeline import Options, load
    from levada.spec.read import duration

    options = Options(
        wait=duration(arguments["wait"]),
        adopt=arguments["adopt"],
        allow_empty=arguments["allow_empty"],
        missing=arguments.get("missing", False),
        streams=arguments["streams"],
    )
    pipeline = load(arguments["spec"], lake=arguments["lake"]).having(options)
    report(pipeline, verb, _dates(pipeline, verb, arguments), as_json=arguments["as_json"])


def _dates(pipeline: "Pipeline", verb: str, arguments: dict[str, Any]) -> list[str]:
    """The partitions that the arguments name."""
    from levada.errors import FixThis
    from levada.spec.partition import parse_day, span

    date, start, end = arguments["date"], arguments["start"], arguments["end"]
    if date and not (start or end):
        return [parse_day(date).key]
    if start and end and not date:
        return [partition.key for partition in span(parse_day(start).day, parse_day(end).day)]
    if verb == "replay" and not (date or start or end):
        return pipeline.landed()
    raise FixThis(
        "The partition to work on is not clear.",
        where="--date, --from, --to",
        todo="give either --date 2022-08-09, or --from 2022-08-09 --to 2022-08-12 (the end is not included)",
    )
