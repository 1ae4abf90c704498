"""A plain value as text, the same on every machine. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from levada.spec.template import moment_text

__all__ = ["is_number", "number_columns", "text"]


def text(value: Any) -> str:
    """Days and times as ISO 8601 has them, moments in UTC with a Z, decimals without exponent; null is nothing.

    Args:
        value: As `levada.db.answer` calls plain.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat() if value.tzinfo is None else moment_text(value.astimezone(UTC))
        case date() | time():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
    return str(value)


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def number_columns(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The columns that hold numbers, and nothing else but null."""
    found = []
    for place, name in enumerate(columns):
        values = [row[place] for row in rows if row[place] is not None]
        if values and all(map(is_number, values)):
            found.append(name)
    return tuple(found)
