"""The calendar of a time zone: where its hours, days, weeks and months begin and end. Pure.

Spans are contiguous, each ends where the next begins: a day has 23 or 25 hours where clocks are changed, and a day that
a zone left out (Samoa had no 2011-12-30) is none.
"""

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from levada.errors import FixThis

__all__ = ["FORMS", "Kind", "Span", "after", "around", "before", "read", "zone"]

Kind: TypeAlias = Literal["hour", "day", "week", "month"]
#: Key, first moment, first moment after it; the moments are in the zone.
Span: TypeAlias = tuple[str, datetime, datetime]

#: How a span of each kind is written. The hours that come twice are `T01A` and `T01B`, so that keys sort by time.
FORMS: dict[Kind, tuple[str, re.Pattern[str]]] = {
    "hour": ("2022-08-09T13", re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T[0-9]{2}[AB]?")),
    "day": ("2022-08-09", re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")),
    "week": ("2022-W32", re.compile(r"([0-9]{4})-W([0-9]{2})")),
    "month": ("2022-08", re.compile(r"([0-9]{4})-([0-9]{2})")),
}
_DAY = timedelta(days=1)


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        FixThis: there is none of this name on this machine.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        todo = "write an IANA name such as Europe/Lisbon; a machine that has none gets them by `pip install tzdata`"
        raise FixThis(f'There is no time zone "{name[:60]}" here.', where="timezone", todo=todo) from None


def read(kind: Kind, key: str, local: tzinfo) -> Span | None:
    """The span that `key` names in the calendar of `local`; None where there is no such one."""
    found = FORMS[kind][1].fullmatch(key)
    if not found:
        return None
    try:
        first = _first(kind, [int(number) for number in found.groups()])
        if kind == "hour":
            return next((span for span in _hours(first, local) if span[0] == key), None)
        span = _span(kind, first, local)
    except (ValueError, OverflowError):
        return None
    return span if span[1] < span[2] else None


def _first(kind: Kind, numbers: list[int]) -> date:
    """The day that these numbers begin on; raises ValueError."""
    if kind == "week":
        return date.fromisocalendar(numbers[0], numbers[1], 1)
    return date(numbers[0], numbers[1], 1) if kind == "month" else date(*numbers)


def around(kind: Kind, moment: datetime, local: tzinfo) -> Span:
    """The span that holds `moment`; raises OverflowError at the edges of the calendar."""
    day, at = moment.astimezone(local).date(), moment.astimezone(UTC)  # of one zone, clock readings are compared
    # Clocks that went back over midnight show the day before again.
    return _on(kind, day, at, local) or _on(kind, day + _DAY, at, local) or _nowhere()


def _on(kind: Kind, day: date, moment: datetime, local: tzinfo) -> Span | None:
    spans = _hours(day, local) if kind == "hour" else [_span(kind, _begin(kind, day), local)]
    return next((span for span in spans if span[1] <= moment < span[2]), None)


def _nowhere() -> Span:
    raise OverflowError


def _begin(kind: Kind, day: date) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "month" else day


def after(kind: Kind, span: Span, local: tzinfo) -> Span:
    """The span that follows; raises OverflowError after the last one of the calendar."""
    if span[2] == datetime.max.replace(tzinfo=local):
        raise OverflowError
    return around(kind, span[2], local)


def before(kind: Kind, span: Span, local: tzinfo) -> Span:
    """The span that `span` follows; raises OverflowError before the first one of the calendar."""
    return around(kind, span[1].astimezone(UTC) - timedelta.resolution, local)


def _span(kind: Kind, first: date, local: tzinfo) -> Span:
    try:
        end = _midnight(_following(kind, first), local)
    except (ValueError, OverflowError):  # the year 10000
        end = datetime.max.replace(tzinfo=local)
    return _key(kind, first), _midnight(first, local), end


def _following(kind: Kind, first: date) -> date:
    if kind == "month":
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + (7 if kind == "week" else 1) * _DAY


def _key(kind: Kind, first: date) -> str:
    if kind == "week":
        year, week, _ = first.isocalendar()
        return f"{year:04}-W{week:02}"
    return first.isoformat()[: len(FORMS[kind][0])]


def _midnight(day: date, local: tzinfo) -> datetime:
    """The first moment of a day; by way of UTC, because clocks may skip midnight itself."""
    return datetime.combine(day, time(), local).astimezone(UTC).astimezone(local)


def _hours(day: date, local: tzinfo) -> list[Span]:
    """The hours of a day: one ends where the clock shows a full hour again, and with the day."""
    _, start, end = _span("day", day, local)
    bounds = [start.astimezone(UTC)]
    while bounds[-1] < end:
        shown = bounds[-1].astimezone(local)
        left = timedelta(hours=1) - timedelta(minutes=shown.minute, seconds=shown.second)
        bounds.append(_no_later(bounds[-1], left, end))
    starts = [moment.astimezone(local) for moment in bounds]
    names = [f"{day.isoformat()}T{moment.hour:02}" for moment in starts[:-1]]
    return [(key, *between) for key, between in zip(_lettered(names), pairwise(starts), strict=True)]


def _no_later(moment: datetime, step: timedelta, end: datetime) -> datetime:
    try:
        return min(moment + step, end.astimezone(UTC))
    except OverflowError:
        return end


def _lettered(names: list[str]) -> list[str]:
    """Names that come twice with A and B."""
    often, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        found.append(f"{name}{'AB'[seen[name]]}" if often[name] > 1 else name)
        seen[name] += 1
    return found
