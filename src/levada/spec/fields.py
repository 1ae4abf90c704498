"""The rules of a contract's fields that can be checked before any record: types, bounds, patterns. Pure."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec

from levada.contract.clashes import clash
from levada.contract.forms import WORDS, form
from levada.contract.model import Field, FieldType, Literals
from levada.contract.pattern import problem
from levada.contract.rules import NO_LITERALS
from levada.contract.values import expected, plain_reader
from levada.spec.engine import Given, Reading, Rule
from levada.spec.partition import of_day, values
from levada.spec.template import fill, parse, variables
from levada.spec.tree import Mistake, Plain, Word

__all__ = ["FIELD_RULES", "bare", "field", "filled", "plain", "typed"]

_INTEGERS = {"int32": 2**31, "int64": 2**63}
_SAYS = {
    "string": 'text (put quotes around it if it looks like a number or true: "1")',
    "int32": f"a whole number from {-(2**31)} to {2**31 - 1}, without quotes",
    "int64": f"a whole number from {-(2**63)} to {2**63 - 1}, without quotes",
    "float64": "a number, without quotes",
    "boolean": "true or false, without quotes",
    "date": "a day such as 2022-08-09",
}
_ORDERED = ("int32", "int64", "float64", "decimal", "date", "timestamp", "time")
_COUNTED = ("string", "binary", "list")
#: Keys that go with one type alone.
_OF_ONE = {"timezone": "timestamp", "items": "list", "fields": "struct", "pattern": "string"}


def bare(given: Given) -> Field:
    """A field as far as its literals hang on it: type, digits, time zone."""
    kind = given.values["type"]
    return Field(given.path[-1], kind.type, timezone=given.get("timezone"), precision=kind.precision, scale=kind.scale)


def typed(field: Field, value: Plain) -> Literals:
    """`value` as a literal of a field's type; days, moments and the like stay text.

    Raises:
        ValueError: it is none.
    """
    match field.type, value:
        case "string", str():
            return value
        case "boolean", bool():
            return value
        case "float64", (int() | float()) if not isinstance(value, bool) and math.isfinite(_float(value)):
            return _float(value)
        case (("int32" | "int64"), int()) if (
            not isinstance(value, bool) and -_INTEGERS[field.type] <= value < _INTEGERS[field.type]
        ):
            return value
        case (("date" | "timestamp" | "time" | "uuid"), str()) if _reads(field, value):
            return value
        case "decimal", (str() | int() | float()) if not isinstance(value, bool) and _reads(field, value):
            return value
    raise ValueError(f"write {_SAYS.get(field.type) or expected(field, strict=False)}")


def _reads(field: Field, value: str | float) -> bool:
    try:
        return plain_reader(field, strict=False)(msgspec.json.encode(value)) is not None
    except (ValueError, OverflowError):  # the latter for integers of more than 64 bits
        return False


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def plain(kind: FieldType, word: Word) -> Plain:
    """What a word is for a field: text that a variable gave needs no quotes to be a string."""
    return word.text if kind == "string" and "${" in word.written else word.value


def _fits(given: Given, key: str, words: tuple[Word, ...]) -> Iterator[Mistake]:
    field = bare(given)
    for word in words if field.type not in NO_LITERALS else ():
        try:
            typed(field, plain(field.type, word))
        except ValueError as error:
            yield Mistake(word.place, f"{word.shown} in {key} is no {field.type}", str(error))


def _suits(given: Given, reading: Reading) -> Iterator[Mistake]:
    """Keys that have no meaning for the type, and those that it needs."""
    kind = given.values["type"].type
    for key, only in _OF_ONE.items():
        if key in given.values and kind != only:
            yield given.mistake(key, f"{key} has no meaning for a {kind}", f"use it for {only}")
    for key in ("enum", "equals"):
        if key in given.values and kind in NO_LITERALS:
            yield given.mistake(key, f"{key} has no meaning for a {kind}", "leave it out")
    if "length" in given.values and kind not in _COUNTED:
        yield given.mistake("length", f"length has no meaning for a {kind}", f"use it for {', '.join(_COUNTED)}")
    if kind == "list" and "items" not in given.places:
        yield Mistake(given.place, "a list lacks the key items", "say what it holds: {type: list, items: string}")
    if kind == "struct" and not given.get("fields", True):
        yield given.mistake("fields", "the struct has no fields", "write each as `name: type`")
    if kind == "struct" and "fields" not in given.places:
        yield Mistake(
            given.place, "a struct lacks the key fields", "name its parts: {type: struct, fields: {a: int64}}"
        )
    yield from _of_columns(given, reading)


def _of_columns(given: Given, reading: Reading) -> Iterator[Mistake]:
    outer = [reading.kinds.get(given.path[:-up]) for up in (1, 2)]
    inner = any(section is not None and section.noun == "a field" for section in outer)
    for key in ("unique", "null_exactly_when") if inner else ():
        if key in given.values:
            yield given.mistake(key, f"{key} is for whole columns, not for parts of lists and structs", "leave it out")
    kind = given.values["type"].type
    if given.get("unique") and kind in ("list", "struct", "json"):
        yield given.mistake("unique", f"unique has no meaning for a {kind}", "leave it out")


def _forms(given: Given, _: Reading) -> Iterator[Mistake]:
    field = bare(given)
    words: tuple[Word, ...] = given.get("parse", ())
    if "parse" in given.values and not words:
        yield given.mistake("parse", "parse names no form", "name one, or leave the key out")
    fitting: list[Word] = []
    for word in words:
        try:
            form(word.text, field)
        except ValueError as error:
            yield Mistake(word.place, f"{word.shown} in parse: {error}", _form_meant(field.type))
            continue
        yield from _beside(field, word, fitting)
        fitting.append(word)


def _beside(field: Field, word: Word, others: list[Word]) -> Iterator[Mistake]:
    """A form that stands twice, or reads what another one reads as another value."""
    for other in others:
        if other.text == word.text:
            yield Mistake(word.place, f"{word.shown} stands in parse twice", "leave one of them out")
        elif text := clash(other.text, word.text, field):
            what = f"{word.shown} and {other.shown} in parse read {text} as different values: which is meant is a guess"
            yield Mistake(word.place, what, "leave one of them out")


def _form_meant(kind: FieldType) -> str:
    fitting = [word for word, kinds in WORDS.items() if kind in kinds]
    if kind in ("date", "time", "timestamp"):
        fitting.append({"date": "%d/%m/%Y", "time": "%I:%M %p", "timestamp": '"%Y-%m-%d %H:%M %z"'}[kind])
    return f"use {', '.join(fitting)}" if fitting else f"leave it out: a {kind} has no other forms"


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
    field = bare(given)
    kind = field.type
    found = {key: given.values[key] for key in ("min", "max") if isinstance(given.get(key), Word)}
    if kind not in _ORDERED:
        for key in found:
            yield given.mistake(key, f"{key} has no meaning for a {kind}", f"use it for {', '.join(_ORDERED)}")
        return
    wrong = [mistake for key, word in found.items() for mistake in _fits(given, key, (word,))]
    yield from wrong
    if len(found) == 2 and not wrong and _above(field, found["min"], found["max"]):  # noqa: PLR2004 - min and max
        yield given.mistake("min", "min is above max: no value can be good", "swap them")


def _above(field: Field, low: Word, high: Word) -> bool:
    read = plain_reader(field, strict=False)
    one, other = (read(msgspec.json.encode(typed(field, word.value))) for word in (low, high))
    return bool(one > other)


def _pattern(given: Given, _: Reading) -> Iterator[Mistake]:
    if given.values["type"].type == "string" and (wrong := problem(given.get("pattern", ""))):
        todo = "write RE2 (no look-around, no back-references): https://github.com/google/re2/wiki/Syntax"
        yield given.mistake("pattern", f"the pattern is no RE2: {wrong}", todo)


def _equals(given: Given, _: Reading) -> Iterator[Mistake]:
    """What equals says, filled with some day, must be a value of the type that the other rules allow."""
    word, field = given.get("equals"), bare(given)
    if word is None or field.type in NO_LITERALS:
        return
    try:
        value = _equal_to(field, _literal(field.type, word))
    except ValueError as error:
        yield given.mistake("equals", f"{word.shown} in equals is no {field.type}", str(error))
        return
    allowed = [plain(field.type, item) for item in given.get("enum", ())]
    if allowed and value not in allowed and _constant(word):
        yield given.mistake("equals", "equals is none of the values of enum: no value can be good", "leave one out")


def _constant(word: Word) -> bool:
    return not variables(parse(word.literal))


def _equal_to(field: Field, written: Literals) -> Literals:
    """What `equals` demands on some day. Raises ValueError when that is no value of the type."""
    if not isinstance(written, str):
        return typed(field, written)
    return filled(field, written, values("pipeline", "stream", of_day(date(2022, 12, 31))))


def filled(field: Field, written: str, known: Any) -> Literals:
    """The template of an `equals` filled with `known`, as a literal of the field's type.

    Raises:
        ValueError: what comes out is no value of the type.
    """
    template = parse(written)
    text = fill(template, known)
    number = field.type in _INTEGERS and variables(template) and re.fullmatch(r"[0-9]{1,19}", text)
    return typed(field, int(text) if number else text)


def _literal(kind: FieldType, word: Word) -> Literals:
    """What a contract holds for the word of an `equals`: a number or true as such, text as a template."""
    value = plain(kind, word)
    return word.literal if isinstance(value, str) or value is None else value


FIELD_RULES = (
    Rule(("type", "enum"), _enum),
    Rule(("type",), _bounds),
    Rule(("type", "pattern"), _pattern),
    Rule(("type", "enum", "equals"), _equals),
    Rule(("type", "fields", "items"), _suits),
    Rule(("type", "timezone", "parse"), _forms),
)
#: Keys whose names are words of Python, or say what one thinks of and not what the noun is.
_NOUNS = {"from": "source", "items": "item", "fields": "parts"}


def field(given: Given) -> Field:
    """The noun of a field whose rules were checked; `null_exactly_when` is typed when all fields are known."""
    made = bare(given)
    found: dict[str, Any] = {_NOUNS.get(key, key): value for key, value in given.values.items() if key != "type"}
    for key in ("min", "max"):
        if key in found:
            found[key] = typed(made, found[key].value)
    if "enum" in found:
        found["enum"] = tuple(typed(made, plain(made.type, word)) for word in found["enum"])
    if "equals" in found:
        found["equals"] = _literal(made.type, found["equals"])
    if "parse" in found:
        found["parse"] = tuple(word.text for word in found["parse"])
    if "item" in found:
        found["item"] = replace(found["item"], name="item")
    if "parts" in found:
        found["parts"] = tuple(found["parts"].values())
    if "null_exactly_when" in found:
        found["null_exactly_when"] = tuple(found["null_exactly_when"].items())
    return replace(made, place=given.place, **found)
