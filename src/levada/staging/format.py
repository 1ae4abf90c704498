"""What a format offers and what it is given: the seam between this room and its modules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from levada.spec.model import Output

__all__ = ["How", "RowWriter", "Sink"]


class Sink(Protocol):
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


@dataclass(frozen=True, slots=True)
class How:
    """Whose rows a file holds, and what the spec says of it."""

    stream: str
    pipeline: str
    output: Output
