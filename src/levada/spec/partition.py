"""Partitions as a person names them: keys read strictly, exact half-open spans, the ones before now. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import cast

from levada.errors import FixThis
from levada.nouns import Partition
from levada.spec import calendar
from levada.spec.calendar import FORMS, Kind, Span
from levada.spec.instant import Unreadable, instant
from levada.spec.model import Partitioning
from levada.spec.template import Value

__all__ = [
    "day_in",
    "default",
    "last",
    "names_of",
    "of_day",
    "parse",
    "parse_day",
    "previous",
    "span",
    "tick",
    "values",
    "windows",
]

_WITHIN = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_LOOSE = re.compile(r"\s*([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})\s*")
_DATED = re.compile(r"\s*[0-9]{4}-[0-9]{2}(-[0-9]{2})?([T ][0-9]{2}(:[0-9]{2}.*)?)?\s*|\s*[0-9]{4}-W[0-9]{2}\s*")
_DAILY = Partitioning()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: In what a tick is written in a key: no colons, which file systems and shells read otherwise.
_TICK = "%Y-%m-%dT%H%M%SZ"
_NOUNS: Mapping[str, str] = {"hour": "hour", "day": "day", "week": "ISO week", "month": "month"}
_WRITTEN: Mapping[str, str] = {
    "hour": "2022-08-09T13 (day, T, hour)",
    "day": "2022-08-09 (year, month, day)",
    "week": "2022-W32 (year, W, ISO week)",
    "month": "2022-08 (year, month)",
}


def of_day(day: date) -> Partition:
    """The partition of a day of UTC."""
    return _noun("day", calendar.around("day", datetime(day.year, day.month, day.day, tzinfo=UTC), UTC))


def parse_day(text: str) -> Partition:
    """The day that `text` names, YYYY-MM-DD and nothing else; raises FixThis, as `parse` does."""
    return parse(text, _DAILY)


def parse(text: str, partitioning: Partitioning) -> Partition:
    """The partition that `text` names, written as its key is and no other way.

    Raises:
        FixThis: it names none; says what to write where that is clear.
    """
    match partitioning.by:
        case "list":
            return _named(text, partitioning)
        case "tick":
            return _ticked(text, partitioning)
        case "interval":
            raise FixThis("An interval has a start and an end.", where="date", todo="give --from and --to")
    kind, local = partitioning.by, calendar.zone(partitioning.timezone)
    found = calendar.read(kind, text, local)
    if found:
        return _noun(kind, found)
    raise _refused(kind, text, partitioning)


def _noun(kind: Kind, found: Span) -> Partition:
    return Partition(kind, *found)


def _refused(kind: Kind, text: str, partitioning: Partitioning) -> FixThis:
    zone = "" if partitioning.timezone == "UTC" else f" of {partitioning.timezone}"
    if FORMS[kind][1].fullmatch(text):
        what = f'"{text}" is no {_NOUNS[kind]} of the calendar{zone}.'
        article = "an" if kind in ("hour", "week") else "a"
        todo = f"give {article} {_NOUNS[kind]} that there is, written as {_WRITTEN[kind]}"
        if kind == "hour" and calendar.read(kind, f"{text}A", calendar.zone(partitioning.timezone)):
            what = f'"{text}" comes twice{zone}: clocks are put back.'
            todo = f"write {text}A for the first of the two, {text}B for the second"
        return FixThis(what, where="date", todo=todo)
    meant = _meant(kind, text, partitioning)
    todo = f"write {meant}" if meant else f"write it as {_WRITTEN[kind]}"
    what = f'"{_cut(text)}" is no {"date" if kind == "day" else _NOUNS[kind]}.'
    return FixThis(what, where="date", todo=todo)


def _meant(kind: Kind, text: str, partitioning: Partitioning) -> str | None:
    """The key that `text` comes close to: another way to write a day, or a day of the week or month that is asked."""
    loose = _LOOSE.fullmatch(text[:10] if kind != "day" and _DATED.fullmatch(text) else text)
    day = _day(*loose.groups()) if loose else None
    if day is None:
        return None
    local = calendar.zone(partitioning.timezone)
    found = calendar.read("day", day.isoformat(), local)
    if kind != "hour":
        return calendar.around(kind, found[1], local)[0] if found else None
    hour = re.search(r"[T ]([0-9]{2})", text)
    return f"{day}T{hour[1] if hour else '00'}" if found else None


def _named(text: str, partitioning: Partitioning) -> Partition:
    if text in partitioning.names:
        return Partition("list", text)
    todo = f"choose among: {', '.join(partitioning.names)}"
    raise FixThis(f'"{_cut(text)}" is no partition of this spec.', where="date", todo=todo)


def _ticked(text: str, partitioning: Partitioning) -> Partition:
    spread = re.sub(r"T([0-9]{2})([0-9]{2})([0-9]{2})Z", r"T\1:\2:\3Z", text)
    try:
        found = tick(instant(spread).moment, partitioning)
    except Unreadable:
        todo = "write it as 2022-08-09T134500Z or 2022-08-09T13:45:00Z"
        raise FixThis(f'"{_cut(text)}" is no tick.', where="date", todo=todo) from None
    if found.start == instant(spread).moment:
        return found
    todo = f"write {found.key}, the tick before it"
    raise FixThis(f'"{_cut(text)}" lies between two ticks.', where="date", todo=todo)


def tick(now: datetime, partitioning: Partitioning) -> Partition:
    """The tick that `now` falls into: the seconds since 1970 (UTC), rounded down to a multiple of `every`."""
    every = timedelta(seconds=partitioning.every or 1)
    start = now - (now - _EPOCH) % every
    start -= timedelta(microseconds=start.microsecond)
    return Partition(
        "tick", start.astimezone(UTC).strftime(_TICK), start.astimezone(UTC), start.astimezone(UTC) + every
    )


def day_in(name: str) -> Partition | None:
    """The day that a folder's name holds, as in `2022-08-09` or `date=2022-08-09`; None if it holds none, or two."""
    found = _WITHIN.findall(name)
    day = _day(*found[0].split("-")) if len(found) == 1 else None
    return of_day(day) if day else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - a part of a line


def span(start: str, end: str, partitioning: Partitioning) -> tuple[Partition, ...]:
    """Every partition from `start` up to, and not including, `end`; each is written as a key.

    Raises:
        FixThis: there is none, one of them is no key, or the partitions have no order.
    """
    if partitioning.by in ("list", "tick"):
        what = f"Partitions by {partitioning.by} have no spans."
        raise FixThis(what, where="from, to", todo="name one with --date, or leave the option out")
    first, stop = parse(start, partitioning), parse(end, partitioning)
    kind, local = cast("Kind", partitioning.by), calendar.zone(partitioning.timezone)
    if first.key < stop.key:
        return tuple(_between(kind, _span_of(first), stop.key, local))
    if first.key > stop.key:
        raise FixThis(f"from {start} to {end} runs backwards.", where="from, to", todo=f"write {end} to {start}")
    what = f"from {start} to {end} holds no {_NOUNS[kind]}: the end is not included."
    raise FixThis(what, where="from, to", todo=_one(kind, first, local))


def _one(kind: Kind, only: Partition, local: tzinfo) -> str:
    try:
        return f"for the one {_NOUNS[kind]} write {only.key} to {calendar.after(kind, _span_of(only), local)[0]}"
    except OverflowError:
        return f"for the one {_NOUNS[kind]} write --date {only.key}"


def _span_of(partition: Partition) -> Span:
    assert partition.start  # noqa: S101 - of the calendar
    assert partition.end  # noqa: S101 - of the calendar
    return partition.key, partition.start, partition.end


def _between(kind: Kind, first: Span, end: str, local: tzinfo) -> Iterator[Partition]:
    found = first
    while found[0] < end:
        yield _noun(kind, found)
        found = calendar.after(kind, found, local)


def previous(partition: Partition, partitioning: Partitioning) -> Partition | None:
    """The partition before, of a list the name before; None where none is. Intervals follow no calendar."""
    if partition.by == "list" and partition.key in partitioning.names[1:]:
        return Partition("list", partitioning.names[partitioning.names.index(partition.key) - 1])
    if partition.start is None or partition.by == "interval":
        return None
    try:
        if partition.by == "tick":
            return tick(partition.start - timedelta(seconds=partitioning.every or 1), partitioning)
        kind = cast("Kind", partition.by)
        return _noun(kind, calendar.before(kind, _span_of(partition), calendar.zone(partitioning.timezone)))
    except OverflowError:  # the first of the calendar
        return None


def last(seconds: float, now: datetime, partitioning: Partitioning) -> tuple[Partition, ...]:
    """The whole partitions of the last so many seconds before the one that `now` is in, oldest first.

    Days, weeks and months are counted by the calendar: `7d` are seven days, whatever clocks did; hours by the clock.

    Raises:
        FixThis: none is that short, or the partitions have no order.
    """
    if partitioning.by in ("list", "tick"):
        what = f"Partitions by {partitioning.by} have no last ones."
        raise FixThis(what, where="last", todo="name one with --date, or leave the option out")
    kind, local = cast("Kind", partitioning.by), calendar.zone(partitioning.timezone)
    present = calendar.around(kind, now, local)
    found: list[Partition] = []
    try:
        earliest = _ago(kind, present[1], seconds)
        before = calendar.before(kind, present, local)
        while before[1] >= earliest:
            found.append(_noun(kind, before))
            before = calendar.before(kind, before, local)
    except OverflowError:
        pass  # the calendar begins here
    if found:
        return tuple(reversed(found))
    least = {"hour": "1h", "day": "1d", "week": "7d", "month": "31d"}[kind]
    raise FixThis(f"No whole {_NOUNS[kind]} is that short.", where="last", todo=f"write {least} or more")


def _ago(kind: Kind, moment: datetime, seconds: float) -> datetime:
    """So long before `moment`: by what clocks show, but for hours."""
    counted = moment.astimezone(UTC) if kind == "hour" else moment
    try:
        return counted - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(tzinfo=counted.tzinfo)


def default(now: datetime, partitioning: Partitioning) -> tuple[Partition, ...]:
    """The partitions that a command means which names none; empty where it has to name one.

    Raises:
        FixThis: the spec's `default` has no meaning for its partitions.
    """
    if partitioning.by == "list":
        return tuple(Partition("list", name) for name in partitioning.names)
    if partitioning.by == "tick":
        return (tick(now, partitioning),)
    if partitioning.default is None:
        return ()
    kind, local = cast("Kind", partitioning.by), calendar.zone(partitioning.timezone)
    if kind != "day" and partitioning.default in ("today", "yesterday"):
        what = f"`default: {partitioning.default}` names a day, and the partitions are {kind}s."
        raise FixThis(what, where="partition.default", todo="write this, or last for the one before it")
    found = calendar.around(kind, now, local)
    here = partitioning.default in ("today", "this")
    return (_noun(kind, found if here else calendar.before(kind, found, local)),)


def names_of(partitioning: Partitioning) -> str:
    """How a partition is written, for people: "2022-08-09"."""
    if partitioning.by == "list":
        return partitioning.names[0] if partitioning.names else "NAME"
    forms: Mapping[str, str] = {"tick": "2022-08-09T134500Z", "interval": "2022-08-09--2022-08-10"}
    return forms.get(partitioning.by) or FORMS[cast("Kind", partitioning.by)][0]


def values(pipeline: str, stream: str, partition: Partition) -> Mapping[str, Value]:
    """What the templates of a stream can say of a partition: all variables but pages and rows.

    Those without a time have no `date`, `start` and `end`; only ticks have `tick`.
    """
    known: dict[str, Value] = {"pipeline": pipeline, "stream": stream, "partition": partition.key}
    if partition.start is None or partition.end is None:
        return known
    timed: dict[str, Value] = {"start": partition.start, "end": partition.end}
    if partition.by == "tick":
        timed["tick"] = partition.start
    if partition.by != "interval":
        timed["date"] = partition.start.date()
    return {**known, **timed}


def windows(partition: Partition, seconds: float) -> list[tuple[datetime, datetime]]:
    """The partition in slices of so many seconds, half-open and without a gap; the last one may be shorter.

    A day of 23 hours has three slices of 6 hours and one of 5.

    Raises:
        ValueError: the partition has no start and end.
    """
    if partition.start is None or partition.end is None:
        raise ValueError(f"{partition.key} has no start and end to divide")
    start, end, step = partition.start.astimezone(UTC), partition.end.astimezone(UTC), timedelta(seconds=seconds)
    bounds = [start + number * step for number in range(-((start - end) // step))]
    shown = [bound.astimezone(partition.start.tzinfo) for bound in (*bounds, end)]
    return list(pairwise(shown))
