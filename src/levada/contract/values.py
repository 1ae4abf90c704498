"""Types of values: how each is read from JSON, strictly, and how values are shown to a person."""

import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import cache, partial
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from levada.contract.model import Field, FieldType

__all__ = [
    "Reader",
    "Unfit",
    "annotation",
    "bounds",
    "expected",
    "fitted",
    "in_utc",
    "integral",
    "keyed",
    "moment",
    "moments",
    "number",
    "plain_reader",
    "shown",
    "whole",
    "zone_of",
]

#: Raw JSON -> value, None for null. Raises ValueError for anything that is not of the type.
Reader = Callable[[msgspec.Raw | bytes], Any]

#: Characters of a value that a reason shows.
SHOWN = 60


class Unfit(ValueError):
    """A value that is not of the type, for a reason that a person should hear: its text."""


_INT32 = (-(2**31), 2**31 - 1)
_INT64 = (-(2**63), 2**63 - 1)

#: What msgspec is told of the types that it reads by itself. It refuses 346.0 as an int; `plain_reader` lets that pass.
_ANNOTATIONS: Mapping[FieldType, Any] = {
    "string": str,
    "int32": Annotated[int, msgspec.Meta(ge=_INT32[0], le=_INT32[1])],
    "int64": Annotated[int, msgspec.Meta(ge=_INT64[0], le=_INT64[1])],
    "float64": float,
    "boolean": bool,
    "date": date,
}

#: What is written in the forms of `parse` where the field has any; values of other types need not be texts.
_IN_FORM: Mapping[FieldType, str] = {"date": "a date that exists", "timestamp": "a moment", "time": "a time of day"}
#: What a reason says was expected.
_EXPECTED: Mapping[FieldType, str] = {
    "string": "a string",
    "int32": f"int32 (a whole number from {_INT32[0]} to {_INT32[1]})",
    "int64": f"int64 (a whole number from {_INT64[0]} to {_INT64[1]})",
    "float64": "float64 (a number up to 1.8e308)",
    "boolean": "true or false",
    "date": 'a date that exists, as "YYYY-MM-DD"',
    "time": 'a time of day, as "10:30" or "10:30:00.123456"',
    "binary": "bytes, as text in base64",
    "uuid": 'a UUID, as "01234567-89ab-cdef-0123-456789abcdef"',
    "json": "JSON",
    "list": "a list",
    "struct": "an object",
}

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6}0*)?)?"
_TIME = re.compile(_CLOCK)
_OFFSET = r"(?P<offset>Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
_MOMENT = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}{_OFFSET}?", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

#: A JSON object as its keys and their values, still raw; of a key that comes twice the last value.
keyed: Callable[[msgspec.Raw | bytes], dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
#: One JSON value, still raw, without the blanks around it.
whole: Callable[[bytes | str], msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw).decode
_text: Callable[[msgspec.Raw | bytes], str | None] = msgspec.json.Decoder(str | None).decode
_either: Callable[[msgspec.Raw | bytes], int | float | None] = msgspec.json.Decoder(int | float | None).decode


def annotation(field: Field, *, strict: bool) -> Any:
    """What msgspec is told of a field that it can read by itself; None for the other types."""
    if field.parse or field.decode or (strict and field.type == "float64"):
        return None
    return _ANNOTATIONS.get(field.type)


def expected(field: Field, *, strict: bool) -> str:
    """Completes the sentence "expected …" for the type of a field, and the forms that it parses."""
    if not field.parse:
        return _of_type(field, strict=strict)
    own = _IN_FORM.get(field.type) or f"{_of_type(field, strict=strict)}, or"
    return f"{own} in the form {' or '.join(field.parse)}"


def _of_type(field: Field, *, strict: bool) -> str:
    match field.type:
        case "decimal":
            whole_digits = field.precision - field.scale
            digits = f"up to {whole_digits} digits, {field.scale} after the point"
            return f"decimal({field.precision},{field.scale}) ({digits})"
        case "timestamp":
            offset = f", or without offset ({field.timezone})" if field.timezone else ""
            return f'a moment with an offset, as "2022-08-09T10:30:00Z"{offset}, to the microsecond'
        case "float64" if strict:
            return "float64 (a number with a fraction, as 12.0)"
        case "int32" | "int64" if strict:
            return f"{_EXPECTED[field.type][:-1]}, without a fraction)"
        case _:
            return _EXPECTED[field.type]


def plain_reader(field: Field, *, strict: bool) -> Reader:
    """The strict reader of a field's type, but for lists and structs; it keeps no state but its buffers."""
    read: Reader
    match field.type:
        case "float64" if strict:
            read = _fraction
        case "decimal":
            read = partial(_decimal, field.precision, field.scale)
        case "timestamp":
            read = partial(_of_text, partial(moment, zone=zone_of(field)))
        case "json":
            read = _json
        case "time" | "binary" | "uuid":
            read = partial(_of_text, _OF_TEXT[field.type])
        case _:
            read = msgspec.json.Decoder(_ANNOTATIONS[field.type] | None).decode
    lenient = field.type in ("int32", "int64") and not strict
    return partial(_integer, read, bounds(field.type)) if lenient else read


def bounds(kind: FieldType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    return _INT32 if kind == "int32" else _INT64


def _integer(exact: Reader, limits: tuple[int, int], raw: msgspec.Raw | bytes) -> int | None:
    try:
        value: int | None = exact(raw)
    except msgspec.ValidationError:
        return _integral(bytes(raw), limits)
    return value


def _integral(raw: bytes, limits: tuple[int, int]) -> int:
    """346.0 and 1e2 as integers, exactly: a Decimal holds what a float would round (2**53 + 1)."""
    if raw[:1] not in b"-0123456789":
        raise ValueError
    return integral(number(raw.decode()), limits)


def integral(value: Decimal, limits: tuple[int, int]) -> int:
    """A number as an integer within limits. Raises ValueError where it is none."""
    if not limits[0] <= value <= limits[1] or value != int(value):
        raise ValueError
    return int(value)


def number(text: str) -> Decimal:
    """The number in a text that is as JSON writes it, leading zeros allowed. Raises ValueError for any other text."""
    if not _NUMBER.fullmatch(text):
        raise ValueError
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent that no Decimal can have
        raise ValueError from None


def _fraction(raw: msgspec.Raw | bytes) -> float | None:
    value = _either(raw)
    if type(value) is int:
        raise ValueError
    return value


def _decimal(precision: int, scale: int, raw: msgspec.Raw | bytes) -> Decimal | None:
    data = bytes(raw)
    text = _text(data) if data[:1] in b'"n' else data.decode()
    return None if text is None else fitted(number(text), precision, scale)


def fitted(value: Decimal, precision: int, scale: int) -> Decimal:
    """A number with exactly `scale` places. Raises ValueError where digits would be lost: nothing is rounded."""
    exact, unit = _exact(precision), _unit(scale)
    try:
        return exact.plus(exact.quantize(value, unit))
    except ArithmeticError:
        raise ValueError from None


@cache
def _exact(precision: int) -> Context:
    return Context(prec=precision, traps=[Inexact, InvalidOperation])


@cache
def _unit(scale: int) -> Decimal:
    return Decimal((0, (1,), -scale))


def _of_text(read: Callable[[str], Any], raw: msgspec.Raw | bytes) -> Any:
    text = _text(raw)
    return None if text is None else read(text)


def zone_of(field: Field) -> ZoneInfo | None:
    """The zone of timestamps that have no offset."""
    return ZoneInfo(field.timezone) if field.timezone else None


def moment(text: str, *, zone: ZoneInfo | None) -> datetime:
    """A moment in UTC; one without offset in `zone`. Raises ValueError for what is none, and for two or none there."""
    if not _MOMENT.fullmatch(text):
        raise ValueError
    return in_utc(datetime.fromisoformat(text.upper()), zone)


def moments(texts: Sequence[str], zone: ZoneInfo | None) -> list[datetime]:
    """The moments of many texts, as `moment` reads each. Raises ValueError where one is none."""
    found = list(map(_MOMENT.fullmatch, texts))
    offsets = {match["offset"] if match else "none" for match in found}
    upper = map(str.upper, texts)
    if offsets == {None} and zone is not None and zone.key == "UTC":  # which no clock was ever set by
        return list(map(datetime.fromisoformat, map("{}+00:00".format, upper)))
    if "none" in offsets:
        raise ValueError
    return [in_utc(value, zone) for value in map(datetime.fromisoformat, upper)]


def in_utc(value: datetime, zone: ZoneInfo | None) -> datetime:
    """A moment in UTC; one without offset in `zone`, where a clock that is set shows some times twice or never."""
    if value.tzinfo is None:
        if zone is None:
            raise ValueError
        value, other = (value.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if value.utcoffset() != other.utcoffset():
            raise ValueError
    try:
        return value.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999
        raise ValueError from None


def _clock(text: str) -> time:
    if not _TIME.fullmatch(text):
        raise ValueError
    return time.fromisoformat(text)


def _binary(text: str) -> bytes:
    return binascii.a2b_base64(text.encode(), strict_mode=True)


def _uuid(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ValueError
    return UUID(text)


_OF_TEXT: Mapping[FieldType, Callable[[str], Any]] = {"time": _clock, "binary": _binary, "uuid": _uuid}


def _json(raw: msgspec.Raw | bytes) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def shown(raw: bytes) -> str:
    """The JSON text of a value as a reason shows it: one line, shortened."""
    text = raw[: SHOWN * 8].decode("utf-8", "replace")
    if text[:1] in "{[":
        text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
