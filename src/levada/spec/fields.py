"""The rules of a contract's fields that can be checked before any record: types, bounds, patterns. Pure."""

import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from levada.contract.model import Field, FieldType, Literals
from levada.contract.pattern import problem
from levada.spec.engine import Given, Reading, Rule
from levada.spec.partition import of_day, values
from levada.spec.template import fill, parse, variables
from levada.spec.tree import Mistake, Plain, Word

__all__ = ["FIELD_RULES", "field", "filled", "typed"]

_INTEGERS = {"int32": 2**31, "int64": 2**63}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SAYS = {
    "string": 'text (put quotes around it if it looks like a number or true: "1")',
    "int32": f"a whole number from {-(2**31)} to {2**31 - 1}, without quotes",
    "int64": f"a whole number from {-(2**63)} to {2**63 - 1}, without quotes",
    "float64": "a number, without quotes",
    "boolean": "true or false, without quotes",
    "date": "a day such as 2022-08-09",
}
_ORDERED = ("int32", "int64", "float64", "date")


def typed(kind: FieldType, value: Plain) -> Literals:
    """`value` as a literal of a field's type; days stay ISO text.

    Raises:
        ValueError: it is none.
    """
    match kind, value:
        case "string", str():
            return value
        case "date", str() if _is_day(value):
            return value
        case "boolean", bool():
            return value
        case "float64", (int() | float()) if not isinstance(value, bool) and math.isfinite(_float(value)):
            return _float(value)
        case (("int32" | "int64"), int()) if (
            not isinstance(value, bool) and -_INTEGERS[kind] <= value < _INTEGERS[kind]
        ):
            return value
    raise ValueError(f"write {_SAYS[kind]}")


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _plain(kind: FieldType, word: Word) -> Plain:
    """What a word is for a field: text that a variable gave needs no quotes to be a string."""
    return word.text if kind == "string" and "${" in word.written else word.value


def _fits(given: Given, key: str, words: tuple[Word, ...]) -> Iterator[Mistake]:
    kind = given.values["type"]
    for word in words:
        try:
            typed(kind, _plain(kind, word))
        except ValueError as error:
            yield Mistake(word.place, f"{word.shown} in {key} is no {kind}", str(error))


def _enum(given: Given, _: Reading) -> Iterator[Mistake]:
    words = given.get("enum", ())
    if "enum" in given.values and not words:
        yield given.mistake("enum", "enum allows no value at all", "list the values, or leave the key out")
    yield from _fits(given, "enum", words)
    seen: set[str] = set()
    for word in words:
        if word.text in seen:
            yield Mistake(word.place, f"{word.shown} stands in enum twice", "leave one of them out")
        seen.add(word.text)


def _bounds(given: Given, _: Reading) -> Iterator[Mistake]:
    kind = given.values["type"]
    found = {key: given.values[key] for key in ("min", "max") if isinstance(given.get(key), Word)}
    if kind not in _ORDERED:
        for key in found:
            yield given.mistake(key, f"{key} has no meaning for a {kind}", f"use it for {', '.join(_ORDERED)}")
        return
    wrong = [mistake for key, word in found.items() for mistake in _fits(given, key, (word,))]
    yield from wrong
    if len(found) == 2 and not wrong and _above(kind, found["min"], found["max"]):  # noqa: PLR2004 - min and max
        yield given.mistake("min", "min is above max: no value can be good", "swap them")


def _above(kind: FieldType, low: Word, high: Word) -> bool:
    one: Any = typed(kind, low.value)
    return bool(one > typed(kind, high.value))


def _pattern(given: Given, _: Reading) -> Iterator[Mistake]:
    if "pattern" not in given.values:
        return
    if given.values["type"] != "string":
        yield given.mistake("pattern", f"pattern has no meaning for a {given.values['type']}", "use it for string")
    elif wrong := problem(given.values["pattern"]):
        todo = "write RE2 (no look-around, no back-references): https://github.com/google/re2/wiki/Syntax"
        yield given.mistake("pattern", f"the pattern is no RE2: {wrong}", todo)


def _equals(given: Given, _: Reading) -> Iterator[Mistake]:
    """What equals says, filled with some day, must be a value of the type that the other rules allow."""
    word = given.get("equals")
    if word is None:
        return
    try:
        value = _equal_to(given.values["type"], _literal(given.values["type"], word))
    except ValueError as error:
        yield given.mistake("equals", f"{word.shown} in equals is no {given.values['type']}", str(error))
        return
    if (
        given.get("enum")
        and value not in [_plain(given.values["type"], item) for item in given.values["enum"]]
        and _constant(word)
    ):
        yield given.mistake("equals", "equals is none of the values of enum: no value can be good", "leave one out")


def _constant(word: Word) -> bool:
    return not variables(parse(word.literal))


def _equal_to(kind: FieldType, written: Literals) -> Literals:
    """What `equals` demands on some day. Raises ValueError when that is no value of the type."""
    if not isinstance(written, str):
        return typed(kind, written)
    return filled(kind, written, values("pipeline", "stream", of_day(date(2022, 12, 31))))


def filled(kind: FieldType, written: str, known: Any) -> Literals:
    """The template of an `equals` filled with `known`, as a literal of the field's type.

    Raises:
        ValueError: what comes out is no value of the type.
    """
    template = parse(written)
    text = fill(template, known)
    number = kind in _INTEGERS and variables(template) and re.fullmatch(r"[0-9]{1,19}", text)
    return typed(kind, int(text) if number else text)


def _literal(kind: FieldType, word: Word) -> Literals:
    """What a contract holds for the word of an `equals`: a number or true as such, text as a template."""
    value = _plain(kind, word)
    return word.literal if isinstance(value, str) or value is None else value


FIELD_RULES = (
    Rule(("type", "enum"), _enum),
    Rule(("type",), _bounds),
    Rule(("type", "pattern"), _pattern),
    Rule(("type", "enum", "equals"), _equals),
)


def field(given: Given) -> Field:
    """The noun of a field whose rules were checked."""
    found = dict(given.values)
    kind = found["type"]
    for key in ("min", "max"):
        if key in found:
            found[key] = typed(kind, found[key].value)
    if "enum" in found:
        found["enum"] = tuple(typed(kind, _plain(kind, word)) for word in found["enum"])
    if "equals" in found:
        found["equals"] = _literal(kind, found["equals"])
    return Field(name=given.path[-1], place=given.place, **found)
