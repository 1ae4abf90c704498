"""Rules of values, made ready: each a test, and the words for what it expects."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from levada.contract import pattern
from levada.contract.model import Field, Literals
from levada.contract.values import EXPECTED, Reader, shown
from levada.errors import FixThis

__all__ = ["Rule", "rules"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on the values of a field; null is not tested."""

    #: As the spec writes it.
    name: str
    good: Callable[[Any], bool]
    #: Completes the sentence "expected …".
    expected: str


def rules(field: Field, read: Reader) -> tuple[Rule, ...]:
    """The rules of `field` in the order in which their violations are told.

    Raises:
        FixThis: a rule does not fit the field's type, or RE2 refuses the pattern.
    """
    made: list[Rule] = []
    if field.enum:
        allowed = frozenset(_value(field, "enum", each, read) for each in field.enum)
        made.append(Rule("enum", allowed.__contains__, "one of " + shown(_listed(field.enum))))
    if field.min is not None:
        low = _value(field, "min", field.min, read)
        made.append(Rule("min", partial(operator.le, low), f"at least {_text(field.min)}"))
    if field.max is not None:
        high = _value(field, "max", field.max, read)
        made.append(Rule("max", partial(operator.ge, high), f"at most {_text(field.max)}"))
    if field.pattern is not None:
        made.append(_matches(field, field.pattern))
    if field.equals is not None:
        only = _value(field, "equals", field.equals, read)
        made.append(Rule("equals", partial(operator.eq, only), _text(field.equals)))
    return tuple(made)


def _matches(field: Field, text: str) -> Rule:
    if field.type != "string":
        raise _misfit(field, f"`pattern` is for strings; `{field.name}` is {field.type}.", "Use min, max or enum.")
    try:
        search = pattern.compile(text).search
    except ValueError as error:
        raise _misfit(
            field,
            f"RE2 refuses the pattern of `{field.name}`: {error}.",
            "Mend the pattern; RE2 knows neither look-around nor back-references.",
        ) from None
    return Rule("pattern", lambda value: search(value) is not None, f"text that matches {text}")


def _value(field: Field, rule: str, literal: Literals, read: Reader) -> Any:
    """The literal as the field's own type; a filled template is text, so text may also be the JSON of the value."""
    forms = [msgspec.json.encode(literal)]
    if isinstance(literal, str) and field.type != "date":
        forms.append(literal.encode())
    for form in forms[:1] if field.type == "string" else forms:
        try:
            value = read(form)
        except ValueError:
            continue
        if value is not None:
            return value
    raise _misfit(
        field,
        f"`{rule}` of `{field.name}` is {shown(forms[0])}, which is not {EXPECTED[field.type]}.",
        "Write a value of the field's type, or change the type.",
    )


def _misfit(field: Field, what: str, todo: str) -> FixThis:
    return FixThis(what, where=str(field.place or ""), todo=todo)


def _text(literal: Literals) -> str:
    return shown(msgspec.json.encode(literal))


def _listed(literals: tuple[Literals, ...]) -> bytes:
    return b", ".join(msgspec.json.encode(each) for each in literals)
