"""The rules between the fields of a contract, and the noun that comes of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from levada.contract.model import Contract, Field, Literals
from levada.contract.rules import NO_LITERALS
from levada.spec.engine import Given, Reading, Rule
from levada.spec.fields import plain, typed
from levada.spec.meant import nearest
from levada.spec.tree import Mistake, Word

__all__ = ["CONTRACT_RULES", "contract"]


def _some(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.values["fields"]:
        yield given.mistake("fields", "the contract has no fields", "write each as `name: type`")


def _key(given: Given, _: Reading) -> Iterator[Mistake]:
    known: Mapping[str, Field] = given.values["fields"]
    names: tuple[str, ...] = given.get("key", ())
    if "key" in given.values and not names:
        yield given.mistake("key", "the key has no fields", "name one, or leave the key out")
    for name in names:
        field = known.get(name)
        if field is None:
            yield given.mistake("key", f'"{name}" in key is no field of the contract', _meant(name, known))
        elif field.optional:
            what = f'"{name}" in key may be null, and null tells no rows apart'
            yield given.mistake("key", what, "leave nullable out of the field, or the field out of key")
        elif field.type in ("list", "struct", "json"):
            what = f'"{name}" in key is a {field.type}, whose values are not told apart'
            yield given.mistake("key", what, "name fields of one value")
        if names.count(name) > 1:
            yield given.mistake("key", f'"{name}" stands in key twice', "leave one of them out")


def _meant(name: str, known: Mapping[str, Field]) -> str:
    near = nearest(name, tuple(known))
    return f"did you mean {near}?" if near else f"fields: {', '.join(known)}"


def _nulls(given: Given, reading: Reading) -> Iterator[Mistake]:
    known: Mapping[str, Field] = given.values["fields"]
    for name, field in known.items():
        own = reading.sections[(*given.path, "fields", name)]
        if "null_exactly_when" in own.values and not field.null_exactly_when:
            yield own.mistake("null_exactly_when", "null_exactly_when names no field", "name one: {status: cancelled}")
        for other, words in field.null_exactly_when:
            if other not in known or other == name:
                what = f'"{other}" in null_exactly_when is no other field of the contract'
                yield own.mistake("null_exactly_when", what, _meant(other, {**known} | {name: field}))
            elif known[other].type in NO_LITERALS:
                what = f'"{other}" in null_exactly_when is a {known[other].type}'
                yield own.mistake("null_exactly_when", what, "name a field of one value")
            else:
                yield from _unlike(known[other], words)  # type: ignore[arg-type] # words until the noun is made


def _unlike(other: Field, words: tuple[Word, ...]) -> Iterator[Mistake]:
    for word in words:
        try:
            _condition(other, word)
        except ValueError as error:
            what = f"{word.shown} in null_exactly_when is no {other.type}, as {other.name} is"
            yield Mistake(word.place, what, str(error))


def _condition(other: Field, word: Word) -> Literals | None:
    return None if word.empty else typed(other, plain(other.type, word))


CONTRACT_RULES = (
    Rule(("fields",), _some),
    Rule(("fields", "key"), _key),
    Rule(("fields",), _nulls),
)


def contract(given: Given) -> Contract:
    """The noun of a contract whose rules were checked."""
    known: Mapping[str, Field] = given.values["fields"]
    said: dict[str, Any] = {**given.values, "fields": tuple(_settled(field, known) for field in known.values())}
    if "decode" in said:
        said["decode"] = tuple(said["decode"].items())
    return Contract(**said, place=given.place)


def _settled(field: Field, known: Mapping[str, Field]) -> Field:
    """A field with the values of others, which it hangs on, as they are typed there."""
    words: Any = field.null_exactly_when
    typed_ones = tuple((name, tuple(_condition(known[name], word) for word in each)) for name, each in words)
    return replace(field, null_exactly_when=typed_ones)
