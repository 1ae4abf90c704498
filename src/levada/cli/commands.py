"""The commands that do a spec's work: check, run, land, stage, replay."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from levada.cli.asking import opened
from levada.cli.door import say

if TYPE_CHECKING:
    from levada.nouns import Partition
    from levada.pipeline import Options, Pipeline

__all__ = ["check", "land", "replay", "run", "stage"]

Command = TypeVar("Command", bound=Callable[..., Any])

_SPEC = click.argument("spec", type=click.Path())
_LAKE = click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
_DATES = (
    click.option("--date", metavar="YYYY-MM-DD", help="The one partition to work on."),
    click.option("--from", "start", metavar="YYYY-MM-DD", help="The first of several partitions, with --to."),
    click.option("--to", "end", metavar="YYYY-MM-DD", help="The day after the last one: --to is not included."),
    click.option("--stream", "streams", metavar="NAME", multiple=True, help="Only this stream; can be repeated."),
)
_MISSING = click.option("--missing", is_flag=True, help="Skip partitions that are complete, without a request.")
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
    click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout."),
)


def _working(*more: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """The arguments that every working command takes, and its own."""

    def with_options(command: Command) -> Command:
        return functools.reduce(lambda given, option: option(given), reversed(options), command)

    options: tuple[Callable[[Any], Any], ...] = (_SPEC, *_DATES, _LAKE, *more, *_ENDS)
    return with_options


@click.command(short_help="Read a spec: its plan in words, or all its mistakes.")
@_SPEC
@_LAKE
def check(spec: str, lake: str | None) -> None:
    """Read SPEC and say in words what it will do, or list all its mistakes.

    \b
      levada check sales.yaml

    Asks nothing of the API and writes nothing. Variables that are not set are told as warnings.
    """
    from levada.pipeline import load
    from levada.spec.words import words

    for line in words(load(spec, lake=lake).spec):
        say(line)


@click.command(short_help="Fetch, land, check, stage and commit partitions.")
@_working(_MISSING)
def run(**arguments: Any) -> None:
    """Fetch, land, check, stage and commit partitions of SPEC.

    \b
      levada run sales.yaml --date 2022-08-09
      levada run sales.yaml --from 2022-08-09 --to 2022-08-12
      levada run sales.yaml --from 2022-08-09 --to 2022-08-12 --missing

    What an interrupted run had fetched is not fetched again. Where the API gives the same answers as before, nothing
    changes. A partition whose answers break the contract fails, and the others go on; any other error ends the
    command, because it would meet the next partition too.

    A secret that the spec names and that is not set is asked for on a terminal; it is not shown and not kept.
    """
    _work("run", arguments)


@click.command(short_help="The first half of run: fetch and land raw pages.")
@_working(_MISSING)
def land(**arguments: Any) -> None:
    """Fetch and land the raw pages of SPEC only: the first half of `run`.

    \b
      levada land sales.yaml --date 2022-08-09

    Staged files that were made from other pages go; `levada stage` makes them anew.
    """
    _work("land", arguments)


@click.command(short_help="The second half of run: check and stage, no HTTP.")
@_working()
def stage(**arguments: Any) -> None:
    """Check and stage what was landed: the second half of `run`.

    \b
      levada stage sales.yaml --date 2022-08-09

    Asks nothing of the API and needs no token. Every raw file is checked against the commit record before it is read.
    Where no run of Levada landed the partition, raw files that another tool wrote under the spec's names are taken
    over.
    """
    _work("stage", arguments)


@click.command(short_help="Stage again after a change of the contract, no HTTP.")
@_working()
def replay(**arguments: Any) -> None:
    """Stage partitions again from their landed pages, after a change of the contract.

    \b
      levada replay sales.yaml --from 2022-08-01 --to 2022-09-01
      levada replay sales.yaml

    Without --date or --from and --to: every partition of the lake. Asks nothing of the API and needs no token.
    """
    _work("replay", arguments)


def _work(verb: str, arguments: dict[str, Any]) -> None:
    """Open the spec, work through the partitions, show each result as it comes, leave with the right exit code."""
    from levada.cli.report import report

    options, dates = _options(arguments), _dates(arguments)
    pipeline = opened(arguments["spec"], arguments["lake"], asking=verb in {"run", "land"}).having(options)
    report(pipeline, verb, dates or _landed(pipeline, verb), as_json=arguments["as_json"])


def _options(arguments: dict[str, Any]) -> "Options":
    from levada.pipeline import Options
    from levada.spec.read import duration

    with _said_by("--wait"):
        wait = duration(arguments["wait"])
    return Options(
        wait=wait,
        adopt=arguments["adopt"],
        allow_empty=arguments["allow_empty"],
        missing=arguments.get("missing", False),
        streams=arguments["streams"],
    )


def _dates(arguments: dict[str, Any]) -> list[str]:
    """The partitions that the arguments name; none if they name none."""
    from levada.errors import FixThis
    from levada.spec.partition import span

    date, start, end = arguments["date"], arguments["start"], arguments["end"]
    # None, not empty: `--date "$DAY"` with DAY unset is a mistake, and no wish to replay every partition.
    if date is not None and start is None and end is None:
        return [_day("--date", date).key]
    if start is not None and end is not None and date is None:
        first, last = _day("--from", start), _day("--to", end)
        with _said_by("--from, --to"):
            return [partition.key for partition in span(first.day, last.day)]
    if (date, start, end) != (None, None, None):
        raise FixThis(
            "--date names one partition, --from and --to together name several; this is neither.",
            where="--date, --from, --to",
            todo="give either --date 2022-08-09, or --from 2022-08-09 --to 2022-08-12 (--to is not included)",
        )
    return []


def _landed(pipeline: "Pipeline", verb: str) -> list[str]:
    """Every partition of the lake, for `replay`; the other verbs need to be told."""
    from levada.errors import FixThis

    if verb != "replay":
        raise FixThis(
            f"`levada {verb}` is not told which partition to work on.",
            where="--date, --from, --to",
            todo="give either --date 2022-08-09, or --from 2022-08-09 --to 2022-08-12 (--to is not included)",
        )
    dates = pipeline.landed()
    if not dates:
        raise FixThis(
            f"There is nothing of pipeline {pipeline.spec.pipeline} in this lake to replay.",
            where=pipeline.store.describe(),
            todo=f"land something first: levada run {pipeline.spec.file} --date 2022-08-09, or name another --lake",
        )
    return dates


def _day(option: str, text: str) -> "Partition":
    from levada.spec.partition import parse_day

    with _said_by(option):
        return parse_day(text)


@contextmanager
def _said_by(option: str) -> Iterator[None]:
    """Errors about what an option says name the option."""
    from levada.errors import FixThis

    try:
        yield
    except FixThis as error:
        error.where = option
        raise
