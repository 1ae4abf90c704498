"""Some records of a file, and the lines after them that are none."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

__all__ = ["Broken", "Portion"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no record."""

    #: Its place among the file's records, from 0, and its line, from 1.
    index: int
    line: int
    #: What is wrong with it: "expected 15 columns, found 14".
    why: str
    #: The line in UTF-8 as far as it can be.
    raw: bytes


@dataclass(frozen=True, slots=True)
class Portion:
    """Records that follow one another."""

    records: Sequence[msgspec.Raw]
    #: Place of the first in its file, from 0.
    first: int = 0
    #: The line on which each begins, from 1; empty where nobody knows.
    lines: Sequence[int] = ()
    #: What comes right after them.
    broken: tuple[Broken, ...] = ()

    @property
    def read(self) -> int:
        """Records, and lines that should be some."""
        return len(self.records) + len(self.broken)

    def line(self, index: int) -> int | None:
        """The line of the record at a place in the file."""
        return self.lines[index - self.first] if self.lines else None
