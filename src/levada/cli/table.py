"""Tables for people: framed on a terminal, plain columns when piped. Never cut, so that `grep` and `awk` can work."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from levada.secret import redact

__all__ = ["show"]

#: Wide enough for any row: rich would cut or wrap at 80 columns where there is no terminal.
PIPED_WIDTH = 10_000


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table; columns whose title ends in `#` hold numbers and are set to the right (the sign is not shown)."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PIPED_WIDTH, highlight=False)
    table = Table(title=title or None, title_justify="left", pad_edge=False)
    if not terminal:
        table.box = None
    for column in columns:
        table.add_column(
            column.rstrip("#"),
            justify="right" if column.endswith("#") else "left",
            no_wrap=not terminal,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(redact(str(cell))) for cell in row))
    console.print(table)
