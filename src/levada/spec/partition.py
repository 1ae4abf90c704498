"""Partitions as a person names them: strict days, exact half-open spans. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from levada.errors import FixThis
from levada.nouns import Partition
from levada.spec.template import Value

__all__ = ["day_in", "of_day", "parse_day", "span", "values"]

_STRICT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WITHIN = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_LOOSE = re.compile(r"\s*([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})\s*")


def of_day(day: date) -> Partition:
    """The partition of a day of UTC."""
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1) if day < date.max else start
    return Partition("day", day.isoformat(), start, end)


def parse_day(text: str) -> Partition:
    """The day that `text` names, YYYY-MM-DD and nothing else.

    Raises:
        FixThis: it names none; says what to write where that is clear.
    """
    if _STRICT.fullmatch(text):
        day = _day(*text.split("-"))
        if day:
            return of_day(day)
        todo = "give a day that there is, written as 2022-08-09 (year, month, day)"
        raise FixThis(f'"{_cut(text)}" is no day of the calendar.', where="date", todo=todo)
    loose = _LOOSE.fullmatch(text)
    meant = _day(*loose.groups()) if loose else None
    todo = f"write {meant.isoformat()}" if meant else "write it as 2022-08-09 (year, month, day)"
    raise FixThis(f'"{_cut(text)}" is no date.', where="date", todo=todo)


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


def span(start: date, end: date) -> tuple[Partition, ...]:
    """Every day from `start` up to, and not including, `end`.

    Raises:
        FixThis: there is no such day.
    """
    if start < end:
        return tuple(of_day(start + timedelta(days=n)) for n in range((end - start).days))
    if start == end:
        what = f"from {start} to {end} holds no day: the end is not included."
        raise FixThis(what, where="from, to", todo=f"for the one day write {start} to {_next(start)}")
    raise FixThis(f"from {start} to {end} runs backwards.", where="from, to", todo=f"write {end} to {start}")


def _next(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def values(pipeline: str, stream: str, partition: Partition) -> Mapping[str, Value]:
    """What the templates of a stream can say of a partition: all variables but `page`."""
    known: dict[str, Value] = {"pipeline": pipeline, "stream": stream, "partition": partition.key}
    return known if partition.day is None else {**known, "date": partition.day}
