"""Some records of a file, and the lines among them that are none."""

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
    """Records in order."""

    records: Sequence[msgspec.Raw]
    #: Place of the first in its file, from 0, and of each where they do not follow one another.
    first: int = 0
    places: Sequence[int] = ()
    #: The line on which each begins, from 1; empty where nobody knows.
    lines: Sequence[int] = ()
    broken: tuple[Broken, ...] = ()

    def place(self, number: int) -> int:
        """Place in the file of the record that is `number`-th here, from 0."""
        return self.places[number] if self.places else self.first + number

    def line(self, number: int) -> int | None:
        """Its line."""
        return self.lines[number] if self.lines else None
