"""Parquet files by pyarrow: compressed, with dictionaries and statistics, row groups ended by their size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from levada.contract.model import Column, Contract, columns
from levada.errors import FixThis
from levada.staging.arrow import batch, schema
from levada.staging.exact import see_exact
from levada.staging.format import RowWriter, Sink

__all__ = ["ROWS", "batches", "merge", "rows", "writer"]

#: Rows of one batch, counted from the first row of the file: how rows are cut into calls leaves no mark. From 512 to
#: 16,384 the time is the same; few, so that rows of 10 KB make batches of 10 MB.
ROWS = 1024
#: Rows of one batch for a database: rows of 10 KB make batches of 80 MB.
_MANY = 8192


@contextmanager
def writer(out: Sink, contract: Contract, *, codec: str, row_group: int) -> Iterator[RowWriter]:
    """Write rows to `out` as one Parquet file; equal rows give equal bytes, however they are cut into calls.

    Args:
        out: Receives the file; nothing but `write` and `flush` is asked of it.
        contract: What the rows are.
        codec: zstd, snappy, gzip, lz4 or none.
        row_group: Bytes in memory; a row group ends with the batch that brings it to so many.

    Raises:
        TypeError: a row is not what the contract makes, which is a bug.
    """
    made = columns(contract)
    says = schema(made)
    forward: Any = _Forward(out)  # pyarrow asks for IO, and uses these methods of it
    with pq.ParquetWriter(forward, says, compression=codec, write_page_index=True) as file:
        taking = _Rows(file, made, says, row_group)
        yield taking
        taking.close()


def rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The rows of a Parquet file, one batch after the other."""
    for found in pq.ParquetFile(file).iter_batches(ROWS):
        yield from found.to_pylist()


def batches(file: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file as Arrow has them, some thousands at a time."""
    yield from pq.ParquetFile(file).iter_batches(_MANY)


def merge(files: Iterable[BinaryIO], out: Sink, codec: str, row_group: int) -> int:
    """Write the rows of Parquet files of the same columns as one file, in their order; how many there are.

    Args:
        files: Each is closed when it is through.
        out: Receives the file.
        codec: As for `writer`.
        row_group: As for `writer`.

    Raises:
        FixThis: a file has other columns than the first one; another order of the same ones is none of it.
    """
    forward: Any = _Forward(out)
    count = 0
    with ExitStack() as open_file:
        made: pq.ParquetWriter | None = None
        group = _Group(row_group)
        for file in files:
            with file:
                read = pq.ParquetFile(file)
                if made is None:
                    writing = pq.ParquetWriter(forward, read.schema_arrow, compression=codec, write_page_index=True)
                    made = open_file.enter_context(writing)
                _refuse_other(read.schema_arrow, made.schema)
                for found in read.iter_batches(ROWS):
                    count += found.num_rows
                    group.take(_ordered(found, made.schema), made)
        if made:
            group.end(made)
    return count


def _refuse_other(found: pa.Schema, first: pa.Schema) -> None:
    if theirs := sorted({*found} ^ {*first}, key=str):
        name = theirs[0].name
        unlike = _unlike(_column(first, name), _column(found, name))
        raise FixThis(
            f"Not all of these files have the same columns: {name} {unlike}.",
            where="the staged Parquet files",
            todo="stage all of these partitions under one contract first: `levada replay`",
        )


def _column(says: pa.Schema, name: str) -> pa.Field | None:
    return says.field(name) if name in says.names else None


def _unlike(one: pa.Field | None, other: pa.Field | None) -> str:
    if one is None or other is None:
        return "is not in each"
    if one.type != other.type:
        return f"is {one.type} in one and {other.type} in another"
    return "may be null in some and not in others"


def _ordered(found: pa.RecordBatch, first: pa.Schema) -> pa.RecordBatch:
    """The columns in the order of the first file, described as there."""
    return pa.RecordBatch.from_arrays([found.column(name) for name in first.names], schema=first)


class _Group:
    """Batches on their way into a row group."""

    def __init__(self, size: int) -> None:
        self._most = size
        self._batches: list[pa.RecordBatch] = []
        self._size = 0

    def take(self, batch: pa.RecordBatch, file: pq.ParquetWriter) -> None:
        """Add a batch; the group ends with the one that brings it to its size."""
        self._batches.append(batch)
        self._size += batch.nbytes
        if self._size >= self._most:
            self.end(file)

    def end(self, file: pq.ParquetWriter) -> None:
        """Write what there is."""
        if self._batches:
            table = pa.Table.from_batches(self._batches, file.schema)
            file.write_table(table, row_group_size=table.num_rows)
        self._batches, self._size = [], 0


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
        self._file, self._columns, self._schema = file, made, says
        self._waiting: list[Mapping[str, Any]] = []
        self._group = _Group(row_group)

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
        self._group.end(self._file)

    def _end_batch(self) -> None:
        made = batch(self._waiting, self._columns, self._schema)
        self._waiting = []
        self._group.take(made, self._file)
