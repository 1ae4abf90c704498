"""What PostgreSQL does not store though JSON has it: a row with such a value is bad, it does not stop the others. Pure.

NUL in texts (https://www.postgresql.org/docs/18/datatype-character.html); in `jsonb` also NUL and half surrogate pairs
as escapes, and numbers beyond `numeric` (https://www.postgresql.org/docs/18/datatype-json.html); in an index values of
more than a third of a page. Tried value by value against a server in tests/edges/test_postgres_values.py.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import msgspec

from levada.contract.model import Contract, Field

__all__ = ["LONG", "for_postgres", "is_jsonb", "is_text", "takes"]

#: Digits of a `numeric` before and after the point.
_WHOLE, _FRACTION = 131_072, 16_383
#: Bytes that the columns of a key may have in all: 2,704 with the index's own.
_KEY = 2600
#: Characters of a text: 4 bytes each stay below 1 GB.
LONG = 250_000_000
#: Bytes of what is JSON: 256 MB.
_LONG_JSON = 255_000_000
#: A number that may be beyond: many digits, or an exponent of some.
_HUGE = re.compile(r"-?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?")
_MAYBE_HUGE = re.compile(r"[0-9.]{16000}|[0-9][eE][-+]?0*[1-9][0-9]{3}")
#: Texts of JSON, so that what stands in them is no number.
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def for_postgres(contract: Contract, key: Sequence[str] = ()) -> Contract:
    """The contract of rows that a table of PostgreSQL takes, `key` the columns of its index."""
    most = _KEY // max(1, len(key))
    fields = (replace(_stored(each), indexed=most if each.name in key else 0) for each in contract.fields)
    return replace(contract, fields=tuple(fields))


def _stored(field: Field) -> Field:
    item = _stored(field.item) if field.item else None
    return replace(field, postgres=True, item=item, parts=tuple(map(_stored, field.parts)))


def is_text(text: str) -> bool:
    """Whether it is a `text` to PostgreSQL."""
    return "\0" not in text and len(text) <= LONG


def is_jsonb(text: str) -> bool:
    """Whether JSON is a `jsonb` to PostgreSQL."""
    if "\\u" in text and not _are_texts(text):
        return False
    if len(text) > _LONG_JSON // 4 and len(text.encode()) > _LONG_JSON:
        return False
    return not _MAYBE_HUGE.search(text) or all(map(_is_numeric, _HUGE.findall(_TEXTS.sub("", text))))


def takes(text: str | bytes, most: int) -> bool:
    """Whether an index takes a value beside those of the other columns of its key."""
    return len(text.encode() if isinstance(text, str) else text) <= most


def _are_texts(text: str) -> bool:
    try:
        return all(map(is_text, _within(msgspec.json.decode(text))))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False


def _within(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def _is_numeric(text: str) -> bool:
    _, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - JSON has no NaN
    whole = len(digits) + exponent if any(digits) else 0
    return whole <= _WHOLE and -exponent <= _FRACTION
