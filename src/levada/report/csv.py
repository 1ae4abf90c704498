"""A table as CSV (RFC 4180): UTF-8, CRLF, quotes where they are needed; equal rows give equal bytes. Pure.

Texts that a spreadsheet takes for a formula (they begin with =, +, - or @) are left as they are: a file of data that
changes them would lie to every other reader (docs/reports.md).
"""

import re

from levada.report.model import Table
from levada.report.text import text

__all__ = ["csv_of"]

_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')


def csv_of(table: Table) -> bytes:
    """The bytes of the file: a line of names, and one for each row; null is nothing, an empty text is `""`."""
    lines = [",".join(map(_cell, table.columns))]
    for row in table.rows:
        line = ",".join("" if value is None else _cell(text(value)) for value in row)
        lines.append(line or '""')  # readers skip a line that holds nothing
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogatepass")


def _cell(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _QUOTED.search(value) else value
