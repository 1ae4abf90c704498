"""CSV (RFC 4180) -> objects: one a row, every value a text or null."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from levada.errors import ContractBroken
from levada.nouns import Format
from levada.records.columns import see_columns
from levada.records.refusal import start
from levada.records.unpack import LIMIT

__all__ = ["rows"]


def rows(text: str, how: Format) -> list[Any]:
    """The rows of a CSV text, blank lines left out.

    A row that has more or fewer fields than there are columns is the list of its texts: no record, so a bad row that
    is kept whole.

    Raises:
        ContractBroken: a quote is not closed or stands where none may; the line of names is not the one that `how`
            says, or two columns have one name.
    """
    lines = _lines(text, how)
    names = how.header or tuple(next(lines, ()))
    see_columns(names, how)
    nulls = frozenset(how.nulls)
    return [_row(names, line, nulls) for line in lines]


def _row(names: tuple[str, ...], line: list[str], nulls: frozenset[str]) -> Any:
    if len(line) != len(names):
        return line
    if not nulls:
        return dict(zip(names, line, strict=True))
    return {name: None if text in nulls else text for name, text in zip(names, line, strict=True)}


def _lines(text: str, how: Format) -> Iterator[list[str]]:
    csv.field_size_limit(LIMIT)  # of the process; Python's own limit, 128 KB, is less than APIs send
    lines = io.StringIO(text, newline="")
    if how.quote:
        reader = csv.reader(lines, delimiter=how.delimiter, quotechar=how.quote, strict=True)
    else:
        reader = csv.reader(lines, delimiter=how.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    try:
        for line in reader:
            if line:
                yield line
    except csv.Error as error:
        begins = start(text.encode("utf-8", "replace"))
        raise ContractBroken(
            f"The CSV breaks off at line {reader.line_num}: {error}. It starts with: {begins}",
            todo="Check `delimiter` and `quote` of the stream's `format`; a cut answer may be whole the next time.",
        ) from None
