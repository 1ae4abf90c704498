"""Tables for people: folded to fit a terminal, plain columns when piped; never cut, so `grep` and `awk` can work."""

import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from levada.cli.door import say, visible

__all__ = ["lines", "show"]

GAP = "  "
#: A cell is one line, whatever the API wrote into it.
_BREAKS = str.maketrans({"\n": "\\n", "\t": "\\t"})


def show(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns whose title ends in `#` hold numbers and are set to the right (the sign is not shown).

    Columns whose title ends in `~` hold words, and take a second line where the terminal is too narrow.
    """
    cells = [[visible(str(cell)).translate(_BREAKS) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _folded(columns, cells)
    else:
        for line in lines(columns, cells):
            say(line)


def lines(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """The table in plain lines, as wide as it needs to be, nothing after the last cell of a line. Pure."""
    table = [[column.rstrip("#~") for column in columns], *cells]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    return [GAP.join(_set(*cell) for cell in zip(row, widths, columns, strict=True)).rstrip() for row in table]


def _set(text: str, width: int, column: str) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if column.endswith("#") else text + blank


def _folded(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0))
    for column in columns:
        words = column.endswith("~")
        justify = "right" if column.endswith("#") else "left"
        table.add_column(column.rstrip("#~"), justify=justify, no_wrap=not words, overflow="fold")  # type: ignore[arg-type]  # one of rich's words
    for row in cells:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)
