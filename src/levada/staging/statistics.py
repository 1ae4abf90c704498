"""What a Parquet file tells of its columns, as Delta's log wants it: rows, nulls, the least and the greatest value."""

from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["statistics"]

#: Columns that are told, from the first: as many as other writers tell.
_COLUMNS = 32
#: Characters of a text that is told; a longer one would have to be cut so that it stays a bound.
_LONGEST = 64
#: Types whose bounds are told. Timestamps are not: the log knows milliseconds, and theirs are finer.
_TOLD = (int, float, str, date)


def statistics(file: BinaryIO) -> dict[str, Any]:
    """The statistics of a Parquet file: `numRecords`, `minValues`, `maxValues`, `nullCount`."""
    read = pq.ParquetFile(file)
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for name, number in list(_flat(read.schema_arrow))[:_COLUMNS]:
        groups = [read.metadata.row_group(each).column(number).statistics for each in range(read.num_row_groups)]
        if not all(each is not None and each.has_null_count for each in groups):
            continue
        nulls[name] = sum(each.null_count for each in groups)
        bounds = [(each.min, each.max) for each in groups if each.has_min_max]
        if bounds and len(bounds) == sum(1 for each in groups if each.num_values):
            _tell(least, name, min(low for low, _ in bounds))
            _tell(greatest, name, max(high for _, high in bounds))
    both = least.keys() & greatest.keys()
    return {
        "numRecords": read.metadata.num_rows,
        "minValues": {name: value for name, value in least.items() if name in both},
        "maxValues": {name: value for name, value in greatest.items() if name in both},
        "nullCount": nulls,
    }


def _flat(schema: pa.Schema) -> Iterator[tuple[str, int]]:
    """Each column that is no list and no struct, with its number among the columns of the file."""
    number = 0
    for field in schema:
        if not pa.types.is_nested(field.type):
            yield field.name, number
        number += _leaves(field.type)


def _leaves(kind: pa.DataType) -> int:
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(number).type) for number in range(kind.num_fields))


def _tell(found: dict[str, Any], name: str, value: Any) -> None:
    if type(value) in _TOLD and not (isinstance(value, str) and len(value) > _LONGEST):
        found[name] = value.isoformat() if isinstance(value, date) else value
