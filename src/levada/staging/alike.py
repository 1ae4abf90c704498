"""Whether Parquet files have the same rows: those of a commit, and those into which a table merged them."""

from collections.abc import Iterable
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from levada.lake.store import Missing, Store

__all__ = ["same_rows"]


def same_rows(store: Store, key: str, others: Iterable[str]) -> bool:
    """Whether the files `others`, into which rows were merged, have just the rows of `key`, in whatever order."""
    with store.open(key) as stream:
        names = pq.read_schema(stream).names
    try:
        return _rows_in(store, [key], names) == _rows_in(store, others, names)
    except (Missing, OSError, pa.ArrowException):
        return False


def _rows_in(store: Store, keys: Iterable[str], names: list[str]) -> tuple[int, int]:
    """How many rows there are, and a sum over them that tells them apart."""
    count = total = 0
    for key in keys:
        with store.open(key) as stream, pq.ParquetFile(stream) as file:
            for batch in file.iter_batches(columns=names):
                for row in batch.select(names).to_pylist():
                    count += 1
                    total += int.from_bytes(sha256(repr(row).encode()).digest())
    return count, total
