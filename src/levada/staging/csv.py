"""CSV after RFC 4180, but for line ends: a line of names, then one line a row, each ended by a line feed."""

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, BinaryIO

from levada.contract.model import Column, Contract, columns
from levada.staging.format import RowWriter, Sink
from levada.staging.text import Lines, Text, as_text, opened, packed

__all__ = ["rows", "writer"]

#: Types whose texts are digits, signs and a few letters, and what they begin with; delimiters that are in none of them.
_PLAIN = {"int32", "int64", "float64", "decimal", "boolean", "date", "timestamp", "time"}
_STARTS = {*"-0123456789tf"}
_USUAL = {*",;|\t"}


@contextmanager
def writer(out: Sink, contract: Contract, *, codec: str, delimiter: str, null: str) -> Iterator[RowWriter]:
    """Write rows to `out` as CSV in UTF-8; equal rows give equal bytes, however they are cut into calls.

    Args:
        out: Receives the file.
        contract: What the rows are.
        codec: none or gzip.
        delimiter: What stands between two values.
        null: What stands for null, never in quotes; a text that is the same is in quotes. The null of a single column
            that would leave its line empty is in quotes, too: readers take such a line for no row.

    Raises:
        TypeError: a row is not what the contract makes, which is a bug.
    """
    made = columns(contract)
    quoted = _quoting(delimiter, null)
    shown = null or ('""' if len(made) == 1 else "")
    texts = [_cell(column, str if _bare(column, delimiter, null) else quoted, shown) for column in made]

    def line(row: Mapping[str, Any]) -> str:
        cells = [text(value) for text, value in zip(texts, row.values(), strict=True)]
        return f"{delimiter.join(cells)}\n"

    with packed(out, codec) as target:
        target.write(f"{delimiter.join(quoted(column.name) for column in made)}\n".encode())
        yield Lines(target, made, line)


def _quoting(delimiter: str, null: str) -> Text:
    """What puts a text into quotes where readers would take it for another, or for several, without."""
    special = re.compile(f'[{re.escape(delimiter)}"\r\n]|^[ \t]|[ \t]$|^$|^{re.escape(null)}$')

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    return quoted


def _bare(column: Column, delimiter: str, null: str) -> bool:
    """Whether no value of the column can need quotes; looking at each takes half of the time."""
    return column.type in _PLAIN and delimiter in _USUAL and null[:1] not in _STARTS


def _cell(column: Column, quoted: Text, null: str) -> Text:
    text = as_text(column)
    return lambda value: null if value is None else quoted(text(value))


def rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV file, values as texts; null and an empty text look alike."""
    yield from csv.DictReader(TextIOWrapper(opened(file), "utf-8", newline=""))
