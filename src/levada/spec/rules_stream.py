"""Rules between the keys of `records`, `format`, `for_each` and `incremental`. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from levada.spec.engine import Given, Reading, Rule
from levada.spec.instant import instant
from levada.spec.tree import Mistake, Word
from levada.spec.values import seconds

__all__ = ["FORMAT_RULES", "FOR_EACH_RULES", "INCREMENTAL_RULES", "RECORDS_RULES", "amount"]

_CSV = ("delimiter", "quote", "header", "columns", "nulls")


def _csv(given: Given, _: Reading) -> Iterator[Mistake]:
    if given.values["type"] != "csv":
        for key in _CSV:
            if key in given.places:
                what = f"{key} has no meaning with type: {given.values['type']}"
                yield given.mistake(key, what, f"leave {key} out, or write type: csv")
    elif given.get("delimiter", ",") == given.get("quote", '"'):
        yield given.mistake("quote", "delimiter and quote are the same character", "write another")
    for key in ("header", "columns"):
        names = given.get(key) or ()
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield given.mistake(key, f'the column "{name}" stands in {key} twice', "give each its own name")
    if {"header", "columns"} <= given.places.keys():
        what = "header is for files without a line of names, columns says what that line must be"
        yield given.mistake("columns", what, "keep one of them")


def _keep(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places:
        yield Mistake(given.place, "records says nothing", "write records: $.data[*], or leave it out")
    if "keep" in given.places and "explode" not in given.places:
        todo = "add explode: the list whose items become the records"
        yield given.mistake("keep", "keep has no meaning without explode", todo)
    for key in ("optional", "key_as"):
        if given.get(key) and "path" not in given.places:
            yield given.mistake(key, f"{key} has no meaning without path", "add path: where the records are")


def _rows(given: Given, _: Reading) -> Iterator[Mistake]:
    sources = [key for key in ("row_of", "rows") if key in given.places]
    if not sources:
        yield Mistake(given.place, "for_each says no rows", "add row_of: STREAM, or rows: [{id: 1}]")
    if len(sources) > 1:
        yield given.mistake("rows", "row_of and rows are two sources of rows", "keep one of them")
    for key in sources:
        if given.get(key) == ():
            yield given.mistake(key, f"{key} is empty", "name at least one")
    if "batch" in given.places and "add" in given.places:
        todo = "leave batch or add out"
        yield given.mistake("add", "add cannot tell from which row of a batch a record comes", todo)


def _fields(given: Given, _: Reading) -> Iterator[Mistake]:
    """Rows that the spec names have the fields that are added."""
    rows, added = given.get("rows"), given.get("add")
    for name in (added or {}).values():
        if rows and not any(name.partition(".")[0] in row for row in rows):
            yield given.mistake("add", f"no row has the field {name}", f"known here: {', '.join(rows[0])}")


def amount(kind: str, key: str, word: Word) -> Any:
    """What `start`, `end` or `lookback` of an incremental stream says: as written, a number, or seconds.

    Raises:
        ValueError: it is none of its type; the text says what to write.
    """
    value = word.value
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "number":
        if number and (key != "lookback" or value >= 0):  # type: ignore[operator] # a number, as was asked
            return value
        raise ValueError("write a number, without quotes")
    if key == "lookback":
        return _seconds(word)
    if kind == "text":
        return word.text
    return _moment(word)


def _seconds(word: Word) -> float:
    try:
        return seconds(word.text)
    except ValueError:
        raise ValueError("write a duration such as 1h") from None


def _moment(word: Word) -> str:
    try:
        instant(word.text)
    except ValueError:
        raise ValueError("write a moment such as 2022-01-01 or 2022-01-01T12:00:00Z") from None
    return word.text


def _amounts(given: Given, _: Reading) -> Iterator[Mistake]:
    kind = given.get("type", "timestamp")
    for key in ("start", "end", "lookback"):
        word = given.get(key)
        if word is None:
            continue
        if kind == "text" and key == "lookback":
            yield given.mistake(key, "lookback has no meaning for text", "leave it out")
            continue
        try:
            amount(kind, key, word)
        except ValueError as error:
            what = "duration" if key == "lookback" and kind == "timestamp" else kind
            yield given.mistake(key, f"{word.shown} in {key} is no {what}", str(error))


FORMAT_RULES = (Rule(("type", *_CSV), _csv),)
RECORDS_RULES = (Rule((), _keep),)
FOR_EACH_RULES = (Rule(("row_of", "rows"), _rows), Rule(("rows", "add"), _fields))
INCREMENTAL_RULES = (Rule(("type",), _amounts),)
