"""Parquet files by pyarrow: compressed, with dictionaries and statistics, row groups ended by their size."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from levada.contract.model import Column, Contract, columns
from levada.staging.arrow import batch, schema
from levada.staging.exact import see_exact
from levada.staging.format import RowWriter, Sink

__all__ = ["ROWS", "rows", "writer"]

#: Rows of one batch, counted from the first row of the file: how rows are cut into calls leaves no mark. From 512 to
#: 16,384 the time is the same; few, so that rows of 10 KB make batches of 10 MB.
ROWS = 1024


@contextmanager
def writer(out: Sink, contract: Contract, *, codec: str, row_group: int, times: bool = True) -> Iterator[RowWriter]:
    """Write rows to `out` as one Parquet file; equal rows give equal bytes, however they are cut into calls.

    Args:
        out: Receives the file; nothing but `write` and `flush` is asked of it.
        contract: What the rows are.
        codec: zstd, snappy, gzip, lz4 or none.
        row_group: Bytes in memory; a row group ends with the batch that brings it to so many.
        times: Whether who reads the file knows times of day; else they are texts.

    Raises:
        TypeError: a row is not what the contract makes, which is a bug.
    """
    made = columns(contract)
    says = schema(made, times=times)
    forward: Any = _Forward(out)  # pyarrow asks for IO, and uses these methods of it
    with pq.ParquetWriter(forward, says, compression=codec, write_page_index=True) as file:
        taking = _Rows(file, made, says, row_group)
        yield taking
        taking.close()


def rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The rows of a Parquet file, one batch after the other."""
    for found in pq.ParquetFile(file).iter_batches(ROWS):
        yield from found.to_pylist()


class _Forward:
    """An output as pyarrow wants it."""

    closed = False

    def __init__(self, out: Sink) -> None:
        self.flush = out.flush
        self._out = out

    def write(self, data: Any) -> int:
        return self._out.write(bytes(data))

    def close(self) -> None:
        """The output is not ours to close."""


class _Rows:
    """Rows into batches of one length, batches into row groups."""

    def __init__(self, file: pq.ParquetWriter, made: Sequence[Column], says: pa.Schema, row_group: int) -> None:
        self._file, self._columns, self._schema, self._row_group = file, made, says, row_group
        self._waiting: list[Mapping[str, Any]] = []
        self._group: list[pa.RecordBatch] = []
        self._size = 0

    def write(self, rows: Sequence[Mapping[str, Any]], /) -> None:
        see_exact(rows, self._columns)
        coming = iter(rows)
        while taken := list(islice(coming, ROWS - len(self._waiting))):
            self._waiting += taken
            if len(self._waiting) == ROWS:
                self._end_batch()

    def close(self) -> None:
        if self._waiting:
            self._end_batch()
        if self._group:
            self._end_group()

    def _end_batch(self) -> None:
        made = batch(self._waiting, self._columns, self._schema)
        self._waiting = []
        self._group.append(made)
        self._size += made.nbytes
        if self._size >= self._row_group:
            self._end_group()

    def _end_group(self) -> None:
        table = pa.Table.from_batches(self._group, self._schema)
        self._file.write_table(table, row_group_size=table.num_rows)
        self._group, self._size = [], 0
