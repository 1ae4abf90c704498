"""Other forms of values that a field may `parse`: numbers with a currency, 0 and 1, counted seconds, forms of dates.

Where a field names forms, its texts are read by them alone. A form says exactly which texts it takes; two that read one
text as different values are not named together (`clashes.py` finds them).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import partial
from typing import Any

import msgspec

from levada.contract.currency import CODES
from levada.contract.model import Field, FieldType
from levada.contract.values import (
    Reader,
    Unfit,
    bounds,
    fitted,
    in_utc,
    integral,
    moment,
    number,
    plain_reader,
    zone_of,
)

__all__ = ["WORDS", "form", "pattern_of"]

_NUMBERS: tuple[FieldType, ...] = ("int32", "int64", "float64", "decimal")
#: Each word with the types that it is for.
WORDS: Mapping[str, tuple[FieldType, ...]] = {
    "number": _NUMBERS,
    "comma_number": _NUMBERS,
    "zero_one": ("boolean",),
    "true_false": ("boolean",),
    "epoch": ("timestamp",),
    "epoch_ms": ("timestamp",),
    "epoch_us": ("timestamp",),
    "microseconds": ("timestamp",),
    "year_first": ("date",),
    "iso": ("date", "timestamp", "time"),
}
#: Microseconds of one.
_EPOCHS = {"epoch": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
#: Raises what it would have to round.
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation, Overflow])

_SYMBOL = "[$\u00a2-\u00a5\u058f\u060b\u09f3\u0e3f\u20a0-\u20cf\ufdfc\ufe69\uff04\uffe0\uffe1\uffe5\uffe6]"
#: Up to two letters before a symbol tell whose it is: R$, US$.
_CURRENCY = f"(?:(?P<code>[A-Z]{{3}}){_SYMBOL}?|[A-Z]{{0,2}}{_SYMBOL})"
_BEFORE = re.compile(rf"(?P<sign>[-+]?) ?{_CURRENCY}[ \u00a0]?(?P<rest>[-+]?[0-9].*)", re.DOTALL)
_AFTER = re.compile(rf"(?P<rest>.*[0-9])[ \u00a0]?{_CURRENCY}", re.DOTALL)
#: Thousands by one separator, the same in all the number, after a first group that does not begin with 0.
_POINT = re.compile(
    r"([-+]?)([0-9]+|[1-9][0-9]{0,2}(?:([, '\u2019\u00a0\u202f])[0-9]{3}(?:\3[0-9]{3})*))(?:\.([0-9]+))?"
)
_COMMA = re.compile(
    r"([-+]?)([0-9]+|[1-9][0-9]{0,2}(?:([. '\u2019\u00a0\u202f])[0-9]{3}(?:\3[0-9]{3})*))(?:,([0-9]+))?"
)

# fmt: off
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")
# fmt: on
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2}|[A-Za-z]{3,9})\2([0-9]{1,2})")
_FINER = re.compile(r"(.*[0-9]\.[0-9]{6})[0-9]+(.*)")
_DIRECTIVES: Mapping[str, str] = {
    "Y": "(?P<Y>[0-9]{4})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[0-9]{1,2})",
    "b": "(?P<b>[A-Za-z]{3,9})",
    "B": "(?P<b>[A-Za-z]{3,9})",
    "a": "(?P<a>[A-Za-z]{3,9})",
    "A": "(?P<a>[A-Za-z]{3,9})",
    "H": "(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})",
    "p": "(?P<p>[AaPp][Mm])",
    "M": "(?P<M>[0-9]{2})",
    "S": "(?P<S>[0-9]{2})",
    "f": "(?P<f>[0-9]{1,6})",
    "z": "(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%": "%",
}
_OF_DIGITS = frozenset("YmdHIMSf")
#: What a form must say and may say, by type.
_NEEDS: Mapping[str, tuple[str, str]] = {"date": ("Ymd", "a"), "time": ("H", "MSfp"), "timestamp": ("Ymd", "aHMSfzp")}

_text = msgspec.json.Decoder(str).decode


def form(word: str, field: Field) -> Reader:
    """The reader of one form for a field's type.

    Args:
        word: One of `WORDS`, or a form of dates and times such as `%d/%m/%Y`.
        field: Its type, precision, time zone.

    Raises:
        ValueError: there is no such form for the type; the text says why.
    """
    if word not in WORDS:
        pattern = pattern_of(word, field.type)
        if field.type == "timestamp" and not field.timezone and "z" not in pattern.groupindex:
            raise ValueError(f"{word} lacks %z, and the field has no timezone")
        return partial(_by_text, partial(_formed, pattern, field))
    if field.type not in WORDS[word]:
        raise ValueError(f"{word} is for {', '.join(WORDS[word])}")
    if word == "iso":
        return plain_reader(field, strict=True)
    if word == "zero_one":
        return partial(_one_of, {b"0": False, b"1": True, b'"0"': False, b'"1"': True})
    if word in _EPOCHS:
        return partial(_epoch, _EPOCHS[word])
    return partial(_by_text, _of_text(word, field))


def _of_text(word: str, field: Field) -> Callable[[str], Any]:
    match word:
        case "true_false":
            return _true_false
        case "microseconds":
            return partial(_cut, field)
        case "year_first":
            return _year_first
    return partial(_amount, _POINT if word == "number" else _COMMA, _numeric(field))


def _by_text(read: Callable[[str], Any], raw: msgspec.Raw | bytes) -> Any:
    return read(_text(raw))


def _one_of(values: Mapping[bytes, bool], raw: msgspec.Raw | bytes) -> bool:
    try:
        return values[bytes(raw)]
    except KeyError:
        raise ValueError from None


def _true_false(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _numeric(field: Field) -> Callable[[Decimal], Any]:
    match field.type:
        case "decimal":
            return lambda value: fitted(value, field.precision, field.scale)
        case "float64":
            return _float
    limits = bounds(field.type)
    return lambda value: integral(value, limits)


def _float(value: Decimal) -> float:
    made = float(value)
    if made in (float("inf"), float("-inf")):
        raise ValueError
    return made


def _amount(written: re.Pattern[str], make: Callable[[Decimal], Any], text: str) -> Any:
    """`712$`, `USD 712`, `-$1,234.50`, `12.5`: a number with at most one currency, before or after it."""
    bare = _without_currency(text.strip())
    found = written.fullmatch(bare)
    if not found:
        if written is _COMMA and "." in bare:  # 1.50 beside 1.500, which is 1500
            raise ValueError
        return make(number(bare))  # 1e3, as JSON writes it
    sign, whole, _, places = found.groups()
    digits = "".join(filter(str.isdigit, whole))
    return make(Decimal(f"{sign}{digits}.{places or 0}"))


def _without_currency(text: str) -> str:
    found = _BEFORE.fullmatch(text) or _AFTER.fullmatch(text)
    if not found:
        return text
    if found["code"] and found["code"] not in CODES:
        raise Unfit(f"{found['code']} is no currency of ISO 4217")
    return found.groupdict().get("sign", "") + found["rest"]


def _epoch(unit: int, raw: msgspec.Raw | bytes) -> datetime:
    data = bytes(raw)
    value = number(_text(data) if data[:1] == b'"' else data.decode())
    try:
        # A float in between would lose microseconds; so would a timedelta of it.
        micros = integral(_EXACT.multiply(value, unit), (-(2**63), 2**63 - 1))
    except ArithmeticError:
        raise ValueError from None
    try:
        return _BEGIN + timedelta(microseconds=micros)
    except OverflowError:
        raise ValueError from None


def _cut(field: Field, text: str) -> datetime:
    found = _FINER.fullmatch(text)
    return moment(found[1] + found[2] if found else text, zone=zone_of(field))


def _year_first(text: str) -> date:
    found = _YEAR_FIRST.fullmatch(text)
    if not found:
        raise ValueError
    month = int(found[3]) if found[3].isdigit() else _named(found[3], _MONTHS)
    return date(int(found[1]), month, int(found[4]))


def _named(text: str, names: tuple[str, ...]) -> int:
    """The number, from 1, of a name in full or of its first three letters."""
    low = text.lower()
    for place, name in enumerate(names, 1):
        if low in (name, name[:3]):
            return place
    raise ValueError


def pattern_of(text: str, kind: FieldType) -> re.Pattern[str]:
    """The pattern of a form such as `%Y-%b-%d`.

    Raises:
        ValueError: it is none for the type; the text says why.
    """
    if "%" not in text:
        raise ValueError(f"there is no form {text}: write one of {', '.join(WORDS)}, or a form such as %d/%m/%Y")
    if kind not in _NEEDS:
        raise ValueError(f"{text} is a form of dates, times and timestamps")
    parts, said = [], []
    tokens = list(re.finditer(r"%(.?)|([^%]+)", text, re.DOTALL))
    for place, found in enumerate(tokens):
        if found[2]:
            parts.append(re.escape(found[2]))
        elif found[1] in _DIRECTIVES:
            beside = {token[1] for token in (*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2])}
            # 2022111 is no day of %Y%m%d: nothing says which of the two has one digit.
            exact = beside & _OF_DIGITS and found[1] in _OF_DIGITS
            parts.append(_DIRECTIVES[found[1]].replace("{1,2}", "{2}") if exact else _DIRECTIVES[found[1]])
            said.append({"b": "m", "B": "m", "A": "a", "I": "H", "%": ""}.get(found[1], found[1]))
        else:
            raise ValueError(f"%{found[1]} is no part of a form: write {', '.join(f'%{one}' for one in _DIRECTIVES)}")
    _see_parts(text, kind, [one for one in said if one])
    return re.compile("".join(parts))


def _see_parts(text: str, kind: str, said: list[str]) -> None:
    needs, may = _NEEDS[kind]
    if twice := next((one for one in said if said.count(one) > 1), None):
        raise ValueError(f"{text} says %{twice} twice")
    if lacks := [one for one in needs if one not in said]:
        raise ValueError(f"{text} lacks %{lacks[0]}: it is no whole {kind}")
    if odd := [one for one in said if one not in needs + may]:
        raise ValueError(f"{text}: a {kind} has no %{odd[0]}")
    if ("I" in text) != ("%p" in text):
        raise ValueError(f"{text}: %I and %p go together")


def _formed(pattern: re.Pattern[str], field: Field, text: str) -> Any:
    found = pattern.fullmatch(text)
    if not found:
        raise ValueError
    said = found.groupdict()
    clock = _clock(said)
    if field.type == "time":
        return clock
    day = _day(said)
    return day if field.type == "date" else in_utc(datetime.combine(day, clock, _offset(said.get("z"))), zone_of(field))


def _day(said: Mapping[str, str]) -> date:
    month = _named(said["b"], _MONTHS) if "b" in said else int(said["m"])
    day = date(int(said["Y"]), month, int(said["d"]))
    if "a" in said and _named(said["a"], _DAYS) != day.isoweekday():
        raise ValueError
    return day


def _clock(said: Mapping[str, str]) -> time:
    hour = int(said.get("H", 0))
    if "I" in said:
        if not 1 <= int(said["I"]) <= 12:  # noqa: PLR2004 - hours of half a day
            raise ValueError
        hour = int(said["I"]) % 12 + 12 * (said["p"].lower() == "pm")
    return time(hour, int(said.get("M", 0)), int(said.get("S", 0)), int(said.get("f", "0").ljust(6, "0")))


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
