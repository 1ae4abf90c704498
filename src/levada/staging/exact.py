"""The last look at rows before a library writes them: what the columns do not say is a bug, never a cast.

Libraries are lenient where a contract was strict: fastavro writes 1.7 and True as 1, and drops keys that its schema
does not name. Looked at column by column, 100 rows at a time, this adds a tenth to a fifth to fastavro's time (see
bench/contract_avro.py). Its own validator makes it 2 times as long, 12 times where columns are nullable, and still lets
datetimes pass as dates, integers as floats, and keys that have no column.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

from levada.contract.model import Column, FieldType

__all__ = ["see_exact"]

_TYPES: Mapping[FieldType, type] = {
    "string": str,
    "int32": int,
    "int64": int,
    "float64": float,
    "boolean": bool,
    "date": date,
    "decimal": Decimal,
    "timestamp": datetime,
    "time": time,
    "binary": bytes,
    "uuid": UUID,
    "json": str,
    "list": list,
    "struct": dict,
}
_BITS: Mapping[FieldType, int] = {"int32": 32, "int64": 64}


def see_exact(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """See that rows have exactly `columns`, in their order, and each value exactly its column's Python type.

    Raises:
        TypeError: they do not, which is a bug of the caller.
    """
    names = tuple(column.name for column in columns)
    if set(map(tuple, rows)) - {names}:
        odd = next(row for row in rows if tuple(row) != names)
        raise TypeError(f"a row has the keys {list(odd)}, the columns are {list(names)}")
    for column in columns:
        _see_values(column, [row[column.name] for row in rows])


def _see_values(column: Column, values: Sequence[Any]) -> None:
    allowed = {_TYPES[column.type], NoneType} if column.nullable else {_TYPES[column.type]}
    found = set(map(type, values))
    if found - allowed:
        raise _other(column, next(value for value in values if type(value) not in allowed))
    held = [value for value in values if value is not None] if NoneType in found else values
    if column.type in _BITS:
        _see_range(column, held)
    elif column.item:
        _see_values(column.item, [item for value in held for item in value])
    elif column.type == "struct":
        see_exact(held, column.parts)
    elif column.type in _FINE and not all(_FINE[column.type](column, value) for value in held):
        raise _other(column, next(value for value in held if not _FINE[column.type](column, value)))


def _is_fitted(column: Column, value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    return exponent == -column.scale and len(digits) <= column.precision


def _is_utc(_: Column, value: datetime) -> bool:
    return value.tzinfo is UTC


def _is_naive(_: Column, value: time) -> bool:
    return value.tzinfo is None


_FINE: Mapping[FieldType, Callable[[Column, Any], bool]] = {
    "decimal": _is_fitted,
    "timestamp": _is_utc,
    "time": _is_naive,
}


def _see_range(column: Column, values: Sequence[int]) -> None:
    bound = 1 << (_BITS[column.type] - 1)
    for extreme in (min(values, default=0), max(values, default=0)):
        if not -bound <= extreme < bound:
            raise _other(column, extreme)


def _other(column: Column, value: object) -> TypeError:
    null = " or null" if column.nullable else ""
    kind = f"decimal({column.precision},{column.scale})" if column.type == "decimal" else column.type
    return TypeError(f"column `{column.name}`: {value!r} is no {kind}{null}")
