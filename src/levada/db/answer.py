"""What a question in SQL gives: columns, and rows of plain values, whatever database was asked.

A plain value is null, true or false, a number, a text, a day, a moment or a time of day. What else databases know
becomes text where one text is meant: UUIDs, bytes in hex, lists and structs as JSON.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from levada.errors import FixThis

__all__ = ["Answer", "Unanswered", "answer_of", "unplain"]

#: Types of PostgreSQL whose values come as numbers that mean something else: cents, a signed integer.
_OTHERWISE = ("money", "_money", "oid", "_oid")
_PLAIN = (bool, int, float, str, Decimal, date, time)


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows under columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Unanswered(FixThis):
    """A question that its writer must change.

    Args:
        line: Which line of the SQL it is about, from 1; 0 where nobody says.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "", line: int = 0) -> None:
        super().__init__(what, where=where, todo=todo)
        self.line = line


def answer_of(reader: Any, most: int) -> Answer:
    """The rows of an Arrow reader.

    Args:
        reader: An Arrow RecordBatchReader.
        most: Rows that there may be at most.

    Raises:
        Unanswered: there are more; two columns share a name; a value is of a type that has no plain form.
    """
    columns = tuple(reader.schema.names)
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise Unanswered(f"two columns are called {twice[0]}", todo=f"name one otherwise: ... AS {twice[0]}_2")
    if not columns:
        raise Unanswered("it gives no columns", todo="ask by SELECT")
    rows: list[tuple[Any, ...]] = []
    for batch in reader:
        rows += zip(*(_values(field, column) for field, column in zip(batch.schema, batch.columns, strict=True)),
                    strict=True)  # fmt: skip
        if len(rows) > most:
            todo = "let it count or sum, or add LIMIT: a report is for people to read"
            raise Unanswered(f"it gives more than {most:,} rows", todo=todo)
    return Answer(columns, tuple(rows))


def _values(field: Any, column: Any) -> Iterable[Any]:
    to_plain = _none if _called(field) in _OTHERWISE else _reading(str(field.type))
    try:
        return [None if value is None else to_plain(value) for value in column.to_pylist()]
    except (TypeError, ValueError, OverflowError):
        raise unplain(field.name, _called(field)) from None


def unplain(name: str, kind: str) -> Unanswered:
    """The error of a column whose values have no plain form."""
    what = f'column "{name}" holds what has no plain value here ({kind})'
    return Unanswered(what, todo=f"give it as text: CAST({name} AS text) AS {name}")


def _reading(kind: str) -> Callable[[Any], Any]:
    """What reads values of a type of Arrow."""
    if kind.startswith("extension<arrow.opaque") and "type_name=numeric," in kind:
        return Decimal  # PostgreSQL's numeric comes as text: it has any length
    odd = "month_day_nano" in kind or ("extension<arrow.opaque" in kind and "type_name=numeric," not in kind)
    return _none if odd else plain


def _none(_: Any) -> Any:
    raise TypeError


def _called(field: Any) -> str:
    """A type as its database calls it, else as Arrow does."""
    name = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    return name or str(field.type)


def plain(value: Any) -> Any:
    """A value of Arrow as a plain one; raises TypeError."""
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, float) and not math.isfinite(value):
        return Decimal(repr(value))  # what JSON has no number for, as both databases have decimals of that kind
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False, default=_told)
    raise TypeError


def _told(value: Any) -> Any:
    """What stands within a list or a struct and is none of JSON's own."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError
