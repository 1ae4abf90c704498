"""Forms that may not stand together in one `parse`: both read some text, as different values.

It is tried, not derived: texts written in the one form are read in the other, days and clocks of small numbers that
could be each other's years, months, days, hours. A new form needs no table of its pairs.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import lru_cache
from itertools import chain, product
from typing import Any

import msgspec

from levada.contract.forms import WORDS, form
from levada.contract.model import Field
from levada.contract.values import Reader

__all__ = ["clash"]

#: What words of numbers read; those of days and moments are found by the other form's texts, or the same in both.
_SAMPLES = ("1,234", "1.234", "1")
#: In 2022 the 9th of May and the 5th of September are the same day of the week. 1011 may be two numbers of two digits.
_YEARS = (2022, 1011)
_MONTHS = (1, 5, 9, 11, 12)
_CLOCKS = (time(1, 2, 3, 400_000), time(22, 11, 12, 100_000))
_MOMENTS = [
    datetime.combine(date(year, month, day), clock)
    for year, month, day, clock in product(_YEARS, _MONTHS, _MONTHS, _CLOCKS)
]


@lru_cache(256)
def clash(one: str, other: str, field: Field) -> str | None:
    """A text that two forms of a field's `parse` read as different values, None where there is none.

    Args:
        one: A form, see `forms.form`.
        other: Another.
        field: Its type and time zone; the size of its numbers plays no part.
    """
    wide = _wide(field)
    readers = form(one, wide), form(other, wide)
    for text in chain(_written(one), _written(other)):
        first, second = (_read(reader, msgspec.json.encode(text)) for reader in readers)
        if first is not None and second is not None and first != second:
            return text
    return None


def _wide(field: Field) -> Field:
    if field.type in ("int32", "int64", "float64", "decimal"):
        return replace(field, type="decimal", precision=38, scale=19)
    return field


def _read(reader: Reader, raw: bytes) -> Any:
    try:
        return reader(raw)
    except ValueError:
        return None


def _written(word: str) -> Iterator[str]:
    """Texts in a form: with as many digits as there may be, and with as few."""
    if word in WORDS:
        yield from _SAMPLES
        return
    parts = re.split("%(.)", word)  # what stands between, and every second time a directive
    for moment, padded in product(_MOMENTS, (True, False)):
        yield "".join(_part(part, moment, padded=padded) if place % 2 else part for place, part in enumerate(parts))


def _part(directive: str, moment: datetime, *, padded: bool) -> str:
    match directive:
        case "Y" | "m" | "d" | "H" | "I":
            numbers = {"m": moment.month, "d": moment.day, "H": moment.hour, "I": moment.hour % 12 or 12}
            number = numbers.get(directive, moment.year)
            return f"{number:02}" if padded else str(number)
        case "f":
            return f"{moment:%f}" if padded else f"{moment:%f}"[:2]
        case "z":
            return "+0300" if padded else "Z"
    return moment.strftime(f"%{directive}")
