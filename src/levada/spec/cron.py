"""Lines of cron, read strictly: minute, hour, day of the month, month, day of the week. Pure.

What crons disagree on is refused: both days at once, seconds, `@daily`, ranges that run backwards.
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

__all__ = ["Cron", "Unreadable", "closest", "cron", "shared"]

_PART = re.compile(r"(?P<low>[a-z]+|[0-9]+|\*)(-(?P<high>[a-z]+|[0-9]+))?(/(?P<step>[0-9]+))?")
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
#: As cron counts: Sunday is 0 and 7.
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_SUNDAY = 7
#: The longest that each month may be.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = 24 * 60
#: After so many days each date is on the same day of the week again.
_CYCLE = (date(2000, 1, 1), 28 * 365 + 7)
_EPOCH = date(1970, 1, 1).toordinal()
_OTHERS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Unreadable(ValueError):
    """A text that is no line of cron; `args` are what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class _Field:
    noun: str
    low: int
    high: int
    names: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes that a line of cron means, each field as the sorted numbers that it allows."""

    #: As it was written, blanks apart.
    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    #: 0 is Monday.
    weekdays: tuple[int, ...]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, _SUNDAY, _WEEKDAYS),
)


def cron(text: str) -> Cron:
    """What a line of cron means.

    Raises:
        Unreadable: it is none, or none that all crons read alike.
    """
    words = text.lower().split()
    if len(words) != len(_FIELDS):
        raise _no_line(text, words)
    if words[2] != "*" and words[4] != "*":
        what = "the day of the month and the day of the week are both told, which some crons take as or, some as and"
        raise Unreadable(what, "write * for one of the two; make two specs where both are meant")
    minutes, hours, days, months, counted = (_numbers(word, field) for word, field in zip(words, _FIELDS, strict=True))
    if days[0] > max(_LENGTHS[month - 1] for month in months):
        raise Unreadable(f"no such month has a day {days[0]}", "write a day that comes")
    weekdays = tuple(sorted({(day - 1) % _SUNDAY for day in counted}))
    return Cron(" ".join(text.split()), minutes, hours, days, months, weekdays)


def closest(line: Cron) -> int:
    """The fewest minutes between two runs of a line of cron."""
    moments = [hour * 60 + minute for hour in line.hours for minute in line.minutes]
    within = min((after - before for before, after in pairwise(moments)), default=_DAY)
    if within == 1:
        return within
    across = _days_apart(line) * _DAY + moments[0] - moments[-1]
    return min(within, across) if len(moments) > 1 else across


def shared(line: Cron, tick: timedelta) -> int | None:
    """The minutes between two runs that fall into one tick, counted from 1970-01-01T00:00Z; None where none do."""
    if timedelta(minutes=closest(line)) >= tick:
        return None
    moments = [timedelta(hours=hour, minutes=minute) for hour in line.hours for minute in line.minutes]
    last, seen = -tick, set[timedelta]()  # the last run before a date, and where in a tick dates began
    for number in _dates(line):
        day = timedelta(days=number - _EPOCH)
        # Runs within a day, but for the first, follow from where in a tick it begins.
        runs = [day + moment for moment in (moments[:1] if day % tick in seen else moments)]
        for before, after in pairwise((last, *runs)):
            if before // tick == after // tick:
                return (after - before) // timedelta(minutes=1)
        last = day + moments[-1]
        seen.add(day % tick)
    return None


def _days_apart(line: Cron) -> int:
    """The fewest days between two dates that a line of cron means."""
    return min(after - before for before, after in pairwise(_dates(line)))


def _dates(line: Cron) -> Iterator[int]:
    """The dates of a cycle that a line of cron means, as ordinals."""
    first, many = _CYCLE
    for one in (first + timedelta(days=day) for day in range(many)):
        if one.month in line.months and one.day in line.days and one.weekday() in line.weekdays:
            yield one.toordinal()


def _no_line(text: str, words: list[str]) -> Unreadable:
    if words and words[0] in _OTHERS:
        return Unreadable(f'"{words[0]}" has no meaning here', f'write "{_OTHERS[words[0]]}"')
    seconds = ": there are no seconds and no years" if len(words) > len(_FIELDS) else ""
    what = f'"{text[:40]}" has {len(words)} fields instead of 5{seconds}'
    return Unreadable(what, 'write minute, hour, day, month and weekday, as in "0 3 * * *" for 03:00 each day')


def _numbers(word: str, field: _Field) -> tuple[int, ...]:
    """The numbers that one field allows."""
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None or (match["low"] == "*" and match["high"]):
            raise _no_field(part, field)
        found.update(_range(part, match, field))
    return tuple(sorted(found))


def _range(part: str, match: re.Match[str], field: _Field) -> range:
    step = int(match["step"] or 1)
    if match["low"] == "*":
        low, high = field.low, field.high - (field.high == _SUNDAY)  # of a week, not Sunday twice
    elif match["step"] and not match["high"]:
        raise Unreadable(f'"{part}" is a step without a range', f'write "{match["low"]}-{field.high}/{step}"')
    else:
        low = _number(match["low"], part, field)
        high = _number(match["high"], part, field) if match["high"] else low
        high = _SUNDAY if high == 0 < low and field.high == _SUNDAY else high
    if step == 0 or low > high:
        why = "a step of 0" if step == 0 else "a range that runs backwards"
        raise Unreadable(f'"{part}" is {why}', "write two ranges, or the numbers one by one")
    return range(low, high + 1, step)


def _number(text: str, part: str, field: _Field) -> int:
    number = field.names.get(text, -1) if text.isalpha() else int(text)
    if field.low <= number <= field.high:
        return number
    raise _no_field(part, field)


def _no_field(part: str, field: _Field) -> Unreadable:
    named = f", or {', '.join(field.names)}" if field.names else ""
    what = f'"{part[:20]}" is no {field.noun}'
    return Unreadable(what, f"write {field.low} to {field.high}{named}; * for all, 1-5 and 1,3 and */2 for several")
