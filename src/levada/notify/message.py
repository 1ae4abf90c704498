"""A round as a letter: when, how it ended, rows, errors, gaps, reports; of bounded length, whatever it did. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from levada.notify.letter import Block, Facts, Items, Letter, Link, Table, line, some, table
from levada.notify.sums import Sum, first_of, summed, sums
from levada.nouns import Gap, Run
from levada.round import Failure, Reported, Round
from levada.spec.template import Template, fill

__all__ = ["SUBJECT", "letter", "period", "subject_of", "took"]

#: Rows of a report's table, lines of the table of partitions, errors, gaps and the like, reports.
_ROWS, _PARTITIONS, _ITEMS, _REPORTS = 50, 50, 20, 20
#: Characters of a gap or a note.
_SHORT = 400
#: Partitions that are named one by one.
_NAMED = 3
SUBJECT = 150
_DOORS = {"command": "a command", "schedule": "a schedule", "lambda": "a function", "python": "a program"}
_MINUTE, _HOUR = 60, 3600


def letter(done: Round, subject: Template | None = None) -> Letter:
    """All that people are told of a round.

    Args:
        done: The round, at its end.
        subject: A subject with `{pipeline}`, `{partition}`, `{outcome}`, instead of those in a row.
    """
    blocks: list[Block] = [_facts(done)]
    if done.runs:
        blocks.append(_rows(sums(done.runs)))
    blocks += _errors(done)
    if done.not_tried:
        blocks.append(Items("Not tried", some(done.not_tried, _ITEMS, lambda one: line(f"{one[0]} {one[1]}"))))
    blocks += _gaps(done.runs)
    if len(done.runs) > len(sums(done.runs)):
        blocks.append(_partitions(done.runs))
    blocks += _reports(done.reports)
    blocks += _notes(done)
    return Letter(subject_of(done, subject), tuple(blocks))


def subject_of(done: Round, subject: Template | None = None) -> str:
    """One line: `grader 2024-10-08: success`."""
    when = period(_all_partitions(done))
    if subject is None:
        return line(f"{done.pipeline} {when}: {done.ending}".replace(" :", ":"), SUBJECT)
    values = {"pipeline": done.pipeline, "partition": when, "outcome": done.ending}
    return line(fill(subject, values), SUBJECT)


def period(partitions: Sequence[str]) -> str:
    """What was worked on: `2024-10-08`, `a, b, c`, `2024-01-01 to 2024-12-31 (366 partitions)`; "" for nothing."""
    names = sorted(partitions)
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]} ({len(names)} partitions)"


def took(seconds: float) -> str:
    """A time as people say it: `34.2 s`, `3 min 12 s`, `2 h 05 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def _all_partitions(done: Round) -> tuple[str, ...]:
    """Those that failed or were left, too."""
    of_errors = (one.partition for one in done.failures if one.partition)
    return tuple(dict.fromkeys((*done.partitions, *of_errors, *(partition for _, partition in done.not_tried))))


def _facts(done: Round) -> Facts:
    partitions = _all_partitions(done)
    pairs = (
        ("Pipeline", done.pipeline),
        ("Partition" if len(partitions) == 1 else "Partitions", period(partitions) or "none"),
        ("Outcome", _outcome(done)),
        ("Began", f"{done.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Took", took((done.ended - done.started) / timedelta(seconds=1))),
        ("Asked for by", f"{_DOORS[done.door]}: {done.verb}"),
        ("Round", done.id),
    )
    return Facts(tuple((name, line(value)) for name, value in pairs))


def _outcome(done: Round) -> str:
    """`failure: 2 done, 1 failed, 3 not tried`."""
    counted: dict[str, int] = {}
    for run in done.runs:
        counted[run.outcome] = counted.get(run.outcome, 0) + 1
    broken = sum(1 for one in done.reports if one.error)
    told = [f"{number} {outcome}" for outcome, number in counted.items()]
    told += [f"{len(done.failures)} failed"] if done.failures else []
    told += [f"{len(done.not_tried)} not tried"] if done.not_tried else []
    told += [f"{broken} {'reports' if broken > 1 else 'report'} failed"] if broken else []
    return f"{done.ending}: {', '.join(told)}" if told else done.ending


def _rows(parts: list[Sum]) -> Table:
    loads = any(part.loads for part in parts)
    nullified = any(part.counts.nullified for part in parts)
    every = [*parts, summed(parts, "all")] if len(parts) > 1 else parts
    rows = [[part.stream, part.partitions, *_numbers(part, nullified=nullified, loads=loads)] for part in every]
    return table("Rows", _columns("stream", "partitions", nullified=nullified, loads=loads), rows)


def _columns(*first: str, nullified: bool, loads: bool) -> list[str]:
    more = ["nullified"] if nullified else []
    loaded = ["inserted", "updated", "unchanged"] if loads else []
    return [*first, "read", "kept", "quarantined", "dropped", *more, *loaded, "seconds"]


def _numbers(part: Sum, *, nullified: bool, loads: bool) -> list[float]:
    counts = part.counts
    more = [counts.nullified] if nullified else []
    loaded = [part.inserted, part.updated, part.unchanged] if loads else []
    rounded = round(part.seconds, 1)
    return [counts.read, counts.kept, counts.quarantined, counts.dropped, *more, *loaded, rounded]


def _partitions(runs: Sequence[Run]) -> Table:
    shown = first_of(runs, _PARTITIONS)
    whole = summed(sums(runs), "all")
    how = {"nullified": whole.counts.nullified > 0, "loads": whole.loads}
    below = [f"… and {len(runs) - len(shown)} more"] if len(shown) < len(runs) else []
    rows = [[run.stream, run.partition, run.outcome, *_numbers(sums([run])[0], **how)] for run in shown]
    return table("Partitions", _columns("stream", "partition", "outcome", **how), rows, below)


def _errors(done: Round) -> Iterator[Items]:
    of_reports = [
        replace(one.error, stream=f"report {one.report}", partition=one.partition) for one in done.reports if one.error
    ]
    if found := (*done.failures, *of_reports):
        yield Items("Errors", some(found, _ITEMS, _error))


def _error(failure: Failure) -> str:
    of = line(f"{failure.stream} {failure.partition}")
    first = line(f"{failure.kind}: {failure.what}")
    more = [(name, text) for name, text in (("where", failure.where), ("to do", failure.todo)) if text]
    return "\n".join([f"{of}: {first}" if of else first, *(f"  {name}: {line(text)}" for name, text in more)])


def _gaps(runs: Iterable[Run]) -> Iterator[Items]:
    found = [(run, gap) for run in runs for gap in run.gaps]
    if found:
        yield Items(f"Gaps ({len(found)}): what was left out", some(found, _ITEMS, _gap))


def _gap(found: tuple[Run, Gap]) -> str:
    run, gap = found
    return line(f"{run.stream} {run.partition}, {gap.where}: {gap.why}", _SHORT)


def _reports(reports: Sequence[Reported]) -> Iterator[Table]:
    """One table a report: what it said of several partitions stands in one, if the columns are the same."""
    groups: dict[tuple[str, tuple[str, ...]], list[Reported]] = {}
    for one in reports:
        if not one.error:
            groups.setdefault((one.report, one.columns), []).append(one)
    found = list(groups.values())
    yield from map(_report, found[:_REPORTS])
    if len(found) > _REPORTS:
        yield Table("More reports", (), (), below=some(found[_REPORTS:], _ITEMS, lambda group: line(group[0].report)))


def _report(group: Sequence[Reported]) -> Table:
    several = len(group) > 1
    columns = (*(("partition",) if several else ()), *group[0].columns)
    rows = [(*((one.partition,) if several else ()), *row) for one in group for row in one.rows]
    files = [file for one in group for file in one.files]
    below = [f"… and {len(rows) - _ROWS} more rows"] if len(rows) > _ROWS else [] if rows else ["no rows"]
    below += some(files, _ITEMS, lambda file: f"file: {file}")
    title = f"Report {group[0].report}" + ("" if several else f" {group[0].partition}")
    shown = table(line(title), columns, rows[:_ROWS], below)
    sheets = dict.fromkeys(one.sheet for one in group if one.sheet)
    return replace(shown, links=tuple(Link("sheet", line(url)) for url in list(sheets)[:_ITEMS]))


def _notes(done: Round) -> Iterator[Items]:
    of_runs = [f"{run.stream} {run.partition}: {note}" for run in done.runs for note in run.notes]
    if found := (*done.notes, *of_runs):
        yield Items("Notes", some(found, _ITEMS, lambda note: line(note, _SHORT)))
