"""The part of the language that says when a spec runs by itself, and what that demands of its partitions."""

from collections.abc import Iterator
from datetime import timedelta

from levada.spec.cron import Cron, Unreadable, closest, cron, shared
from levada.spec.engine import BROKEN, Given, Key, Reading, Rule, Section, Value, Wrong
from levada.spec.model import Schedule
from levada.spec.rules_names import streams
from levada.spec.tree import Mistake, Word
from levada.spec.values import duration
from levada.spec.words_units import span

__all__ = ["SCHEDULE", "SCHEDULE_RULES"]

#: Partitions are told apart by whole seconds.
_SHORTEST = 1.0


def _cron(word: Word) -> Cron:
    try:
        return cron(word.text)
    except Unreadable as wrong:
        raise Wrong(*wrong.args) from None


def _either(given: Given, _: Reading) -> Iterator[Mistake]:
    if {"every", "cron"} <= given.places.keys():
        yield given.mistake("cron", "every and cron are two schedules", "keep one of them, or make two specs")
    elif not given.places.keys() & {"every", "cron"}:
        yield Mistake(given.place, "the schedule does not say when", 'write every: 1m, or cron: "0 3 * * *"')
    if given.get("every", _SHORTEST) < _SHORTEST:
        yield given.mistake("every", "a schedule ticks once a second at most", "write 1s or more")


SCHEDULE = Section(
    "schedule",
    "When the scheduler runs the spec by itself, in UTC.",
    (
        Key(
            "every",
            duration(),
            "time between two runs, counted from midnight of 1970-01-01: every hour is on the hour",
            "none",
            example="every: 1m",
        ),
        Key(
            "cron",
            Value(_cron, 'a line of cron such as "0 3 * * *"'),
            "minute, hour, day, month and weekday of each run, as cron has them",
            "none",
            example='cron: "0 3 * * *"',
        ),
    ),
    lambda given: Schedule(**given.values, place=given.place),
    rules=(Rule(("every", "cron"), _either),),
    around="",
)


def _ticking(_: Given, reading: Reading) -> Iterator[Mistake]:
    """Two runs never mean one tick."""
    schedule, partition = reading.sections.get(("schedule",)), reading.sections.get(("partition",))
    if not schedule or not partition or partition.get("by") != "tick":
        return
    tick, every, line = partition.get("every"), schedule.get("every"), schedule.get("cron")
    if tick in (None, BROKEN):
        return
    ticks = f"of partition (line {partition.places['every'].line})"
    if isinstance(line, Cron):
        minutes = shared(line, timedelta(seconds=tick))
        if minutes is not None:
            what = f"two runs that are {span(minutes * 60.0)} apart fall into one tick {ticks}: two have one name"
            todo = f"write every: {span(closest(line) * 60.0)} there, or a line with one run in each of its ticks"
            yield schedule.mistake("cron", what, todo)
    elif every not in (None, BROKEN) and every < tick:
        what = f"runs come more often than the ticks {ticks}: two have one name"
        yield schedule.mistake("every", what, "write the same time in both")


def _meaning(_: Given, reading: Reading) -> Iterator[Mistake]:
    """A run that nobody gives a date has a partition all the same."""
    schedule, partition = reading.sections.get(("schedule",)), reading.sections.get(("partition",))
    by = partition.get("by", "day") if partition else "day"
    if not schedule or by in ("list", "tick", BROKEN) or (partition and "default" in partition.places):
        return
    if any("incremental" in reading.sections[path].places for path in streams(reading)):
        return  # those go on; of the others a run tells that they are left out
    word = "yesterday" if by == "day" else "last"
    what = f"the schedule does not know which {by} a run is for"
    yield Mistake(schedule.place, what, f"add partition: {{by: {by}, default: {word}}}, or another default")


SCHEDULE_RULES = (Rule((), _ticking), Rule((), _meaning))
