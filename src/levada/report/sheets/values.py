"""Values of a report as cells of a sheet, and cells that were read, compared with them. Pure.

A sheet knows doubles, truths and texts; dates are days since 1899-12-30 that a number format shows as dates
(https://developers.google.com/workspace/sheets/api/guides/formats). So a date here is a number with a format: it sorts
and charts, and reads back as the same number whatever the format or the locale.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from levada.errors import FixThis

__all__ = ["EMPTY", "Entry", "entry", "identity", "recogniser", "same"]

#: Characters of a cell, in UTF-16: https://support.google.com/drive/answer/37603
LONGEST = 50_000
#: Above it not every whole number is a double.
_WHOLE = 2**53
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's clock has no zone
_OLDEST = 1900
_DAY = timedelta(days=1)
#: A sheet holds no control characters but these; half a surrogate pair is no text at all.
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
#: Digits that a double keeps whatever way it was written down.
_DIGITS = ".15g"
_EXACT = 15
_ISO = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes into a cell."""

    #: None: nothing.
    value: bool | int | float | str | None = None
    #: Type and pattern of the number format of a date or a time.
    form: tuple[str, str] | None = None

    @property
    def kind(self) -> str:
        """empty, truth, text, number or moment."""
        if self.form:
            return "moment"
        kinds = {type(None): "empty", bool: "truth", str: "text"}
        return kinds.get(type(self.value), "number")


EMPTY = Entry()


def entry(value: Any, where: str) -> Entry:
    """The cell for a value of a report.

    Whole numbers above 2**53, decimals of over 15 digits and moments before 1900 become texts; timestamps are told in
    UTC, to the millisecond; lists and objects are JSON; an empty text is an empty cell.

    Args:
        value: As a database gives it.
        where: Row and column, for the message.

    Raises:
        FixThis: no cell can hold it.
    """
    make = next((make for kind, make in _MAKERS.items() if isinstance(value, kind)), None)
    if make is None:
        what = f"A value is of type {type(value).__name__}, which no cell of a sheet can hold."
        raise FixThis(what, where=where, todo="cast it to text or a number in the report's SQL")
    made = make(value)
    if isinstance(made.value, str) and len(made.value.encode("utf-16-le")) // 2 > LONGEST:
        what = f"A text has {len(made.value)} characters; a cell of a sheet holds {LONGEST} at most."
        raise FixThis(what, where=where, todo="shorten it in the report's SQL, with left(...)")
    return made


def _text(value: str) -> Entry:
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return Entry(_ODD.sub("\ufffd", lines) or None)


def _integer(value: int) -> Entry:
    return Entry(value if abs(value) <= _WHOLE else str(value))


def _float(value: float) -> Entry:
    if math.isfinite(value):
        return Entry(value + 0.0)  # -0.0 becomes 0.0
    return Entry("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")


def _decimal(value: Decimal) -> Entry:
    if not value.is_finite():
        return Entry("NaN" if value.is_nan() else "Infinity" if value > 0 else "-Infinity")
    number = float(value)
    is_short = len(value.normalize().as_tuple().digits) <= _EXACT
    is_double = is_short and math.isfinite(number) and Decimal(repr(number)) == value
    return _float(number) if is_double else Entry(format(value, "f"))


def _datetime(value: datetime) -> Entry:
    wall = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if wall.year < _OLDEST:
        return Entry(wall.isoformat(sep=" "))
    whole = round((wall - _EPOCH) / timedelta(milliseconds=1))
    pattern = "yyyy-mm-dd hh:mm:ss.000" if whole % 1000 else "yyyy-mm-dd hh:mm:ss"
    return Entry(whole / 86_400_000, ("DATE_TIME", pattern))


def _date(value: date) -> Entry:
    if value.year < _OLDEST:
        return Entry(value.isoformat())
    return Entry(value.toordinal() - _EPOCH.toordinal(), ("DATE", "yyyy-mm-dd"))


def _time(value: time) -> Entry:
    since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    whole = round(since / timedelta(milliseconds=1))
    return Entry(whole / 86_400_000, ("TIME", "hh:mm:ss.000" if whole % 1000 else "hh:mm:ss"))


def _json(value: Any) -> Entry:
    return _text(json.dumps(value, ensure_ascii=False, default=str))


def _plain(value: Any) -> Entry:
    return Entry(str(value))


#: The first that fits: a bool is an int, and a datetime is a date.
_MAKERS: Mapping[type | tuple[type, ...], Callable[[Any], Entry]] = {
    type(None): lambda _: EMPTY,
    bool: Entry,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    time: _time,
    str: _text,
    (UUID, timedelta): _plain,
    (list, tuple, dict): _json,
}


def same(cell: Any, wanted: Entry) -> bool:
    """Whether a cell that was read (unformatted, moments as numbers) holds what was wanted."""
    return _told(cell) == _told(wanted.value)


def identity(value: Any) -> tuple[str, str]:
    """What the value of a cell, or of an Entry, is as part of a key."""
    return _told(value)


def recogniser(own: Sequence[Entry]) -> Callable[[Any], tuple[str, str]]:
    """What tells the identity of cells of a column: that of a value of the report, where people take both for the same.

    What people, other programs or an earlier report wrote as another kind is recognised: "2024-10-08" as a date and
    the date as that text, "5" as a number and 5 as that text.

    Args:
        own: What the report has in the column.
    """
    told = {_told(one.value) for one in own}
    by_kind = {kind: {_told(one.value) for one in own if one.kind == kind} for kind in ("moment", "number")}
    dated = {_told(moment): _told(one.value) for one in own if (moment := _spelled(one)) is not None}

    def recognised(cell: Any) -> tuple[str, str]:
        plain = _told(cell)
        if plain in told:
            return plain
        if plain[0] == "number":
            text = ("text", plain[1])
            return text if text in told else dated.get(plain, plain)
        readings = (("moment", _moment), ("number", _number)) if plain[0] == "text" else ()
        for kind, read in readings:
            if (value := read(plain[1])) is not None and _told(value) in by_kind[kind]:
                return _told(value)
        return plain

    return recognised


def _spelled(one: Entry) -> float | None:
    """The moment that a text of the report spells, as 2024-10-08 does."""
    return _moment(one.value) if isinstance(one.value, str) and _ISO.match(one.value) else None


def _told(value: Any) -> tuple[str, str]:
    if value is None or value == "":
        return "empty", ""
    if isinstance(value, bool):
        return "truth", str(value)
    if isinstance(value, int | float):
        is_whole = float(value).is_integer() and abs(value) <= _WHOLE
        return "number", str(int(value)) if is_whole else format(float(value), _DIGITS)
    return "text", str(value)


def _moment(text: str) -> float | None:
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    found = _datetime(read).value
    return found if isinstance(found, float) else None


def _number(text: str) -> float | None:
    try:
        found = float(text.strip())
    except ValueError:
        return None
    return found if math.isfinite(found) else None
