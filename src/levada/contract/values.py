"""Types of values: how each is read from JSON, strictly, and how values are shown to a person."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from levada.contract.model import FieldType

__all__ = ["ANNOTATIONS", "EXPECTED", "Reader", "keyed", "readers", "shown"]

#: Raw JSON -> value, None for null. Raises ValueError for anything that is not of the type.
Reader = Callable[[msgspec.Raw | bytes], Any]

#: Characters of a value that a reason shows.
SHOWN = 60

_INT32 = (-(2**31), 2**31 - 1)
_INT64 = (-(2**63), 2**63 - 1)

#: What msgspec is told of each type. It refuses 346.0 as an int; `readers` lets that pass.
ANNOTATIONS: Mapping[FieldType, Any] = {
    "string": str,
    "int32": Annotated[int, msgspec.Meta(ge=_INT32[0], le=_INT32[1])],
    "int64": Annotated[int, msgspec.Meta(ge=_INT64[0], le=_INT64[1])],
    "float64": float,
    "boolean": bool,
    "date": date,
}

#: What a reason says was expected.
EXPECTED: Mapping[FieldType, str] = {
    "string": "a string",
    "int32": f"int32 (a whole number from {_INT32[0]} to {_INT32[1]})",
    "int64": f"int64 (a whole number from {_INT64[0]} to {_INT64[1]})",
    "float64": "float64 (a number up to 1.8e308)",
    "boolean": "true or false",
    "date": 'a date that exists, as "YYYY-MM-DD"',
}

#: A JSON object as its keys and their values, still raw; of a key that comes twice the last value.
keyed: Callable[[msgspec.Raw | bytes], dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def readers() -> Mapping[FieldType, Reader]:
    """One strict reader a type. They keep no state but their buffers."""
    strict = {name: msgspec.json.Decoder(kind | None).decode for name, kind in ANNOTATIONS.items()}
    return strict | {
        "int32": _integers(strict["int32"], _INT32),
        "int64": _integers(strict["int64"], _INT64),
    }


def _integers(strict: Reader, bounds: tuple[int, int]) -> Reader:
    def read(raw: msgspec.Raw | bytes) -> int | None:
        try:
            value: int | None = strict(raw)
        except msgspec.ValidationError:
            return _integral(bytes(raw), bounds)
        return value

    return read


def _integral(raw: bytes, bounds: tuple[int, int]) -> int:
    """346.0 and 1e2 as integers, exactly: a Decimal holds what a float would round (2**53 + 1)."""
    if raw[:1] not in b"-0123456789":
        raise ValueError
    try:
        number = Decimal(raw.decode())
    except ArithmeticError:  # an exponent that no Decimal can have
        raise ValueError from None
    if not bounds[0] <= number <= bounds[1] or number != int(number):
        raise ValueError
    return int(number)


def shown(raw: bytes) -> str:
    """The JSON text of a value as a reason shows it: one line, shortened."""
    text = raw[: SHOWN * 8].decode("utf-8", "replace")
    if text[:1] in "{[":
        text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
