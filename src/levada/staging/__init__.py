"""Checked rows into files: each format is one module with a `writer`, and one line in `FORMATS`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol

from levada.contract.model import Contract

__all__ = ["FORMATS", "Format", "Output", "RowWriter", "rows_of"]


class Output(Protocol):
    """Where a format writes its bytes, from the first to the last."""

    def write(self, data: bytes, /) -> int:
        """Append `data`."""
        ...

    def flush(self) -> None:
        """Hand on what is buffered."""
        ...


class RowWriter(Protocol):
    """Takes the rows of one file."""

    def write(self, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Append rows as the contract made them; how they are cut into calls leaves no mark in the file."""
        ...

    def close(self) -> None:
        """Write what is left. A second call does nothing."""
        ...


class Format(Protocol):
    """What a module of this room offers."""

    def writer(
        self, out: Output, contract: Contract, *, name: str, namespace: str, codec: str
    ) -> AbstractContextManager[RowWriter]:
        """A writer that is closed at a clean exit; equal rows, names and codec give equal bytes.

        Args:
            out: Receives the file.
            contract: What the rows are.
            name: The stream.
            namespace: The pipeline.
            codec: How blocks are compressed.

        Raises:
            FixThis: there is no such codec here.
        """
        ...

    def rows(self, file: BinaryIO) -> Iterator[Mapping[str, Any]]:
        """The rows of a file that `writer` made."""
        ...


def _avro() -> Format:
    from levada.staging import avro

    return avro


#: Name in a spec -> its module, loaded when it is asked for: fastavro takes its time.
FORMATS: Mapping[str, Callable[[], Format]] = {"avro": _avro}


def rows_of(format: str, file: BinaryIO) -> Iterator[Mapping[str, Any]]:  # noqa: A002 - the word of the spec
    """The rows of a staged file, one by one."""
    return FORMATS[format]().rows(file)
