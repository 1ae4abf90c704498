"""What a pipeline says while it works, to the standard logging: a line for each milestone of a run and of a round.

Where the spec asks for log files it is written there (levada.logs). Errors are raised, and told to those files alone.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from levada.errors import LevadaError
from levada.lake.record import Record
from levada.landing import Landed
from levada.logs import writing
from levada.logs.lines import About
from levada.nouns import Level, Receipt, Run
from levada.pipeline.course import Course
from levada.pipeline.job import Job
from levada.pipeline.tally import Tally
from levada.round import Reported, Round
from levada.secret import redact
from levada.source.events import Event, Took, Waiting

__all__ = [
    "checked",
    "committing",
    "downloading",
    "ended",
    "failed",
    "failing",
    "filled",
    "held",
    "logged",
    "say",
    "tell_begin",
    "tell_end",
    "tell_report",
    "tell_reports",
    "watching",
]

#: Seconds: a shorter wait is not worth a line.
_LONG = 5.0
#: Pages that are asked for again are told so often in a run; the number of requests tells of the others.
_AGAIN = 10
#: Rules that are told in words; all of them are facts.
_RULES = 10
_KILO = 1024
#: Failures that the last line tells by name.
_SHOWN = 5
_LEVELS = {"success": logging.INFO, "partial": logging.WARNING, "failure": logging.ERROR}


def logged(course: Course) -> AbstractContextManager[object]:
    """While inside, what is said goes to the log files of the spec, if it has them."""
    spec = course.spec
    return writing.writing(spec.logs, spec.pipeline, Path(spec.file).parent.absolute(), course.edges.clock)


def say(job: Job, event: str, words: str, level: int = logging.INFO, **facts: Any) -> None:
    """Say what happens to a partition.

    Args:
        job: The partition.
        event: What, in a word or two that never change.
        words: The same for people, with figures.
        level: Of logging.
        facts: The figures, by name.
    """
    of = About(job.spec.pipeline, job.stream.name, job.partition.key)
    writing.say(of, event, words, level, **facts)


@contextmanager
def failing(stream: str, partition: str) -> Iterator[None]:
    """While inside, lines are about this partition; an error is told to the log files, and raised."""
    with writing.about(stream=stream, partition=partition):
        try:
            yield
        except Exception as error:
            failed(error)
            raise


def failed(error: Exception) -> None:
    """Tell an error to the log files; it is told once, though several see it pass."""
    if isinstance(error, LevadaError):
        facts = {"not_before" if name == "at" else name: fact for name, fact in error.facts().items()}
        writing.note_error(error, f"failed: {_in_a_line(error)}", facts)
    else:
        writing.note_error(error, "failed: this is a bug of Levada", {"kind": "Bug"}, traced=True)


def _in_a_line(error: LevadaError) -> str:
    cause = f"cause: {error.__cause__}" if error.__cause__ and str(error.__cause__) not in str(error) else ""
    # Redacted first: a key of several lines is no longer known once these are joined in another way.
    said = redact("\n".join(filter(None, (str(error), cause))))
    return "; ".join(filter(None, map(str.strip, said.splitlines())))


def held(job: Job, seconds: float) -> None:
    """The partition was waited for so long."""
    if seconds >= _LONG:
        say(job, "waited", f"waited {seconds:.0f} s for another run of it", seconds=seconds)


def watching(job: Job) -> Callable[[Event], None]:
    """What says waits and requests that are made again, and to who asks for more each page; it hands each event on."""
    again = 0

    def saw(event: Event) -> None:
        nonlocal again
        if isinstance(event, Waiting):
            again += not event.limit
            told = event.seconds >= _LONG or (not event.limit and again <= _AGAIN)
            name, words = _wait(event)
            level = logging.INFO if told else logging.DEBUG
            say(job, name, words, level, page=event.number, seconds=event.seconds)
        elif isinstance(event, Took) and writing.is_heard(logging.DEBUG):  # a run has many pages
            words = f"page {event.number}: {_counted(event.rows, 'row')}, {_size(event.size)}"
            say(job, "page", words, logging.DEBUG, page=event.number, rows=event.rows, bytes=event.size)
        job.observe(event)

    return saw


def _wait(event: Waiting) -> tuple[str, str]:
    if event.limit:
        return "waiting", f"waiting {event.seconds:.1f} s for {event.why}"
    what = f"page {event.number}" if event.number else "a token"
    return "again", f"{what} is asked for again in {event.seconds:.1f} s: {event.why}"


def downloading(job: Job, tally: Tally, pages: Iterable[Landed]) -> Iterator[Landed]:
    """The pages as they come, with a line before the first and one after the last."""
    began, count, size, resumed = job.edges.clock.monotonic(), 0, 0, tally.resumed
    there = f": {_counted(resumed, 'page')} of an interrupted run are there" if resumed else ""
    say(job, "download started", f"download started{there}", resumed=resumed)
    for page in pages:
        count, size = count + 1, size + page.file.size
        yield page
    seconds, rows = job.edges.clock.monotonic() - began, tally.counts.read
    figures = (_counted(count, "page"), _counted(tally.requests, "request"), _counted(rows, "row"), _size(size))
    words = f"download finished: {', '.join(figures)}, {seconds:.2f} s"
    facts = {"pages": count, "requests": tally.requests, "rows": rows, "bytes": size}
    say(job, "download finished", words, **facts, seconds=seconds)


def checked(job: Job, tally: Tally, level: Level) -> None:
    """The rows went through the contract, if this goes so far."""
    if level != "staged" or job.contract is None:
        return
    counts, rules = tally.counts, dict(tally.rules.most_common())
    told = [f"{rule} {rows}" for rule, rows in list(rules.items())[:_RULES]]
    why = f" ({', '.join([*told, *(['...'] if len(rules) > _RULES else [])])})" if rules else ""
    more = [f"{number} {what}" for what in ("dropped", "nullified") if (number := getattr(counts, what))]
    bad = f"{counts.quarantined} quarantined{why}"
    words = f"checking finished: {', '.join([f'{counts.read} rows read', f'{counts.kept} kept', bad, *more])}"
    facts = {name: getattr(counts, name) for name in ("read", "kept", "quarantined", "dropped", "nullified")}
    say(job, "checking finished", words, rules=rules, **facts)


def committing(job: Job, show: Callable[[Record], None]) -> Callable[[Record], None]:
    """`show`, with a line for a commit that is new."""

    def shown(record: Record) -> None:
        if not record.shown:
            files = len(record.files)
            say(job, "committed", f"committed: {_counted(files, 'file')}, {record.level}", files=files, run=record.run)
        show(record)

    return shown


@contextmanager
def filled(job: Job, table: str, rows: int) -> Iterator[list[Receipt]]:
    """A line before a table takes rows and one after it, of the receipt that the list is given."""
    receipts, began = list[Receipt](), job.edges.clock.monotonic()
    say(job, "filling started", f"filling started: {_counted(rows, 'row')} for table {table}", table=table, rows=rows)
    yield receipts
    seconds = job.edges.clock.monotonic() - began
    for made in receipts:
        figures = {name: getattr(made, name) for name in ("inserted", "updated", "unchanged", "removed", "left_behind")}
        told = [f"{number} {name.replace('_', ' ')}" for name, number in figures.items() if number]
        did = "has them already" if made.before else f"took {_counted(made.rows, 'row')}"
        words = f"filling finished: table {made.table} {', '.join([did, *told])}, {seconds:.2f} s"
        say(job, "filling finished", words, table=made.table, rows=made.rows, seconds=seconds, **figures)


def ended(run: Run) -> Run:
    """A line for what came of a partition; the run."""
    level = logging.WARNING if run.gaps else logging.INFO
    gaps = [_counted(len(run.gaps), "gap")] if run.gaps else []
    figures = (_counted(run.pages, "page"), _counted(run.counts.read, "row"), f"{run.seconds:.2f} s")
    words = ", ".join([f"{run.outcome}{'' if run.changed else ' (nothing changed)'}", *gaps, *figures])
    facts = {"outcome": run.outcome, "changed": run.changed, "run": run.run, "seconds": run.seconds}
    of = About(run.pipeline, run.stream, run.partition)
    writing.say(of, "done", "; ".join([words, *run.notes]), level, **facts, gaps=len(run.gaps))
    return run


def tell_begin(one: Round) -> None:
    """A line for the begin."""
    writing.say(About(one.pipeline), "round began", f"{one.verb} began, by a {one.door}", verb=one.verb, door=one.door)


def tell_reports(one: Round) -> None:
    """A line for each report of a round."""
    for report in one.reports:
        tell_report(one.pipeline, report)


def tell_report(pipeline: str, report: Reported) -> None:
    """A line for what came of a report."""
    facts = {"report": report.report, "rows": len(report.rows), "files": list(report.files)}
    level = logging.ERROR if report.error else logging.INFO
    writing.say(About(pipeline), "report", _report(report), level, **facts, sheet=report.sheet)


def _report(report: Reported) -> str:
    name = f"report {report.report} of {report.partition}"
    if report.error:
        return f"{name} failed: {'; '.join(filter(None, (report.error.what, report.error.where, report.error.todo)))}"
    figures = {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}
    sheet = f"sheet {report.sheet}: {', '.join(f'{number} {did}' for did, number in figures.items() if number)}"
    places = [*report.files, *([sheet.rstrip(": ")] if report.sheet else [])]
    return "; ".join([f"{name}: {len(report.rows)} row{'' if len(report.rows) == 1 else 's'}", *places])


def tell_end(one: Round) -> None:
    """Lines for what could not be done beside the data, and one for the end."""
    for note in one.notes:
        writing.say(About(one.pipeline), "note", note, logging.WARNING)
    seconds = (one.ended - one.started).total_seconds()
    counts = {"done": len(one.runs), "failed": len(one.failures), "not_tried": len(one.not_tried)}
    figures = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    what = "stopped by a signal" if one.stopped else one.ending
    words = f"{one.verb} ended: {', '.join([what, *figures])}, {seconds:.2f} s"
    level = logging.WARNING if one.stopped else _LEVELS[one.ending]
    writing.say(
        About(one.pipeline), "round ended", f"{words}{_failures(one)}", level, ending=what, seconds=seconds, **counts
    )


def _failures(one: Round) -> str:
    named = [f"{' '.join(filter(None, (each.stream, each.partition)))} ({each.kind})" for each in one.failures[:_SHOWN]]
    more = ["..."] if len(one.failures) > _SHOWN else []
    return f": {', '.join([*map(str.strip, named), *more])}" if named else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _size(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < _KILO:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} GB"
