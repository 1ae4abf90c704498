"""`levada check`: a spec's plan in words, or all its mistakes; with --live, one page of each stream."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import opened
from levada.cli.door import facts, say, tell
from levada.cli.progress import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from levada.cli.sampling import Sample
    from levada.errors import LevadaError
    from levada.nouns import Batch
    from levada.pipeline import Pipeline

__all__ = ["check"]

#: Violations that are shown of a page.
_SHOWN = 3


@click.command(short_help="Read a spec: its plan in words, or all its mistakes.")
@click.argument("spec", type=click.Path())
@click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
@click.option("--live", is_flag=True, help="Ask the API for the first page of each stream, too.")
@click.option(
    "--date",
    metavar="PARTITION",
    help="With --live: the partition to ask for; else the spec's default, or the last that is over.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def check(spec: str, lake: str | None, date: str | None, *, live: bool, as_json: bool) -> None:
    """Read SPEC and say in words what it will do, or list all its mistakes.

    \b
      levada check sales.yaml
      levada check sales.yaml --live --date 2022-08-09

    Writes nothing. Variables that are not set, and those of notices that cannot be used, are told as warnings. Asks
    nothing of the API, but for --live: then the first page of each stream that needs no rows of another one is asked
    for, and told with its status, the rows in it, what `paging` saw, and what the contract says of them. An answer that
    is no page ends with the exit code of its kind.
    """
    from levada.spec.words import words

    pipeline = opened(spec, lake, asking=live)
    plan = [*words(pipeline.spec), *_of_no_use(pipeline)]
    if not as_json:
        for line in plan:
            say(line)
    told, errors = _live(pipeline, date, as_json=as_json) if live else ([], [])
    if as_json:
        say(json.dumps({"plan": plan, "live": told, "errors": [facts(error) for error in errors]}, indent=2))
    if errors:
        sys.exit(errors[0].exit_code)


def _of_no_use(pipeline: "Pipeline") -> "Iterator[str]":
    """Warnings of what keeps notices from being sent, though it is set."""
    if pipeline.spec.notify is None:
        return
    from levada.notify.channels import unusable

    for error in unusable(pipeline.spec, pipeline.course.edges.environment):
        yield f"Warning: {error.what} No notice is sent ({error.where}): {error.todo}."


def _live(pipeline: "Pipeline", date: str | None, *, as_json: bool) -> "tuple[list[dict[str, Any]], list[LevadaError]]":
    """Ask for the first page of each stream; what came, and what went wrong."""
    from levada.cli.sampling import sample

    told, errors = list[dict[str, Any]](), list["LevadaError"]()
    for stream in pipeline.spec.streams:
        if parents := stream.pages_of or ", ".join(stream.for_each.row_of if stream.for_each else ()):
            if not as_json:
                say(f"\nLive   {stream.name}: not asked, it needs what is landed of {parents}")
            continue
        taken = sample(pipeline, stream, date, 1)
        batch, error = _verdict(taken)
        told.append(_plain(taken, batch))
        errors += [error] if error else []
        if not as_json:
            _show(taken, batch)
            if error:
                tell(error)
    return told, errors


def _verdict(taken: "Sample") -> "tuple[Batch | None, LevadaError | None]":
    """What the contract says of the first page; None without contract or page. The error is reading's, or its own."""
    from levada.contract.check import check_page, prepare
    from levada.errors import LevadaError

    if taken.error or taken.contract is None or not len(taken.all_records):
        return None, taken.error
    try:
        return check_page(prepare(taken.contract), 1, taken.all_records), None
    except LevadaError as error:
        return None, error.at_place(f"stream {taken.stream.name}, {taken.partition}, page 1")


def _plain(taken: "Sample", batch: "Batch | None") -> dict[str, Any]:
    """A stream for --json."""
    from levada.cli.preview import requests_of, saw_of
    from levada.cli.sampling import left

    kept = None if batch is None else {"kept": len(batch.rows), "bad": len(batch.rejected), "why": _reasons(batch)}
    about = {"stream": taken.stream.name, "partition": taken.partition, "rows": len(taken.all_records)}
    return {**about, "requests": requests_of(taken), "paging": saw_of(taken), "more": left(taken), "contract": kept}


def _show(taken: "Sample", batch: "Batch | None") -> None:
    from levada.cli.sampling import left

    say("")
    say(f"Live   {taken.stream.name}, {taken.partition}: {counted(len(taken.all_records), 'row')} on the first page")
    for one in taken.exchanges:
        say(f"       {one.method} {one.url}: {one.status or one.fault}, {one.size} bytes, {one.seconds:.2f} s")
    for page in taken.pages:
        if page.facts.means != "page":
            say(f"       The answer means {page.facts.means}: {' '.join((page.facts.text or '(empty)').split())[:200]}")
        for rule, saw in taken.saw.get(page.facts.number, ()):
            say(f"       Paging saw {rule}: {saw}")
    if more := left(taken):
        say(f"       More? {more}")
    if batch is not None:
        bad = f"{len(batch.rejected)} bad, {counted(batch.nullified, 'value')} nullified"
        say(f"       Contract: {counted(len(batch.rows), 'row')} good, {bad}")
        for reason in _reasons(batch):
            say(f"         {reason}")


def _reasons(batch: "Batch") -> list[str]:
    """The first violations, a line each."""
    return [f"{broken.path}: {broken.reason}" for row in batch.rejected[:_SHOWN] for broken in row.violations]
