"""What a format offers and what it is given: the seam between this room and its modules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from levada.lake.store import Store
from levada.spec.model import Output

__all__ = ["How", "RowWriter", "Sink", "Tables"]


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


@dataclass(frozen=True, slots=True)
class Tables:
    """Where tables lie, and how their log is written."""

    store: Store
    #: What the store of the log is to be told, in its own words; empty on a disk.
    options: Mapping[str, str]
    #: Waits so many seconds at most: others commit to the table, too.
    wait: Callable[[float], None]
