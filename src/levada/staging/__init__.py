"""Checked rows into files: each format is one module, and one line in `WRITERS` and in `READERS`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from levada.contract.model import Contract
from levada.staging.format import How, RowWriter, Sink

__all__ = ["READERS", "WRITERS", "How", "RowWriter", "Sink", "rows_of", "writer"]

Rows = Iterator[Mapping[str, Any]]


# The modules are loaded when they are asked for: their libraries take their time.
def _avro(out: Sink, contract: Contract, how: How) -> AbstractContextManager[RowWriter]:
    from levada.staging import avro

    return avro.writer(out, contract, name=how.stream, namespace=how.pipeline, codec=how.output.codec)


def _read_avro(file: BinaryIO) -> Rows:
    from levada.staging import avro

    return avro.rows(file)


#: Name in a spec -> what makes a writer.
WRITERS: Mapping[str, Callable[[Sink, Contract, How], AbstractContextManager[RowWriter]]] = {"avro": _avro}
#: Name in a spec -> what reads a file of it.
READERS: Mapping[str, Callable[[BinaryIO], Rows]] = {"avro": _read_avro}


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
