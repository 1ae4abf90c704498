"""A letter as plain text, its columns aligned. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

from levada.notify.letter import Block, Facts, Items, Letter, Table

__all__ = ["aligned", "beside", "block_text", "text_of"]

_GAP = "  "


def text_of(letter: Letter) -> str:
    """The whole letter."""
    blocks = ["\n".join(_titled(block)) for block in letter.blocks]
    return "\n\n".join([letter.subject, *blocks]) + "\n"


def block_text(block: Block) -> str:
    """A block without its title."""
    return "\n".join(_lines(block))


def aligned(block: Facts | Table) -> list[str]:
    """The lines of a block that stand under one another in columns; nothing after the last cell of a line."""
    if isinstance(block, Facts):
        widest = max((_width(name) for name, _ in block.pairs), default=0)
        return [f"{_padded(name, widest)}{_GAP}{value}" for name, value in block.pairs]
    if not block.columns:
        return []
    grid = [block.columns, *block.rows]
    widths = [max(map(_width, column)) for column in zip(*grid, strict=True)]
    return [_GAP.join(_set(row, widths, block.numbers)).rstrip() for row in grid]


def beside(block: Facts | Table) -> list[str]:
    """The lines below a table."""
    if isinstance(block, Facts):
        return []
    return [*block.below, *(f"{link.name}: {link.url}" for link in block.links)]


def _titled(block: Block) -> Iterator[str]:
    if not isinstance(block, Facts):
        yield block.title
        yield "-" * _width(block.title)
    yield from _lines(block)


def _lines(block: Block) -> list[str]:
    if isinstance(block, Items):
        return ["\n  ".join(f"- {item}".split("\n")) for item in block.items]
    return [*aligned(block), *beside(block)]


def _set(row: Sequence[str], widths: Sequence[int], numbers: frozenset[int]) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield " " * (width - _width(cell)) + cell if place in numbers else _padded(cell, width)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a screen: two for a wide character, none for a mark upon another (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )
