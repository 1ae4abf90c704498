"""Rules of values, made ready: each a test, and the words for what it expects."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import msgspec

from levada.contract import pattern
from levada.contract.model import Contract, Field, FieldType, Length, Literals
from levada.contract.storable import LONG, is_jsonb, is_text, takes
from levada.contract.values import Reader, expected, plain_reader, shown
from levada.errors import FixThis

__all__ = ["NO_LITERALS", "Rule", "When", "literal", "misfit", "rules", "see_tuples", "whens"]

#: Types whose values nobody can write down to compare with.
NO_LITERALS: tuple[FieldType, ...] = ("list", "struct", "json", "binary")
#: Types whose literals may be written as text that is the JSON of the value: a filled template is text.
_BARE: tuple[FieldType, ...] = ("int32", "int64", "float64", "decimal", "boolean")
#: What `length` counts.
_COUNTED = {"string": "characters", "binary": "bytes", "list": "items"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand on the values of a field; null is not tested."""

    #: As the spec writes it.
    name: str
    good: Callable[[Any], bool]
    #: Completes the sentence "expected …".
    expected: str
    #: Bytes without which the JSON of records, where nothing is packed in texts, holds no value that breaks it.
    needs: bytes = b""

    def idle(self, text: bytes | None) -> bool:
        """Whether no value in the JSON of records can break it; None where values may be packed."""
        return text is not None and self.needs != b"" and self.needs not in text and len(text) <= LONG


@dataclass(frozen=True, slots=True)
class When:
    """A field that is null exactly where others have certain values."""

    name: str
    #: Field -> its values there, None among them for null.
    others: tuple[tuple[str, frozenset[Any]], ...]
    #: `status is "cancelled"`.
    said: str

    def broken(self, row: dict[str, Any]) -> bool:
        """Whether a row, good but for this, has null where it must not, or a value where null must be."""
        return (row[self.name] is None) != all(row[other] in values for other, values in self.others)


def see_tuples(noun: Contract | Field) -> None:
    """Refuse lists, sets and the like where a contract that Python code made has them: they can change.

    Raises:
        FixThis: names the first of them.
    """
    for each in fields(noun):
        value = getattr(noun, each.name)
        several = each.default == () or each.name == "fields"
        inner = [one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, Field)]
        for one in inner:
            see_tuples(one)
        if (several and not isinstance(value, tuple)) or not (inner or _hashable(value)):
            what = (
                f"`{each.name}` of `{getattr(noun, 'name', 'the contract')}` is {value!r}, which is no tuple of values."
            )
            raise FixThis(what, where=str(noun.place or ""), todo="Write tuples, of tuples where there are several.")


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def rules(field: Field) -> tuple[Rule, ...]:
    """The rules of `field` in the order in which their violations are told.

    Raises:
        FixThis: a rule does not fit the field's type, or RE2 refuses the pattern.
    """
    read = _literals(field)
    made: list[Rule] = []
    if field.enum:
        allowed = frozenset(literal(field, "enum", each, read) for each in field.enum)
        made.append(Rule("enum", allowed.__contains__, "one of " + shown(_listed(field.enum))))
    if field.min is not None:
        low = literal(field, "min", field.min, read)
        made.append(Rule("min", partial(operator.le, low), f"at least {_text(field.min)}"))
    if field.max is not None:
        high = literal(field, "max", field.max, read)
        made.append(Rule("max", partial(operator.ge, high), f"at most {_text(field.max)}"))
    if field.pattern is not None:
        made.append(_matches(field, field.pattern))
    if field.length is not None:
        made.append(_long(field, field.length))
    if field.equals is not None:
        only = literal(field, "equals", field.equals, read)
        made.append(Rule("equals", partial(operator.eq, only), _text(field.equals)))
    if field.within is not None:
        made.append(_within(field, *field.within, read))
    return (*made, *_stored(field))


def _within(field: Field, start: str, end: str, read: Reader | None) -> Rule:
    first, stop = (literal(field, "within", text, read) for text in (start, end))
    return Rule("within", lambda value: first <= value < stop, f"a value from {start} on, before {end}")


def _stored(field: Field) -> Iterator[Rule]:
    """What PostgreSQL demands of values of a type."""
    if field.postgres and field.type == "string":
        yield Rule("postgres", is_text, "text that PostgreSQL stores, which stores no NUL", needs=b"\\u0000")
    if field.postgres and field.type == "json":
        said = "JSON that PostgreSQL stores, which stores no NUL, no half surrogate pair and no number beyond numeric"
        yield Rule("postgres", is_jsonb, said)
    if field.indexed and field.type in ("string", "binary"):
        yield Rule(
            "postgres", partial(takes, most=field.indexed), f"up to {field.indexed} bytes, as PostgreSQL's index"
        )


def _literals(field: Field) -> Reader | None:
    """How literals of a spec are read: by the type alone, and 0 is a float64 there."""
    return None if field.type in NO_LITERALS else plain_reader(replace(field, decode=None, parse=()), strict=False)


def _matches(field: Field, text: str) -> Rule:
    if field.type != "string":
        raise misfit(field, f"`pattern` is for strings; `{field.name}` is {field.type}.", "Use min, max or enum.")
    try:
        search = pattern.compile(text).search
    except ValueError as error:
        raise misfit(
            field,
            f"RE2 refuses the pattern of `{field.name}`: {error}.",
            "Mend the pattern; RE2 knows neither look-around nor back-references.",
        ) from None
    return Rule("pattern", lambda value: search(value) is not None, f"text that matches {text}")


def _long(field: Field, length: Length) -> Rule:
    if field.type not in _COUNTED:
        what = f"`length` is for {', '.join(_COUNTED)}; `{field.name}` is {field.type}."
        raise misfit(field, what, "Leave it out.")
    low, high = length
    if high is None:
        return Rule("length", lambda value: len(value) >= low, f"at least {low} {_COUNTED[field.type]}")
    counted = f"{low} to {high}" if low != high else f"exactly {low}"
    return Rule("length", lambda value: low <= len(value) <= high, f"{counted} {_COUNTED[field.type]}")


def literal(field: Field, rule: str, written: Literals, read: Reader | None = None) -> Any:
    """The literal as the field's own type.

    Raises:
        FixThis: it is no value of the type, or no literal is.
    """
    read = read or _literals(field)
    if read is None:
        raise misfit(field, f"`{rule}` has no meaning for a {field.type} (`{field.name}`).", "Leave it out.")
    try:
        forms = [msgspec.json.encode(written)]
    except TypeError:
        raise misfit(
            field, f"`{rule}` of `{field.name}` is {written!r}.", "Write a text, a number or a bool."
        ) from None
    if isinstance(written, str) and field.type in _BARE:
        forms.append(written.encode())
    for form in forms:
        try:
            value = read(form)
        except ValueError:
            continue
        if value is not None:
            return value
    typed = expected(replace(field, parse=()), strict=False)
    raise misfit(
        field,
        f"`{rule}` of `{field.name}` is {shown(forms[0])}, which is not {typed}.",
        "Write a value of the field's type, or change the type.",
    )


def whens(contract: Contract) -> tuple[When, ...]:
    """Every `null_exactly_when` of a contract.

    Raises:
        FixThis: it names a field that there is not, or values that are not of its type.
    """
    known = {field.name: field for field in contract.fields}
    return tuple(_when(field, known) for field in contract.fields if field.null_exactly_when)


def _when(field: Field, known: dict[str, Field]) -> When:
    others = []
    pairs: tuple[Any, ...] = field.null_exactly_when  # of Python code, which may give anything
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], tuple)):  # noqa: PLR2004 - a pair
            what = f"`null_exactly_when` of `{field.name}` has {pair!r}, which is no field with a tuple of values."
            raise misfit(field, what, 'Write it as (("status", ("cancelled", None)),).')
        name, values = pair
        if name not in known or name == field.name:
            what = f"`null_exactly_when` of `{field.name}` names `{name}`, which is no other field."
            raise misfit(field, what, f"Name one of {', '.join(sorted(known.keys() - {field.name}))}.")
        typed = (None if one is None else literal(known[name], "null_exactly_when", one) for one in values)
        others.append((name, frozenset(typed)))
    said = " and ".join(_is(name, values) for name, values in field.null_exactly_when)
    return When(field.name, tuple(others), said)


def _is(name: str, values: tuple[Literals | None, ...]) -> str:
    return f"{name} is {' or '.join(msgspec.json.encode(one).decode() for one in values)}"


def misfit(field: Field, what: str, todo: str) -> FixThis:
    """A rule that does not fit its field."""
    return FixThis(what, where=str(field.place or ""), todo=todo)


def _text(value: Literals) -> str:
    return shown(msgspec.json.encode(value))


def _listed(values: tuple[Literals, ...]) -> bytes:
    return b", ".join(msgspec.json.encode(each) for each in values)
