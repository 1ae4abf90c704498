"""Checked rows into files: each format is one module, and one line in `WRITERS` and in `READERS`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from levada.contract.model import Contract
from levada.extras import require
from levada.staging import csv, jsonl
from levada.staging.format import How, RowWriter, Sink, Tables

__all__ = ["READERS", "WRITERS", "How", "RowWriter", "Sink", "Tables", "rows_of", "writer"]

Rows = Iterator[Mapping[str, Any]]


# Modules with libraries are loaded when they are asked for: it takes its time.
def _avro(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    from levada.staging import avro

    return avro.writer(out, contract, name=how.stream, namespace=how.pipeline, codec=how.output.codec)


def _read_avro(file: BinaryIO) -> Rows:
    from levada.staging import avro

    return avro.rows(file)


def _parquet(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    require("parquet", "Parquet files", ["pyarrow"])
    from levada.staging import parquet

    return parquet.writer(out, contract, codec=how.output.codec, row_group=how.output.row_group)


def _delta(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    require("delta", "Delta tables", ["deltalake", "pyarrow"])
    return _parquet(out, contract, how)


def _read_parquet(file: BinaryIO) -> Rows:
    require("parquet", "Parquet files", ["pyarrow"])
    from levada.staging import parquet

    return parquet.rows(file)


def _jsonl(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    return jsonl.writer(out, contract, codec=how.output.codec)


def _csv(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    given = how.output
    return csv.writer(out, contract, codec=given.codec, delimiter=given.delimiter, null=given.null)


#: Name in a spec -> what makes a writer. The files of a Delta table are Parquet.
WRITERS: Mapping[str, Callable[[Sink, Contract, How], AbstractContextManager[RowWriter]]] = {
    "avro": _avro,
    "parquet": _parquet,
    "jsonl": _jsonl,
    "csv": _csv,
    "delta": _delta,
}
#: Name in a spec -> what reads a file of it.
READERS: Mapping[str, Callable[[BinaryIO], Rows]] = {
    "avro": _read_avro,
    "parquet": _read_parquet,
    "jsonl": jsonl.rows,
    "csv": csv.rows,
    "delta": _read_parquet,
}


def writer(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    """A writer of rows to `out`, closed at a clean exit; equal rows and names give equal bytes.

    Args:
        out: Receives the file.
        contract: What the rows are.
        how: Whose they are, and what the spec says of the output.

    Raises:
        FixThis: the library of the format, or of its codec, is not installed.
    """
    return WRITERS[how.output.format](out, contract, how)


def rows_of(format: str, file: BinaryIO) -> Rows:  # noqa: A002 - the word of the spec
    """The rows of a staged file, one by one."""
    return READERS[format](file)
