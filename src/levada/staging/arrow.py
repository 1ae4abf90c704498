"""Contract types as Arrow has them, and checked rows as Arrow batches: for Parquet, and for Delta, which is Parquet."""

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import Any

import pyarrow as pa

from levada.contract.model import Column, FieldType

__all__ = ["batch", "schema"]

_TYPES: Mapping[FieldType, pa.DataType] = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "time": pa.time64("us"),
    "binary": pa.binary(),
    # Parquet's own type for it is read as bytes by Spark, and not at all by older readers.
    "uuid": pa.string(),
    "json": pa.string(),
}
Change = Callable[[Any], Any]


def schema(columns: Sequence[Column], *, times: bool = True) -> pa.Schema:
    """The Arrow schema of rows with these columns; descriptions are metadata of their fields.

    Args:
        columns: What the rows hold.
        times: Whether who reads it knows times of day; else they are texts, as in 23:59:59.
    """
    return pa.schema([_field(column, column.name, times=times) for column in columns])


def _field(column: Column, name: str, *, times: bool) -> pa.Field:
    said = {"description": column.description} if column.description else None
    return pa.field(name, _type(column, times=times), nullable=column.nullable, metadata=said)


def _type(column: Column, *, times: bool) -> pa.DataType:
    if column.type == "decimal":
        return pa.decimal128(column.precision, column.scale)
    if column.type == "list":
        assert column.item  # noqa: S101 - a list holds something, the spec reader sees to it
        return pa.list_(_field(column.item, "element", times=times))  # the name that Parquet gives items
    if column.type == "struct":
        return pa.struct([_field(part, part.name, times=times) for part in column.parts])
    return pa.string() if column.type == "time" and not times else _TYPES[column.type]


def batch(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], of: pa.Schema) -> pa.RecordBatch:
    """Rows as one batch.

    Args:
        rows: As the contract made them.
        columns: What they hold.
        of: `schema` of the columns.
    """
    kinds = [field.type for field in of]
    arrays = [_array(column, [row[column.name] for row in rows], kind)
              for column, kind in zip(columns, kinds, strict=True)]  # fmt: skip
    return pa.RecordBatch.from_arrays(arrays, schema=of)


def _array(column: Column, values: list[Any], kind: pa.DataType) -> pa.Array:
    change = _change(column, kind)
    if change:
        values = [None if value is None else change(value) for value in values]
    return pa.array(values, type=kind)


def _change(column: Column, kind: pa.DataType) -> Change | None:
    """What makes a value one that Arrow takes; None where it takes it as it is."""
    if column.type == "uuid":
        return str
    if column.type == "time" and pa.types.is_string(kind):
        return time.isoformat
    if column.type == "list" and column.item and (inner := _change(column.item, kind.value_type)):
        return lambda values: [None if value is None else inner(value) for value in values]
    parts = [(part.name, _change(part, kind.field(number).type)) for number, part in enumerate(column.parts)]
    changes = {name: change for name, change in parts if change}
    if not changes:
        return None
    return lambda value: {name: _changed(changes.get(name), each) for name, each in value.items()}


def _changed(change: Change | None, value: Any) -> Any:
    return value if change is None or value is None else change(value)
