"""What one run of an incremental stream reads, and how far the stream has come then. Pure.

last cursor ──► begin ──► Reach (an interval, half-open) ──► placed, for each record ──► Progress ──► new cursor

Instants are compared as instants, numbers as numbers, text as text. Does not decide what happens to a run with gaps.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote

from levada.errors import FixThis
from levada.nouns import Cursor, Partition
from levada.spec.instant import Instant, Unreadable, instant, shifted
from levada.spec.model import Incremental
from levada.spec.template import Value, Written

__all__ = [
    "MOST_SEEN",
    "Interval",
    "Mark",
    "Progress",
    "Reach",
    "ahead_of",
    "begin",
    "between",
    "enough",
    "interval_of",
    "named",
    "order",
    "partition_of",
    "placed",
    "values_of",
]

#: A cursor's value as it is written: an instant, a number or a text.
Mark: TypeAlias = str | int | float
#: Where a record lies: before the interval, at the last cursor's value, elsewhere in the interval, at or after its end.
Where: TypeAlias = Literal["before", "last", "inside", "after"]
#: Hashes of records at its highest value that a cursor holds at most: 650 kB of a commit record.
MOST_SEEN = 10_000

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_COMPACT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]+)?")
#: Digits of a whole number in a key, so that keys sort as numbers do.
_DIGITS = 20
_FIRST: Mapping[str, Mark] = {"timestamp": "1970-01-01T00:00:00Z", "number": 0, "text": ""}


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start`, which is in it, up to `end`, which is not; as written. None: without end."""

    start: Mark
    end: Mark | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a run of an incremental stream reads, and what it goes on from."""

    incremental: Incremental
    interval: Interval
    #: How far the stream had come before.
    last: Cursor | None = None
    #: Whether the stream's cursor moves with the run: not where a person chose the interval.
    moves: bool = True


def order(kind: str, value: object) -> Any:
    """What values of this type are compared by.

    Raises:
        Unreadable: it is no value of the type.
    """
    if kind == "timestamp":
        return instant(value).order
    if kind == "text":
        if isinstance(value, str):
            return value
        raise Unreadable(f"{value!r:.60} is no text")
    return _number(value)


def _number(value: object) -> Decimal:
    """Exact: as floats, neighbouring numbers of 17 digits are one."""
    good = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if good or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            found = Decimal("nan")
        if found.is_finite():
            return found
    raise Unreadable(f"{value!r:.60} is no number")


def ahead_of(kind: str, one: Mark, other: Mark | None) -> bool:
    """Whether `one` comes after `other`, or there is no other."""
    return other is None or bool(order(kind, one) > order(kind, other))


def begin(incremental: Incremental, last: Cursor | None, now: datetime) -> Interval:
    """What the next run reads: from where the last one stopped, less the lookback; up to now where values are instants.

    Never from before the configured start, never beyond the configured end.

    Raises:
        FixThis: what the spec or the last commit says is no value of the cursor's type.
    """
    kind = incremental.type
    try:
        first = _FIRST[kind] if incremental.start == "" else incremental.start
        order(kind, first)
        start = first
        if last is not None:
            back = _back(kind, last.value, incremental.lookback)
            start = back if ahead_of(kind, back, first) else first
        return Interval(start, _end(incremental, now))
    except Unreadable as error:
        what = f"The cursor {incremental.cursor} cannot go on: {error}."
        todo = f"give start, end and type of `incremental` as the API writes the values; the type here is {kind}"
        raise FixThis(what, where=str(incremental.place), todo=todo) from None


def _back(kind: str, value: Mark, lookback: float) -> Mark:
    """`value` less the lookback, in the form that it has."""
    if not lookback or kind == "text":
        return value
    if kind == "timestamp":
        return shifted(str(value), lookback)
    less = _number(value) - _number(lookback)
    if isinstance(value, str):
        return format(less, "f")
    return float(less) if isinstance(value, float) or less != less.to_integral_value() else int(less)


def _end(incremental: Incremental, now: datetime) -> Mark | None:
    if incremental.type != "timestamp":
        end = incremental.end
        return end if end is None else (order(incremental.type, end), end)[1]
    present = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if incremental.end is None or ahead_of("timestamp", incremental.end, present):
        return present
    return incremental.end


def between(incremental: Incremental, start: str, end: str) -> Interval:
    """The interval that a person names.

    Raises:
        FixThis: one of the two is no value of the cursor's type, or there is nothing between them.
    """
    kind = incremental.type
    found = Interval(_read(kind, start, "from"), _read(kind, end, "to"))
    assert found.end is not None  # noqa: S101 - just read
    if ahead_of(kind, found.end, found.start):
        return found
    what = f"from {start} to {end} holds nothing: the end is not included, and comes after the start."
    raise FixThis(what, where="from, to", todo="give the earlier one first")


def _read(kind: str, text: str, option: str) -> Mark:
    spread = _COMPACT.fullmatch(text)
    if kind == "timestamp" and spread:
        return f"{spread[1]}T{spread[2]}:{spread[3]}:{spread[4]}{spread[5] or ''}Z"
    try:
        order(kind, text)
    except Unreadable as error:
        shape = {"timestamp": "2022-08-09 or 2022-08-09T13:45:00Z", "number": "100"}.get(kind, "text")
        raise FixThis(f"{error}.", where=option, todo=f"write it as {shape}") from None
    if kind == "number" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    return text


def interval_of(incremental: Incremental, key: str) -> Interval:
    """The interval that a partition's key, or what a person wrote like one, names.

    Raises:
        FixThis: it names none.
    """
    start, dashes, end = key.partition("--")
    if not dashes or not start:
        todo = "name one as `levada status` does: 2022-08-09T060000--2022-08-10T060000"
        raise FixThis(f'"{key[:60]}" is no interval.', where="date", todo=todo)
    if incremental.type == "text":
        start, end = unquote(start), unquote(end)
    if end:
        return between(incremental, start, end)
    return Interval(_read(incremental.type, start, "date"))


def named(incremental: Incremental, interval: Interval) -> str:
    """A name that `interval_of` reads again with the values as they are written; the key tells only what they are."""
    if incremental.type == "text":
        return partition_of(incremental, interval).key
    return f"{interval.start}--{'' if interval.end is None else interval.end}"


def partition_of(incremental: Incremental, interval: Interval) -> Partition:
    """The partition of a run that reads `interval`; its key sorts by start, then end."""
    kind, end = incremental.type, interval.end
    key = f"{_part(kind, interval.start)}--{'' if end is None else _part(kind, end)}"
    if kind != "timestamp":
        return Partition("interval", key)
    bounds = (instant(interval.start).moment, None if end is None else instant(end).moment)
    return Partition("interval", key, *bounds)


def _part(kind: str, value: Mark) -> str:
    if kind == "timestamp":
        return _compact(instant(value))
    if kind == "text":
        return quote(str(value), safe="").replace("-", "%2D").replace(".", "%2E")
    number = _number(value)
    whole, dot, rest = format(number.copy_abs(), "f").partition(".")
    rest = rest.rstrip("0")
    return f"{'-' if number < 0 else ''}{whole.zfill(_DIGITS)}{dot if rest else ''}{rest}"


def _compact(found: Instant) -> str:
    """Without Z, for a fraction sorts after the end of a key that has none; without colons, as names of files have."""
    moment = found.moment.astimezone(UTC)
    fraction = f".{found.order[1]}" if found.order[1] else ""
    return f"{moment.year:04}-{moment:%m-%dT%H%M%S}{fraction}"


def values_of(incremental: Incremental, interval: Interval) -> Mapping[str, Value]:
    """What fills `{start}` and `{end}`: as it was written; of instants also formats."""
    given = {"start": interval.start, "end": interval.end}
    return {
        name: Written(str(mark), instant(mark).moment) if incremental.type == "timestamp" else mark
        for name, mark in given.items()
        if mark is not None
    }


def placed(reach: Reach, value: Mark) -> Where:
    """Where a record with this value of the cursor lies.

    Raises:
        Unreadable: it is no value of the cursor's type.
    """
    kind, interval = reach.incremental.type, reach.interval
    at = order(kind, value)
    if at < order(kind, interval.start):
        return "before"
    if interval.end is not None and at >= order(kind, interval.end):
        return "after"
    return "last" if reach.last and at == order(kind, reach.last.value) else "inside"


def enough(reach: Reach, values: Iterable[object]) -> bool:
    """Whether nothing of the interval can follow records with these values: the API gives them in order.

    Values that are missing or no value of the type say nothing.
    """
    past = {"desc": "before", "asc": "after"}.get(reach.incremental.order or "")
    return past is not None and any(_placed_if_readable(reach, value) == past for value in values)


def _placed_if_readable(reach: Reach, value: Any) -> Where | None:
    try:
        return placed(reach, value)
    except Unreadable:
        return None


class Progress:
    """How far a stream has come: the highest value among the records that were taken, and which records have it."""

    def __init__(self, reach: Reach) -> None:
        self._kind, last = reach.incremental.type, reach.last
        self._value = last.value if last else None
        self._order = order(self._kind, last.value) if last else None
        self._seen = {*last.seen} if last else set[str]()

    def take(self, value: Mark, digest: Callable[[], str]) -> None:
        """A record was taken; `digest` gives its SHA-256 in hex, and is asked only where it matters."""
        at = order(self._kind, value)
        if self._order is None or at > self._order:
            self._value, self._order, self._seen = value, at, {digest()}
        elif at == self._order:
            self._seen.add(digest())

    @property
    def cursor(self) -> Cursor | None:
        """The cursor now; None if nothing was ever taken."""
        return None if self._value is None else Cursor(self._value, tuple(sorted(self._seen)[:MOST_SEEN]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""
        if len(self._seen) <= MOST_SEEN:
            return ()
        same = f"{len(self._seen)} records have the cursor's highest value {self._value}"
        return (f"{same}; the next run knows {MOST_SEEN} of them again, and takes the others twice",)
