"""levada report: ask the reports of a spec now, and tell what they say."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from levada.cli.asking import opened
from levada.cli.commands import choice_of
from levada.cli.door import say, tell
from levada.cli.together import worst
from levada.errors import FixThis, LevadaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from levada.pipeline import Pipeline
    from levada.pipeline.choosing import Choice
    from levada.pipeline.parts import Part
    from levada.round import Reported
    from levada.spec.telling import Report

__all__ = ["parts_for", "report"]


@click.command(short_help="Ask the reports of a spec, and show what they say.")
@click.argument("spec", type=click.Path())
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--date", metavar="YYYY-MM-DD", help="The one partition to ask of; a week is 2022-W32, and so on.")
@click.option("--from", "start", metavar="YYYY-MM-DD", help="The first of several partitions, with --to.")
@click.option("--to", "end", metavar="YYYY-MM-DD", help="The one after the last: --to is not included.")
@click.option("--last", metavar="TIME", help="The last whole partitions before now: 7d, 24h.")
@click.option("--lake", metavar="FOLDER", help="The lake; else the spec's, which is lake/ beside it.")
@click.option("--show", "show_only", is_flag=True, help="Print the rows only: write no file, tell no worksheet.")
@click.option("--json", "as_json", is_flag=True, help="Tell the result as one JSON object on stdout.")
def report(**arguments: Any) -> None:
    """Ask the reports of SPEC, all of them or those named, and print what they say.

    \b
      levada report grader.yaml --date 2024-10-08
      levada report grader.yaml daily --from 2024-10-01 --to 2024-11-01
      levada report grader.yaml daily --last 7d --show

    Their files are written and their worksheets told, as after each run, and doing it again changes nothing. Without
    any of the dates: the partition that the spec's `default` means, or the last interval of incremental streams.
    Reports that speak of no partition need none. Nothing is fetched.

    One that fails does not stop the others; the command leaves with the exit code that says the worst.
    """
    from levada.pipeline.answering import answered
    from levada.pipeline.milestones import logged, tell_report

    pipeline, choice = opened(arguments["spec"], arguments["lake"], asking=False), choice_of(arguments)
    wanted = _wanted(pipeline, arguments["names"])
    parts = parts_for(pipeline, choice) if any(_by_partition(pipeline, one) for one in wanted) else ()
    told: list[Reported] = []
    for one in wanted:
        with logged(pipeline.course):
            said = answered(pipeline.course, one, parts, tells=not arguments["show_only"])
            for each in said:
                tell_report(pipeline.spec.pipeline, each)
        told += said
        if not arguments["as_json"]:
            _show(said)
    if arguments["as_json"]:
        from levada.nouns import plain

        say(json.dumps({"reports": plain(told), "errors": []}, indent=2))
    if code := worst(each.error.code for each in told if each.error):
        sys.exit(code)


def _wanted(pipeline: "Pipeline", names: "Sequence[str]") -> "list[Report]":
    known = {one.name: one for one in pipeline.spec.reports}
    if not known:
        todo = "add reports: {daily: {sql: SELECT ...}}; see docs/reports.md"
        raise FixThis("This spec has no reports.", where=pipeline.spec.file, todo=todo)
    unknown = [name for name in names if name not in known]
    if unknown:
        what = f"There is no report {unknown[0]} in this spec."
        raise FixThis(what, where=pipeline.spec.file, todo=f"choose among: {', '.join(known)}")
    return [known[name] for name in names or known]


def _by_partition(pipeline: "Pipeline", one: "Report") -> bool:
    """Whether it speaks of a partition; one whose SQL cannot be read says so when it is asked."""
    from levada.pipeline.answering import by_partition, question_of

    try:
        return by_partition(one, question_of(pipeline.course, one))
    except LevadaError:
        return False


def parts_for(pipeline: "Pipeline", choice: "Choice") -> "tuple[Part, ...]":
    """The partitions to ask of; of incremental streams those that are committed, without a choice the last.

    Raises:
        FixThis: the choice names none, or one is needed.
    """
    from levada.pipeline.parts import in_order, part_of

    cursors = pipeline.going_on
    intervals = all(stream.name in cursors for stream in pipeline.streams())
    work = pipeline.chosen("load" if intervals else "report", choice).work
    named = {name: cursors.get(stream.name) for name, stream in work if name}
    if intervals and not named:
        todo = "run the pipeline first: levada run"
        raise FixThis("No interval is committed to report of.", where=pipeline.store.describe(), todo=todo)
    found = in_order(part_of(pipeline.spec, name, cursor) for name, cursor in named.items())
    return found if choice.given or not intervals else found[-1:]


def _show(told: "Sequence[Reported]") -> None:
    from levada.cli.table import show
    from levada.report.text import number_columns, text
    from levada.round import error_of

    for one in told:
        say(one.name)
        if one.columns:
            numbers = number_columns(one.columns, one.rows)
            show([f"{name}#" if name in numbers else name for name in one.columns],
                 [[text(value) for value in row] for row in one.rows])  # fmt: skip
        for path in one.files:
            say(f"written: {path}")
        if one.sheet:
            say(f"{one.sheet}: {one.added} added, {one.updated} updated, {one.unchanged} unchanged")
        if one.error:
            tell(error_of(one.error))
