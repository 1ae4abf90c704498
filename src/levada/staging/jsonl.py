"""JSON lines: one object a line, keys in the contract's order, null written out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from json.encoder import encode_basestring
from typing import Any, BinaryIO

from levada.contract.model import Contract, columns
from levada.staging.format import RowWriter, Sink
from levada.staging.text import Lines, as_json, opened, packed

__all__ = ["rows", "writer"]


@contextmanager
def writer(out: Sink, contract: Contract, *, codec: str) -> Iterator[RowWriter]:
    """Write rows to `out` as JSON lines in UTF-8; equal rows give equal bytes, however they are cut into calls.

    Args:
        out: Receives the file.
        contract: What the rows are.
        codec: none or gzip.

    Raises:
        TypeError: a row is not what the contract makes, which is a bug.
    """
    made = columns(contract)
    starts = [(f"{',' if number else ''}{encode_basestring(column.name)}:", as_json(column))
              for number, column in enumerate(made)]  # fmt: skip

    def line(row: Mapping[str, Any]) -> str:
        pairs = zip(starts, row.values(), strict=True)
        return f"{{{''.join([start + text(value) for (start, text), value in pairs])}}}\n"

    with packed(out, codec) as target:
        yield Lines(target, made, line)


def rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    """The rows of a file of JSON lines, values as JSON has them."""
    yield from map(json.loads, opened(file))
