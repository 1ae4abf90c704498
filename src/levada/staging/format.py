"""What a format offers and what it is given: the seam between this room and its modules."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol

from levada.contract.model import Contract

__all__ = ["Format", "Output", "RowWriter"]


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
