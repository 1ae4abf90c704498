"""levada compact: small files made large."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import known_lake, opened
from levada.cli.commands import choice_of
from levada.cli.door import say
from levada.cli.progress import counted
from levada.errors import PARTIAL

if TYPE_CHECKING:
    from levada.pipeline import Pipeline
    from levada.pipeline.compaction import Compacted
    from levada.pipeline.merging import Merged

__all__ = ["compact"]

#: Partitions that were left out, each told in a line.
_LINES = 20
#: Options that say what to merge, which tables do not ask for.
_OF_INTO = {"--date": "date", "--from": "start", "--to": "end", "--last": "last", "--adopt": "adopt"}


@click.command(short_help="Merge small files: Delta tables in place, Parquet into one.")
@click.argument("spec", type=click.Path())
@click.option("--date", metavar="YYYY-MM-DD", help="With --into: the one partition.")
@click.option("--from", "start", metavar="YYYY-MM-DD", help="With --into: the first of several partitions.")
@click.option("--to", "end", metavar="YYYY-MM-DD", help="With --into: the one after the last.")
@click.option("--last", metavar="TIME", help="With --into: the last whole partitions before now: 7d, 24h.")
@click.option("--stream", "streams", metavar="NAME", multiple=True, help="Only this stream; can be repeated.")
@click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
@click.option("--into", metavar="NAME", help="Merge staged Parquet files into this one, a name in the lake.")
@click.option(
    "--size",
    metavar="MB",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="Megabytes that a file of a Delta table should have.",
)
@click.option("--adopt", is_flag=True, help="With --into: write over the file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def compact(**arguments: Any) -> None:
    """Merge the small files of the Delta tables of SPEC, or staged Parquet files into one.

    \b
      levada compact sales.yaml
      levada compact purchases.yaml --last 24h --into days/purchases-2022-08-09.parquet

    Without --into: in each Delta table, the files of a partition become ones of about --size, in one Delta commit; rows
    stay as they are. Then files go that no version of the last 7 days needs.

    With --into: the rows of the chosen partitions of one stream, or of all of them, in one Parquet file. The files of
    the partitions stay, and stay what runs replace: the merged file is a copy, to be made anew when they change.
    Chosen partitions that have no Parquet files to merge are told, and leave exit code 4.
    """
    from levada.pipeline import Options

    pipeline = known_lake(opened(arguments["spec"], arguments["lake"], asking=False))
    pipeline = pipeline.having(Options(streams=arguments["streams"]))
    if arguments["into"]:
        _merge(pipeline, arguments)
    else:
        _compact(pipeline, arguments)


def _compact(pipeline: "Pipeline", arguments: dict[str, Any]) -> None:
    from levada.nouns import plain

    _refuse_idle(arguments)
    done = _compacted(pipeline, arguments["size"])
    if arguments["as_json"]:
        say(json.dumps({"compacted": plain(done), "errors": []}))
        return
    for each in done:
        say(_line(each))
    if not done:
        say(f"Pipeline {pipeline.spec.pipeline} has no Delta table in this lake; --into merges Parquet files.")


def _refuse_idle(arguments: dict[str, Any]) -> None:
    given = [option for option, key in _OF_INTO.items() if arguments[key]]
    if given:
        raise click.UsageError(f"{given[0]} has no meaning without --into: tables are compacted as a whole.")


def _merge(pipeline: "Pipeline", arguments: dict[str, Any]) -> None:
    from levada.nouns import plain

    done = _merged(pipeline, arguments)
    if arguments["as_json"]:
        say(json.dumps({"compacted": [plain(done)], "errors": []}))
    else:
        for line in _told(done):
            say(line)
    if done.left_out:
        sys.exit(PARTIAL)


def _compacted(pipeline: "Pipeline", size: int) -> "list[Compacted]":
    from levada.pipeline.compaction import compact_tables

    return compact_tables(pipeline.spec, pipeline.streams(), pipeline.store, pipeline.edges, size * 1024**2)


def _merged(pipeline: "Pipeline", arguments: dict[str, Any]) -> "Merged":
    from levada.errors import FixThis
    from levada.pipeline.merging import Merging, merge_into

    streams = pipeline.streams()
    if len(streams) != 1:
        names = ", ".join(stream.name for stream in streams)
        what = f"--into merges one stream, and this spec has {len(streams)}."
        raise FixThis(what, where=pipeline.spec.file, todo=f"choose one with --stream: {names}")
    meant = pipeline.chosen("replay", choice_of(arguments))
    partitions = tuple(sorted({name for name, _ in (*meant.work, *meant.nothing)}))
    merging = Merging(pipeline.spec, streams[0], partitions, arguments["into"], arguments["adopt"])
    return merge_into(merging, pipeline.store, pipeline.edges)


def _line(done: "Compacted") -> str:
    merged = f"{counted(done.merged, 'file')} merged into {done.made}" if done.merged else "nothing to merge"
    return f"{done.name}: {merged}, {counted(done.removed, 'old file')} removed"


def _told(done: "Merged") -> Iterator[str]:
    yield f"{done.name}: {counted(done.rows, 'row')} of {counted(done.merged, 'file')}"
    if done.empty:
        yield f"{counted(len(done.empty), 'partition')} without rows"
    if done.left_out:
        every = len(done.left_out) + len(done.empty) + done.partitions
        yield f"left out: {len(done.left_out)} of {counted(every, 'partition')}"
        yield from (f"  {each.partition}: {each.why}" for each in done.left_out[:_LINES])
        more = len(done.left_out) - _LINES
        yield from [f"  and {more} more; --json tells each"] if more > 0 else []
