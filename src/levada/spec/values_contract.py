"""How the values of a contract are read: types, paths, lengths. Pure."""

import re
from typing import NamedTuple, get_args

from levada import jsonpath
from levada.contract.model import FieldType, Length
from levada.spec.engine import Value, Wrong
from levada.spec.meant import nearest
from levada.spec.tree import Word
from levada.spec.values import text

__all__ = ["Typed", "condition", "field_type", "length", "source"]

#: Digits that a decimal may have; no file format has room for more.
_DIGITS = 38
_DECIMAL = re.compile(r"decimal\( *([0-9]{1,2}) *, *([0-9]{1,2}) *\)")
_LENGTH = re.compile(r"([0-9]{1,9})(?:\.\.([0-9]{1,9})?)?|\.\.([0-9]{1,9})")
#: All but decimal, which says its digits.
_BARE: tuple[FieldType, ...] = tuple(kind for kind in get_args(FieldType) if kind != "decimal")
#: Words of other tools, and what to do about them.
_OTHERS = {
    **dict.fromkeys(("datetime", "date-time", "timestamptz"), "did you mean timestamp?"),
    **dict.fromkeys(("int", "integer", "long", "bigint"), "did you mean int64?"),
    **dict.fromkeys(("float", "double", "number"), "did you mean float64?"),
    **dict.fromkeys(("text", "str", "varchar"), "did you mean string?"),
    **dict.fromkeys(("bytes", "blob"), "did you mean binary?"),
    **dict.fromkeys(("object", "dict", "record"), "did you mean struct, or json for an object as it is?"),
    "array": "did you mean list?",
    **dict.fromkeys(("decimal", "numeric"), "write all digits and those after the point: decimal(10,2)"),
}


class Typed(NamedTuple):
    """The type of a field, with the digits of a decimal."""

    type: FieldType
    precision: int = 0
    scale: int = 0


def _field_type(word: Word) -> Typed:
    for kind in _BARE:
        if word.text == kind:
            return Typed(kind)
    if found := _DECIMAL.fullmatch(word.text):
        return _decimal(word, int(found[1]), int(found[2]))
    if re.fullmatch(r"decimal\( *[0-9]+", word.text):
        todo = 'put quotes around it, because a comma ends a value within {...}: "decimal(10,2)"'
        raise Wrong(f"{word.shown} ends at its comma", todo)
    if word.text.lower() in _OTHERS:
        raise Wrong(f"{word.shown} is not known here", _OTHERS[word.text.lower()])
    near = None if word.origin else nearest(word.text, _BARE)
    known = f"use {', '.join(_BARE)} or decimal(10,2)"
    raise Wrong(f"{word.shown} is not known here", f"did you mean {near}?" if near else known)


def _decimal(word: Word, precision: int, scale: int) -> Typed:
    if not 1 <= precision <= _DIGITS or scale > precision:
        todo = f"write all digits (1 to {_DIGITS}) and how many of them are after the point: decimal(10,2)"
        raise Wrong(f"{word.shown} is no decimal that there can be", todo)
    return Typed("decimal", precision, scale)


field_type = Value(_field_type, f"{', '.join(_BARE)} or decimal(10,2)", choices=_BARE)


def _source(word: Word) -> str:
    path = str(text().parse(word))
    if not path.startswith("$"):
        return path
    if wrong := jsonpath.problem(path):
        raise Wrong(f"{word.shown} is no JSONPath: {wrong}", "write one such as $.address.city")
    steps = jsonpath.simple(path)
    if not steps or None in steps or not isinstance(steps[0], str):
        todo = "write a path of names and indexes, such as $.address.city or $.tags[0]"
        raise Wrong(f"{word.shown} leads to no one value of a record", todo)
    return path


source = Value(_source, "a key, or a JSONPath such as $.address.city")


def _length(word: Word) -> Length:
    found = _LENGTH.fullmatch(word.text)
    if not found:
        raise Wrong(f"{word.shown} is no length", 'write a number, or two with dots between: 3, "1..10", "1.."')
    exact, high, only_high = found.groups()
    if exact is None:
        return Length(0, int(only_high))
    if ".." not in word.text:
        return Length(int(exact), int(exact))
    made = Length(int(exact), int(high) if high else None)
    if made.max is not None and made.max < made.min:
        raise Wrong(f"{word.shown} ends before it begins: no value can be good", "swap the numbers")
    return made


length = Value(_length, 'a number, or two with dots between: 3, "1..10", "1.."')


def _condition(word: Word) -> Word:
    return word


#: Kind of a value of another field, whose type decides what it is; null is one too.
condition = Value(_condition, "a value of that field, or null", null=True)
