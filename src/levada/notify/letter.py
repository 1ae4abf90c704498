"""What a notice says, whatever it is written in: a subject and blocks of cleaned text. Frozen.

The text of a letter holds no secrets, no control characters and no more than a mail can show; `text.py`, `html.py` and
`slack.py` write it down.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias, TypeVar

from levada.secret import redact

__all__ = ["Block", "Facts", "Items", "Letter", "Link", "Table", "cell", "line", "said", "some", "table"]

_Item = TypeVar("_Item")
#: Characters of a text, and of a cell of a table.
_TEXT, _CELL = 1500, 200
#: Columns of a table.
_COLUMNS = 30
#: Control characters but for line feeds, halves of surrogate pairs, and characters that turn the direction of a text.
_ODD = {
    code: f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"  # noqa: PLR2004 - two digits are enough up to there
    for code in (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_LINES = str.maketrans(
    {"\n": " ", "\r": " ", "\t": " ", "\v": " ", "\f": " ", "\x85": " ", "\u2028": " ", "\u2029": " "}
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is said of them, a line each."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a reader can follow, http(s) only."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; `numbers` are the places of columns that are set to the right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    #: What is said below it, as of rows that are not shown.
    below: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list of texts, each of one or several lines."""

    title: str
    items: tuple[str, ...]


Block: TypeAlias = Facts | Table | Items


@dataclass(frozen=True, slots=True)
class Letter:
    """All that is said of one round."""

    subject: str
    blocks: tuple[Block, ...]


def said(text: object, most: int = _TEXT) -> str:
    """A text as it may be told: without secrets, without what would steer a screen, not too long."""
    # Before the cut, so that no secret shows in part.
    clean = redact(str(text)).replace("\r\n", "\n").translate(_ODD).encode(errors="backslashreplace").decode()
    return clean if len(clean) <= most else f"{clean[: most - 1].rstrip()}…"


def line(text: object, most: int = _TEXT) -> str:
    """The same in one line."""
    return " ".join(said(redact(str(text)).translate(_LINES), most).split())


def cell(value: Any) -> str:
    """A value of a row in a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value[:_CELL].hex()
    return line(value, _CELL)


def some(items: Sequence[_Item], most: int, tell: Callable[[_Item], str]) -> tuple[str, ...]:
    """What is told of at most so many of them, and how many there are besides."""
    left = len(items) - most
    return (*map(tell, items[:most]), *([f"… and {left} more"] if left > 0 else []))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], below: Sequence[str] = ()) -> Table:
    """A table of values; columns that hold nothing but numbers are set to the right, columns beyond 30 are told."""
    kept, left = columns[:_COLUMNS], columns[_COLUMNS:]
    values = [tuple(row[: len(kept)]) for row in rows]
    numbers = frozenset(place for place in range(len(kept)) if _is_number([row[place] for row in values]))
    more = [f"… and {len(left)} more columns"] if left else []
    cells = tuple(tuple(map(cell, row)) for row in values)
    return Table(title, tuple(line(name, _CELL) for name in kept), cells, numbers, (*map(line, below), *more))


def _is_number(values: Sequence[Any]) -> bool:
    from numbers import Number

    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, Number) and not isinstance(value, bool) for value in there)
