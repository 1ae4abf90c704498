"""Values as text, one way for all formats that are text, and the files that such rows go into."""

import gzip
import math
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, BinaryIO, cast
from uuid import UUID

from levada.contract.model import Column, FieldType
from levada.staging.exact import see_exact
from levada.staging.format import Sink

__all__ = ["Lines", "as_json", "as_text", "opened", "packed"]

Text = Callable[[Any], str]
#: zlib's own middle: level 9 takes twice the time for 1 % less.
_LEVEL = 6


def _finite(value: float) -> str:
    if not math.isfinite(value):
        raise TypeError(f"{value} has no text that other programs read")
    return repr(value)


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _digits(value: Decimal) -> str:
    return f"{value:f}"


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _one_line(value: str) -> str:
    # In JSON a line break is a blank between values: within a text it stands escaped.
    return value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value


#: The text of a value.
_TEXTS: Mapping[FieldType, Text] = {
    "string": str,
    "int32": str,
    "int64": str,
    "float64": _finite,
    "decimal": _digits,
    "boolean": lambda value: "true" if value else "false",
    "date": date.isoformat,
    "timestamp": _instant,
    "time": time.isoformat,
    "binary": _base64,
    "uuid": UUID.__str__,
    "json": _one_line,
}
#: Types whose text is JSON as it is; the others are JSON texts. A decimal is one: a JSON number is read as a float.
_BARE = {"int32", "int64", "float64", "boolean", "json"}


def as_text(column: Column) -> Text:
    """What gives the text of a value of `column` that is not null: lists and structs as JSON."""
    return _TEXTS.get(column.type) or as_json(column)


def as_json(column: Column) -> Text:
    """What gives a value of `column` as JSON on one line, null included."""
    plain = _json(column)
    return lambda value: "null" if value is None else plain(value)


def _json(column: Column) -> Text:
    if column.type == "list":
        assert column.item  # noqa: S101 - a list holds something, the spec reader sees to it
        item = as_json(column.item)
        return lambda values: f"[{','.join(map(item, values))}]"
    if column.type == "struct":
        parts = [(f"{encode_basestring(part.name)}:", part.name, as_json(part)) for part in column.parts]
        return lambda value: f"{{{','.join(start + text(value[name]) for start, name, text in parts)}}}"
    if column.type == "string":
        return encode_basestring
    text = _TEXTS[column.type]
    return text if column.type in _BARE else lambda value: encode_basestring(text(value))


class Lines:
    """Rows into lines of text.

    Args:
        out: Receives them, in UTF-8.
        columns: What rows hold.
        line: What gives the line of a row, its end included.
    """

    def __init__(self, out: Sink, columns: Sequence[Column], line: Callable[[Mapping[str, Any]], str]) -> None:
        self._out, self._columns, self._line = out, columns, line

    def write(self, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Append rows; raises TypeError if one is not what the contract makes."""
        see_exact(rows, self._columns)
        self._out.write("".join(map(self._line, rows)).encode())

    def close(self) -> None:
        """Nothing is left to be written: every line is out at once."""


@contextmanager
def packed(out: Sink, codec: str) -> Iterator[Sink]:
    """`out`, or what writes to it compressed; no name and no time in it, so equal text gives equal bytes.

    Args:
        out: Receives the bytes.
        codec: none or gzip.
    """
    if codec == "none":
        yield out
        return
    with gzip.GzipFile("", "wb", _LEVEL, cast("BinaryIO", out), mtime=0) as made:
        yield made


def opened(file: BinaryIO) -> BinaryIO:
    """A file that `packed` wrote, unpacked where it is compressed."""
    start = file.read(2)
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if start == b"\x1f\x8b" else file
