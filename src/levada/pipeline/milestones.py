"""What a round says of itself, to the standard logging: its begin, its reports and notices, its end."""

import logging

from levada.logs.lines import About
from levada.logs.writing import say
from levada.round import Reported, Round

__all__ = ["tell_begin", "tell_end", "tell_reports"]

#: Failures that the last line tells by name.
_SHOWN = 5
_LEVELS = {"success": logging.INFO, "partial": logging.WARNING, "failure": logging.ERROR}


def tell_begin(one: Round) -> None:
    """A line for the begin."""
    say(About(one.pipeline), "round began", f"{one.verb} began, by a {one.door}", verb=one.verb, door=one.door)


def tell_reports(one: Round) -> None:
    """A line for each report."""
    for report in one.reports:
        facts = {"report": report.report, "rows": len(report.rows), "files": list(report.files)}
        level = logging.ERROR if report.error else logging.INFO
        say(About(one.pipeline), "report", _report(report), level, **facts, sheet=report.sheet)


def _report(report: Reported) -> str:
    name = f"report {report.report} of {report.partition}"
    if report.error:
        return f"{name} failed: {'; '.join(filter(None, (report.error.what, report.error.where, report.error.todo)))}"
    figures = {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}
    sheet = f"sheet {report.sheet}: {', '.join(f'{number} {did}' for did, number in figures.items() if number)}"
    places = [*report.files, *([sheet.rstrip(": ")] if report.sheet else [])]
    return "; ".join([f"{name}: {len(report.rows)} row{'' if len(report.rows) == 1 else 's'}", *places])


def tell_end(one: Round, *, stopped: bool = False) -> None:
    """Lines for what could not be done beside the data, and one for the end."""
    for note in one.notes:
        say(About(one.pipeline), "note", note, logging.WARNING)
    seconds = (one.ended - one.started).total_seconds()
    counts = {"done": len(one.runs), "failed": len(one.failures), "not_tried": len(one.not_tried)}
    figures = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    what = "stopped by a signal" if stopped else one.ending
    words = f"{one.verb} ended: {', '.join([what, *figures])}, {seconds:.2f} s"
    level = logging.WARNING if stopped else _LEVELS[one.ending]
    say(About(one.pipeline), "round ended", f"{words}{_failures(one)}", level, ending=what, seconds=seconds, **counts)


def _failures(one: Round) -> str:
    named = [f"{' '.join(filter(None, (each.stream, each.partition)))} ({each.kind})" for each in one.failures[:_SHOWN]]
    more = ["..."] if len(one.failures) > _SHOWN else []
    return f": {', '.join([*map(str.strip, named), *more])}" if named else ""
