"""The commands that do a spec's work: run, land, stage, load, replay."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from levada.cli.asking import known_lake, opened
from levada.cli.door import warn
from levada.cli.together import JOBS, How, report_each

if TYPE_CHECKING:
    from levada.pipeline import Options, Pipeline
    from levada.pipeline.choosing import Choice, Chosen

__all__ = ["choice_of", "land", "load", "replay", "run", "said_by", "stage", "taking", "working"]

Command = TypeVar("Command", bound=Callable[..., Any])

_SPEC = click.argument("spec", type=click.Path())
_LAKE = click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
_DATES = (
    click.option("--date", metavar="YYYY-MM-DD", help="The one partition to work on; a week is 2022-W32, and so on."),
    click.option("--from", "start", metavar="YYYY-MM-DD", help="The first of several partitions, with --to."),
    click.option("--to", "end", metavar="YYYY-MM-DD", help="The one after the last: --to is not included."),
    click.option("--last", metavar="TIME", help="The last whole partitions before now: 7d, 24h."),
    click.option("--stream", "streams", metavar="NAME", multiple=True, help="Only this stream; can be repeated."),
)
_MISSING = click.option(
    "--missing/--again",
    default=None,
    help="Skip partitions that are complete, without a request; --again fetches them all the same. Without either, "
    "ticks are skipped.",
)
_ENDS = (
    click.option(
        "--wait",
        metavar="TIME",
        default="0s",
        show_default=True,
        help="How long to wait for a partition that another run holds: 30s, 5m.",
    ),
    click.option("--adopt", is_flag=True, help="Overwrite files in the way that are not Levada's."),
    click.option("--allow-empty", is_flag=True, help="Let an API that has no data any more replace committed rows."),
    click.option("--accept-partial", is_flag=True, help="Let what came with gaps replace a commit that has none."),
    click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout."),
)


def taking(*more: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """The arguments that every working command takes, and its own."""

    def with_options(command: Command) -> Command:
        return functools.reduce(lambda given, option: option(given), reversed(options), command)

    options: tuple[Callable[[Any], Any], ...] = (_SPEC, *_DATES, _LAKE, *more, *_ENDS)
    return with_options


@click.command(short_help="Fetch, land, check, stage and commit partitions.")
@taking(_MISSING)
def run(**arguments: Any) -> None:
    """Fetch, land, check, stage and commit partitions of SPEC.

    \b
      levada run sales.yaml --date 2022-08-09
      levada run sales.yaml --from 2022-08-09 --to 2022-08-12
      levada run sales.yaml --from 2022-08-09 --to 2022-08-12 --missing
      levada run sales.yaml --last 7d

    Without any of these, the partition that the spec's `default` means; incremental streams go on where they stopped.

    What an interrupted run had fetched is not fetched again. Where the API gives the same answers as before, nothing
    changes. A partition whose answers break the contract fails, and the others go on; any other error ends the
    command, because it would meet the next partition too.

    A secret that the spec names and that is not set is asked for on a terminal; it is not shown and not kept.
    """
    _work("run", arguments)


@click.command(short_help="The first half of run: fetch and land raw pages.")
@taking(_MISSING)
def land(**arguments: Any) -> None:
    """Fetch and land the raw pages of SPEC only: the first half of `run`.

    \b
      levada land sales.yaml --date 2022-08-09

    Staged files that were made from other pages go; `levada stage` makes them anew.
    """
    _work("land", arguments)


@click.command(short_help="The second half of run: check and stage, no HTTP.")
@taking()
def stage(**arguments: Any) -> None:
    """Check and stage what was landed: the second half of `run`.

    \b
      levada stage sales.yaml --date 2022-08-09

    Asks nothing of the API and needs no token. Every raw file is checked against the commit record before it is read.
    Where no run of Levada landed the partition, raw files that another tool wrote under the spec's names are taken
    over.
    """
    _work("stage", arguments)


@click.command(short_help="Bring what is committed into its table, no HTTP.")
@taking(
    JOBS,
    click.option("--replace", is_flag=True, help="Let other rows of a partition replace those appended before."),
)
def load(**arguments: Any) -> None:
    """Have the tables of SPEC take what the lake has committed; `run` and `stage` do so by themselves.

    \b
      levada load sales.yaml --from 2022-08-01 --to 2022-09-01
      levada load sales.yaml

    Without --date or --from and --to: every staged partition of the lake, so that a table that is lost is made again.
    Asks nothing of the API and needs no token. What a table has already is recognised and left alone.
    """
    pipeline, choice = known_lake(working(arguments, asking=False)), choice_of(arguments)
    found = _chosen(pipeline, "load", choice)
    report_each(pipeline, found, How("load", arguments["jobs"], arguments["as_json"]))


@click.command(short_help="Stage again after a change of the contract, no HTTP.")
@taking(JOBS)
def replay(**arguments: Any) -> None:
    """Stage partitions again from their landed pages, after a change of the contract.

    \b
      levada replay sales.yaml --from 2022-08-01 --to 2022-09-01
      levada replay sales.yaml

    Without --date or --from and --to: every partition of the lake. Asks nothing of the API and needs no token. Several
    partitions are worked on at once, and told in their order. One that fails does not stop the others; the command
    leaves with the exit code that says the worst. Where the contract changes nothing, nothing changes. Days of a span
    that were never committed are told, and no failure.
    """
    pipeline, choice = known_lake(working(arguments, asking=False)), choice_of(arguments)
    found = _chosen(pipeline, "replay", choice)
    report_each(pipeline, found, How("replay", arguments["jobs"], arguments["as_json"]))


def _work(verb: str, arguments: dict[str, Any]) -> None:
    """Open the spec, work through the partitions, show each result as it comes, leave with the right exit code."""
    from levada.cli.report import report

    choice = choice_of(arguments)
    pipeline = working(arguments, asking=verb in {"run", "land"})
    report(pipeline, verb, _chosen(pipeline, verb, choice).work, as_json=arguments["as_json"])


def working(arguments: dict[str, Any], *, asking: bool) -> "Pipeline":
    """The pipeline of a working command, with the options that it was given; see `opened`."""
    options = _options(arguments)
    return opened(arguments["spec"], arguments["lake"], asking=asking).having(options)


def _options(arguments: dict[str, Any]) -> "Options":
    from levada.pipeline import Options
    from levada.spec.read import duration

    with said_by("--wait"):
        wait = duration(arguments["wait"])
    return Options(
        wait=wait,
        adopt=arguments["adopt"],
        allow_empty=arguments["allow_empty"],
        accept_partial=arguments["accept_partial"],
        missing=arguments.get("missing"),
        replace=arguments.get("replace", False),
        streams=arguments["streams"],
    )


def choice_of(arguments: dict[str, Any]) -> "Choice":
    """What the arguments ask for."""
    from levada.pipeline.choosing import Choice
    from levada.spec.read import duration

    # None, not empty: `--date "$DAY"` with DAY unset is a mistake, and no wish to replay every partition.
    last = arguments["last"]
    with said_by("--last"):
        seconds = None if last is None else duration(last)
    return Choice(arguments["date"], arguments["start"], arguments["end"], seconds)


def _chosen(pipeline: "Pipeline", verb: str, choice: "Choice") -> "Chosen":
    """The partitions to work on; says which streams have none."""
    from levada.errors import FixThis

    found = pipeline.chosen(verb, choice)
    if not found.work and verb in {"stage", "load", "replay"}:
        raise FixThis(
            f"There is nothing of pipeline {pipeline.spec.pipeline} in this lake to {verb}.",
            where=pipeline.store.describe(),
            todo=f"land something first: levada run {pipeline.spec.file} --date 2022-08-09, or name another --lake",
        )
    for name in found.left_out:
        going_on = "goes on where it stopped, and has no dates" if choice.given else "has no date to work on"
        warn(f"levada: stream {name} {going_on}: left out")
    return found


@contextmanager
def said_by(option: str) -> Iterator[None]:
    """Errors about what an option says name the option."""
    from levada.errors import FixThis

    try:
        yield
    except FixThis as error:
        error.where = option
        raise
