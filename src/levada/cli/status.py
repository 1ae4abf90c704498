"""`levada status`: what is in a lake, what a pipeline's last rounds did, and what is missing."""

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import known_lake, opened
from levada.cli.commands import choice_of
from levada.cli.door import say, tell, warn
from levada.cli.look import JSON, existing
from levada.cli.progress import counted
from levada.errors import PARTIAL, FixThis, LevadaError

if TYPE_CHECKING:
    from levada.due import Due
    from levada.lake.status import PartitionStatus
    from levada.pipeline import Pipeline
    from levada.state.model import Past

__all__ = ["status"]

#: Partitions of a round whose failure is told.
_SHOWN = 3
_SPAN = ("date", "start", "end", "last")


@click.command(short_help="The state of every partition; a spec's last rounds; what is missing.")
@click.argument("spec", required=False, type=click.Path())
@click.option("--lake", metavar="FOLDER", help="The lake to look at; else the spec's; without a spec the folder lake/.")
@click.option(
    "--runs", type=click.IntRange(min=0), metavar="N", help="How many of the last rounds to tell; 5 if left out."
)
@click.option("--missing", is_flag=True, help="Tell what `levada run --missing` would do, and why; nothing is done.")
@click.option("--date", metavar="YYYY-MM-DD", help="With --missing: the one partition.")
@click.option("--from", "start", metavar="YYYY-MM-DD", help="With --missing: the first of several, with --to.")
@click.option("--to", "end", metavar="YYYY-MM-DD", help="With --missing: the one after the last.")
@click.option("--last", metavar="TIME", help="With --missing: the last whole partitions before now: 7d, 24h.")
@click.option("--stream", "streams", metavar="NAME", multiple=True, help="With --missing: only this stream.")
@click.option("--fail", is_flag=True, help="With --missing: leave with 4 if anything is to be done.")
@click.option("--rebuild", is_flag=True, help="Make the history of SPEC again from what the lake knows.")
@JSON
def status(**arguments: Any) -> None:
    """Tell the state of every partition of a lake: done, failed, running, unfinished …

    \b
      levada status --lake lake
      levada status sales.yaml
      levada status sales.yaml --missing --from 2022-08-01 --to 2022-09-01
      levada status sales.yaml --rebuild

    Reads the commit records, what failed runs left, and the locks; asks nothing of the API and needs no token. Times
    are UTC. Unless --lake or the spec says otherwise, the lake of a spec is the folder lake/ beside it.

    With SPEC: the last rounds of its pipeline, from the history, then its partitions. A round is what one command or
    one tick did. Runs that were killed wrote no history; their partitions tell.

    With --missing: what `levada run SPEC --missing` with the same dates would do to each partition, and why. Files
    are not read for it; `levada verify` does that.
    """
    _refuse_odd(arguments)
    if arguments["spec"] is None:
        _lake(arguments["lake"] or "lake", as_json=arguments["as_json"])
        return
    pipeline = known_lake(opened(arguments["spec"], arguments["lake"], asking=False))
    if arguments["missing"]:
        _missing(pipeline, arguments)
    elif arguments["rebuild"]:
        _rebuild(pipeline, as_json=arguments["as_json"])
    else:
        runs = 5 if arguments["runs"] is None else arguments["runs"]
        _pipeline(pipeline, runs, as_json=arguments["as_json"])


def _refuse_odd(given: dict[str, Any]) -> None:
    """Options that say nothing together are mistakes: a span without --missing would be taken for a filter."""
    names = {"start": "from", "end": "to", "streams": "stream"}
    of_missing = [f"--{names.get(key, key)}" for key in (*_SPAN, "streams", "fail") if given[key]]
    if given["spec"] is None and (given["missing"] or given["rebuild"] or given["runs"] is not None):
        named = "--missing" if given["missing"] else "--rebuild" if given["rebuild"] else "--runs"
        raise FixThis(f"{named} needs a spec.", where=named, todo=f"name it: levada status SPEC {named}")
    if of_missing and not given["missing"]:
        todo = "add --missing, or leave it out: without, all partitions are told"
        raise FixThis(f"{of_missing[0]} goes with --missing.", where=of_missing[0], todo=todo)
    if given["missing"] and given["rebuild"]:
        raise FixThis("--missing only looks, and --rebuild writes.", where="--rebuild", todo="give one of them")


def _lake(lake: str, *, as_json: bool) -> None:
    from levada.lake.status import status as read_status

    found = read_status(existing(lake))
    if as_json:
        _say_json(found)
    elif not found:
        say(f"There is no partition in {lake} yet; `levada run SPEC --date … --lake {shlex.quote(lake)}` makes one.")
    else:
        _show(found)


def _pipeline(pipeline: "Pipeline", runs: int, *, as_json: bool) -> None:
    from levada.lake.status import status as read_status

    spec, history = pipeline.spec, ""
    notes: list[str] = []
    pasts: list[Past] = []
    try:
        history, pasts = _history(pipeline, runs)
    except LevadaError as error:
        notes.append(f"{error.what} ({error.where}): {error.todo}")
        if not as_json:
            tell(error)
    found = read_status(pipeline.store, spec.pipeline)
    if as_json:
        facts = {"pipeline": spec.pipeline, "lake": pipeline.store.describe(), "history": history or None}
        _say_json({**facts, "rounds": [_facts(one) for one in pasts], "partitions": found, "notes": notes})
        return
    say(f"Pipeline {spec.pipeline}, lake {pipeline.store.describe()}")
    if runs and not notes:
        _show_rounds(pasts, history)
    if not found:
        say(f"There is no partition of it yet; `levada run {shlex.quote(spec.file)} --date …` makes one.")
    else:
        say("")
        _show(found)


def _history(pipeline: "Pipeline", runs: int) -> "tuple[str, list[Past]]":
    """Where the history is, or why there is none, and the last rounds of it."""
    from levada.state.home import history_of, home_of

    history = history_of(pipeline.spec, pipeline.store, pipeline.edges.environment)
    if history is None:
        return f"none: {home_of(pipeline.spec, pipeline.store).without}", []
    return history.archive.place, history.read(runs) if runs else []


def _show_rounds(pasts: "list[Past]", history: str) -> None:
    from levada.cli.table import show as show_table

    if not pasts:
        none = history.startswith("none: ")
        say(f"History: {history}" if none else f"History: no round of it yet in {history}")
        return
    say(f"History: {history}\n")
    figures = ("read", "kept", "quarantined", "loaded")
    columns = ("round", "by", "verb", "ending", "seconds#", "partitions#", *(f"{name}#" for name in figures))
    rows = [
        (
            f"{past.round.started:%Y-%m-%d %H:%M:%S}",
            past.round.door,
            past.round.verb or "-",
            past.round.ending,
            f"{(past.round.ended - past.round.started).total_seconds():.1f}",
            len(past.runs),
            *(past.sum(name) for name in figures),
        )
        for past in pasts
    ]
    show_table(columns, rows)
    for past in pasts:
        for line in _why(past):
            say(line)


def _why(past: "Past") -> list[str]:
    """What was not well in a round, as far as that is bearable."""
    at = f"{past.round.started:%Y-%m-%d %H:%M:%S}"
    failed = [(f"{at} {run.stream} {run.partition}".rstrip(), run) for run in past.runs if run.what]
    lines = [_error(*one) for one in ([(at, past.round)] if past.round.what else []) + failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"{at} and {len(failed) - _SHOWN} more that failed; --json lists them all")
    left = sum(run.outcome == "not tried" for run in past.runs)
    gaps = [f"{run.stream} {run.partition}" for run in past.runs if run.gaps]
    if gaps:
        lines.append(f"{at} {counted(past.sum('gaps'), 'gap')}, in {', '.join(gaps[:_SHOWN])}")
    if left:
        lines.append(f"{at} {counted(left, 'partition')} not tried")
    return lines + [f"{at} {note}" for note in past.round.notes.splitlines()]


def _error(name: str, row: Any) -> str:
    return f"{name}: {LevadaError(row.what, where=row.place, todo=row.todo)}"


def _facts(past: "Past") -> dict[str, Any]:
    return {**_with_error(past.round), "runs": [_with_error(run) for run in past.runs]}


def _with_error(row: Any) -> dict[str, Any]:
    """A row, its error as other commands tell errors."""
    from levada.nouns import plain

    facts = plain(row)
    kind, what, where, todo = (facts.pop(name) for name in ("kind", "what", "place", "todo"))
    return {**facts, "error": {"kind": kind, "what": what, "where": where, "todo": todo} if what else None}


def _show(found: "list[PartitionStatus]") -> None:
    from levada.cli.table import show as show_table
    from levada.pipeline.gaps import told

    # A column that hardly any lake needs is left out of the others.
    nullified = ("nullified#",) if any(one.counts.nullified for one in found) else ()
    columns = ("stream", "partition", "state~", "pages#", "read#", "kept#", "quarantined#", *nullified, "committed~")
    show_table(columns, [_row(one, nullified=bool(nullified)) for one in found])
    for one in found:
        name = f"{one.pipeline}/{one.stream} {one.partition}"
        if one.error:
            say(f"{name}: {one.error}")
        if one.gaps:
            say(f"{name}: {told(one.gaps)}")
        if one.unfinished_pages:
            are = "is" if one.unfinished_pages == 1 else "are"
            kept = "so far" if one.state == "running" else f"of an interrupted run {are} kept for the next one"
            say(f"{name}: {counted(one.unfinished_pages, 'answer')} {kept}")
        if one.holder:
            holder = f"{one.holder.host}, process {one.holder.process}"
            since = f"{one.holder.since:%Y-%m-%d %H:%M:%S} UTC"
            say(f"{name}: held by {holder}, since {since}")


def _row(one: "PartitionStatus", *, nullified: bool) -> tuple[object, ...]:
    counts = one.counts
    checked = (counts.kept, counts.quarantined, *((counts.nullified,) if nullified else ()))
    committed = f"{one.committed:%Y-%m-%d %H:%M}" if one.committed else "-"
    landed = " (landed only)" if one.level == "landed" else ""
    return (
        f"{one.pipeline}/{one.stream}",
        one.partition,
        f"{one.state}{landed}",
        one.pages,
        counts.read,
        *(checked if one.level != "landed" else "-" * len(checked)),
        committed,
    )


def _missing(pipeline: "Pipeline", arguments: dict[str, Any]) -> None:
    from levada.pipeline import Options
    from levada.pipeline.dues import dues

    choosing = pipeline.having(Options(streams=arguments["streams"]))
    chosen = choosing.chosen("run", choice_of(arguments))
    found = dues(choosing.course, chosen)
    left = [one for one in found if one.does != "skip"]
    if arguments["as_json"]:
        _say_json({"pipeline": pipeline.spec.pipeline, "due": found, "left_out": list(chosen.left_out)})
    else:
        _show_missing(found, _command(arguments))
        for name in chosen.left_out:
            warn(f"levada: stream {name} is left out: it has no partition that is named so")
    if left and arguments["fail"]:
        sys.exit(PARTIAL)


def _show_missing(found: "list[Due]", command: str) -> None:
    from levada.cli.table import show as show_table

    # What is complete and has nothing odd about it is counted: of a year there may be all but one.
    told = [one for one in found if (one.does, one.why) != ("skip", "complete")]
    if told:
        rows = [(one.stream, one.partition or "-", one.state, one.does, one.why) for one in told]
        show_table(("stream", "partition", "state~", "does", "why~"), rows)
    left, cannot = sum(one.does not in ("skip", "cannot") for one in found), sum(one.does == "cannot" for one in found)
    if left:
        say(f"{left} of {counted(len(found), 'partition')} to be worked on: {command}")
    elif not cannot:
        say(f"Nothing is missing: {counted(len(found), 'partition')} complete.")
    if cannot:
        say(f"{cannot} of {counted(len(found), 'partition')} cannot be, see above: a run ends at the first of them.")


def _command(arguments: dict[str, Any]) -> str:
    """The command that does what was told."""
    options = {"--date": "date", "--from": "start", "--to": "end", "--last": "last", "--lake": "lake"}
    given = [part for name, key in options.items() if arguments[key] is not None for part in (name, arguments[key])]
    streams = [part for name in arguments["streams"] for part in ("--stream", name)]
    return shlex.join(("levada", "run", arguments["spec"], *given, *streams, "--missing"))


def _rebuild(pipeline: "Pipeline", *, as_json: bool) -> None:
    from levada.pipeline.remembering import again

    done = again(pipeline.course)
    if as_json:
        _say_json({"pipeline": pipeline.spec.pipeline, "history": done.place, "added": done.added, "aside": done.aside})
        return
    if done.aside:
        say(f"The history was damaged; what is left of it lies in {done.aside}.")
    if done.added:
        say(f"{counted(done.added, 'run')} that the lake knew and no round told of: added to {done.place}")
    else:
        say(f"Nothing to add: {done.place} has all that the lake knows.")


def _say_json(value: object) -> None:
    from levada.nouns import plain

    say(json.dumps(plain(value), indent=2))
