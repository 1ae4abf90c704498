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
    # Spark has no time of day, or has it switched off, and then reads no column of such a file.
    "time": pa.string(),
    "binary": pa.binary(),
    # Parquet's own type for it is read as bytes by Spark, and not at all by older readers.
    "uuid": pa.string(),
    "json": pa.string(),
}
Change = Callable[[Any], Any]
#: Types that are texts to Arrow and not to Python.
_TEXTS: Mapping[FieldType, Change] = {"time": time.isoformat, "uuid": str}


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of rows with these columns; descriptions are metadata of their fields."""
    return pa.schema([_field(column, column.name) for column in columns])


def _field(column: Column, name: str) -> pa.Field:
    said = {"description": column.description} if column.description else None
    return pa.field(name, _type(column), nullable=column.nullable, metadata=said)


def _type(column: Column) -> pa.DataType:
    if column.type == "decimal":
        return pa.decimal128(column.precision, column.scale)
    if column.type == "list":
        assert column.item  # noqa: S101 - a list holds something, the spec reader sees to it
        return pa.list_(_field(column.item, "element"))  # the name that Parquet gives items
    if column.type == "struct":
        return pa.struct([_field(part, part.name) for part in column.parts])
    return _TYPES[column.type]


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
    change = _change(column)
    if change:
        values = [None if value is None else change(value) for value in values]
    return pa.array(values, type=kind)


def _change(column: Column) -> Change | None:
    """What makes a value one that Arrow takes; None where it takes it as it is."""
    if column.type in _TEXTS:
        return _TEXTS[column.type]
    if column.item:
        inner = _change(column.item)
        return (lambda values: [_changed(inner, value) for value in values]) if inner else None
    changes = {part.name: _change(part) for part in column.parts}
    if not any(changes.values()):
        return None
    return lambda value: {name: _changed(changes[name], each) for name, each in value.items()}


def _changed(change: Change | None, value: Any) -> Any:
    return value if change is None or value is None else change(value)
