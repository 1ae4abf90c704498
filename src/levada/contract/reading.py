"""Fields made ready, and the value of each found in a record: where it is, unpacked, read, held to its rules.

What is wrong is collected, never raised: a record is told with all that is wrong in it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from levada import jsonpath
from levada.contract.forms import form
from levada.contract.model import Contract, Decode, Field
from levada.contract.packed import PACKED, unpacked
from levada.contract.rules import Rule, misfit, rules
from levada.contract.values import Reader, Unfit, expected, keyed, plain_reader, shown
from levada.nouns import Violation

__all__ = ["Found", "Named", "named", "repeated", "root", "taken", "unlike"]

_items: Callable[[msgspec.Raw | bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Named:
    """A field made ready."""

    name: str
    optional: bool
    #: Keys and indexes that lead to the value in a record; one key for nearly all.
    steps: tuple[str | int, ...]
    #: What its first key is packed in, by the contract, and what the value itself is.
    outer: Decode | None
    inner: Decode | None
    #: Reads a value of any type but list and struct.
    read: Reader | None
    item: "Named | None"
    parts: "tuple[Named, ...]"
    rules: tuple[Rule, ...]
    #: Completes the sentence "expected …".
    expected: str


@dataclass(slots=True)
class Found:
    """What is wrong in a record, and the keys within its structs that the contract does not name."""

    violations: list[Violation] = field(default_factory=list)
    #: By path.
    beyond: dict[str, msgspec.Raw] = field(default_factory=dict)


class _Bad(Exception):
    """A value that cannot be come by."""

    def __init__(self, rule: str, expected: str, raw: msgspec.Raw) -> None:
        super().__init__(rule)
        self.rule, self.expected, self.raw = rule, expected, raw


def root(field: Field) -> str:
    """The key of a record in which the value of a field is."""
    return str(_steps(field)[0])


def named(contract: Contract) -> tuple[Named, ...]:
    """The fields of a contract, made ready.

    Raises:
        FixThis: a rule, a form or a path does not fit its field.
    """
    outer = dict(contract.decode)
    return tuple(_named(each, outer, strict=contract.strict) for each in contract.fields)


def _named(field: Field, outer: Mapping[str, Decode], *, strict: bool) -> Named:
    return Named(
        name=field.name,
        optional=field.optional,
        steps=_steps(field),
        outer=outer.get(root(field)),
        inner=field.decode,
        read=_reader(field, strict=strict) if field.type not in ("list", "struct") else None,
        item=_inner(field.item, strict=strict) if field.item else None,
        parts=tuple(_inner(part, strict=strict) for part in field.parts),
        rules=rules(field),
        expected=expected(field, strict=strict),
    )


def _inner(field: Field, *, strict: bool) -> Named:
    if field.unique or field.null_exactly_when:
        rule = "unique" if field.unique else "null_exactly_when"
        raise misfit(field, f"`{rule}` of `{field.name}` stands in a list or struct.", "Use it for whole columns.")
    return _named(field, {}, strict=strict)


def _steps(field: Field) -> tuple[str | int, ...]:
    if field.source is None or not field.source.startswith("$"):
        return (field.name if field.source is None else field.source,)
    steps = jsonpath.simple(field.source)
    if not steps or None in steps or not isinstance(steps[0], str):
        what = f"`from` of `{field.name}` is {field.source}, which leads to no one value of a record."
        raise misfit(field, what, "Write a path of names and indexes, such as $.address.city or $.tags[0].")
    return tuple(step for step in steps if step is not None)


def _reader(field: Field, *, strict: bool) -> Reader:
    own = plain_reader(field, strict=strict)
    if not field.parse:
        return own
    try:
        forms = tuple(form(word, field) for word in field.parse)
    except ValueError as error:
        raise misfit(field, f"`parse` of `{field.name}`: {error}.", "Choose a form of the field's type.") from None
    return partial(_written, own, forms)


def _written(own: Reader, forms: tuple[Reader, ...], raw: msgspec.Raw | bytes) -> Any:
    """Texts are read by the forms alone: the type itself may read one of them as another value."""
    why = ValueError()
    for read in forms if bytes(raw)[:1] == b'"' else (own, *forms):
        try:
            return read(raw)
        except Unfit as error:
            why = error
        except ValueError:
            continue
    raise why


def taken(field: Named, record: Mapping[str, msgspec.Raw], path: str, found: Found) -> Any:
    """The value of a field in a record; where it is bad None, and why is added to `found`."""
    try:
        raw = _reached(field, record, path, found)
    except _Bad as bad:
        found.violations.append(unlike(path, bad.rule, bad.expected, bad.raw))
        return None
    if raw is None:
        if not field.optional:
            said = f"expected {field.expected}, but the key is missing"
            found.violations.append(Violation(path, "required", said))
        return None
    return _value(field, raw, path, found)


def _reached(field: Named, record: Mapping[str, msgspec.Raw], path: str, found: Found) -> msgspec.Raw | None:
    """The value where the field's steps lead, None where nothing is; what is beyond a null is missing."""
    raw = record.get(str(field.steps[0]))
    if raw is not None and field.outer:
        raw = _unpacked(field.outer, raw)
    for step in field.steps[1:]:
        if raw is None or bytes(raw) == b"null":
            return None
        if isinstance(step, str):
            raw = _members(raw, path, found).get(step)
        else:
            items = _list(raw)
            raw = items[step] if -len(items) <= step < len(items) else None
    return raw


def _unpacked(how: Decode, raw: msgspec.Raw) -> msgspec.Raw:
    try:
        return unpacked(how, raw)
    except (ValueError, RecursionError):
        raise _Bad("decode", PACKED[how], raw) from None


def _members(raw: msgspec.Raw, path: str, found: Found) -> dict[str, msgspec.Raw]:
    try:
        members = keyed(raw)
    except ValueError:
        raise _Bad("type", "an object", raw) from None
    found.violations += repeated(bytes(raw), members, f"{path}.")
    return members


def _list(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return _items(raw)
    except ValueError:
        raise _Bad("type", "a list", raw) from None


def _value(field: Named, raw: msgspec.Raw, path: str, found: Found) -> Any:
    before = len(found.violations)
    try:
        inner = _unpacked(field.inner, raw) if field.inner else raw
        value = _read(field, inner, path, found)
    except _Bad as bad:
        found.violations.append(unlike(path, bad.rule, bad.expected, bad.raw))
        return None
    except ValueError as error:
        found.violations.append(unlike(path, "type", field.expected, raw, str(error) if type(error) is Unfit else ""))
        return None
    if value is None:
        if not field.optional and len(found.violations) == before:
            found.violations.append(unlike(path, "nullable", field.expected, raw))
        return None
    found.violations += [unlike(path, rule.name, rule.expected, raw) for rule in field.rules if not rule.good(value)]
    return value if len(found.violations) == before else None


def _read(field: Named, raw: msgspec.Raw, path: str, found: Found) -> Any:
    if field.read:
        return field.read(raw)
    if bytes(raw) == b"null":
        return None
    if field.item:
        each = field.item
        return [_value(each, item, f"{path}[{place}]", found) for place, item in enumerate(_list(raw))]
    members = _members(raw, path, found)
    known = {str(part.steps[0]) for part in field.parts}
    found.beyond |= {f"{path}.{key}": inner for key, inner in members.items() if key not in known}
    return {part.name: taken(part, members, f"{path}.{part.name}", found) for part in field.parts}


def unlike(path: str, rule: str, expected: str, raw: msgspec.Raw | bytes, why: str = "") -> Violation:
    """The violation of a value that is there, and is not what was expected."""
    return Violation(path, rule, f"expected {expected}, found {shown(bytes(raw))}{why and f': {why}'}")


def repeated(text: bytes, found: Mapping[str, msgspec.Raw], before: str = "") -> list[Violation]:
    """Keys that an object has twice: JSON readers keep the last value, so the others would be lost unseen."""
    if _colons(text, found):
        return []
    # Only keys written with a colon in them, and real repetitions, come here. The outermost object is built last.
    told: list[str] = json.loads(text, object_pairs_hook=_names, parse_int=str, parse_float=str)
    return [
        Violation(
            f"{before}{key}",
            "json",
            f"expected each key once, found {told.count(key)} values for {shown(msgspec.json.encode(key))}",
        )
        for key in found
        if told.count(key) > 1
    ]


def _colons(text: bytes, found: Mapping[str, msgspec.Raw]) -> bool:
    """Whether all colons are accounted for: one a key, and those within the values that were found."""
    colons = text.count(b":") - len(found)
    return not colons or colons == b"".join(found.values()).count(b":")


def _names(pairs: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in pairs]
