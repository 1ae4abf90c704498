"""A spec for one partition: `equals` filled, variables that a room needs demanded, secrets revealed. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeAlias

from levada.contract.model import Contract, Field
from levada.errors import FixThis
from levada.secret import Secret, remember, remember_url
from levada.spec.auth import SecretRef
from levada.spec.fields import filled
from levada.spec.model import Missing, Spec, Stream
from levada.spec.partition import values as values_of
from levada.spec.template import Value

__all__ = ["Verb", "bind_contract", "know_secrets", "needed", "require", "secret", "values_of"]

Verb: TypeAlias = Literal["run", "land", "stage", "load", "read"]
_FETCHED = ("request", "files", "paging", "responses", "for_each", "window", "incremental")
_READ = ("records", "format")
_NAMED = ("raw", "raw_joined", "raw_split")
_STAGED = ("contract", "stage", "load")


def bind_contract(contract: Contract, values: Mapping[str, Value]) -> Contract:
    """`contract` for one partition: each `equals` filled with `values` and of its field's type.

    Raises:
        FixThis: what comes out is no value of the type.
    """
    return replace(contract, fields=tuple(_bound(field, values) for field in contract.fields))


def _bound(field: Field, values: Mapping[str, Value]) -> Field:
    if field.item or field.parts:
        item = _bound(field.item, values) if field.item else None
        return replace(field, item=item, parts=tuple(_bound(part, values) for part in field.parts))
    if not isinstance(field.equals, str):
        return field
    try:
        return replace(field, equals=filled(field, field.equals, values))
    except ValueError as error:
        what = f'"{field.equals}" in equals gives no {field.type} for this partition.'
        raise FixThis(what, where=str(field.place or field.name), todo=str(error)) from None


def needed(verb: Verb, stream: Stream) -> tuple[str, ...]:
    """The places of a spec that a verb uses for a stream: `read` only looks at what the lake holds already."""
    if stream.pages_of and verb in ("run", "land"):
        verb = "stage"  # the pages of another stream are in the lake
    keys = {
        "run": (*_FETCHED, *_READ, *_NAMED, *_STAGED),
        "land": (*_FETCHED, *_READ, *_NAMED),
        "stage": (*_READ, *_NAMED, *_STAGED),
        "load": ("contract", "load"),
        "read": (),
    }[verb]
    # Files need no API; where they come from it, its key is asked for when they do.
    source = ("source",) if verb in ("run", "land") and not stream.files else ()
    return ("lake", *source, *(f"streams.{stream.name}.{key}" for key in keys))


def require(spec: Spec, places: Iterable[str]) -> None:
    """Do nothing if every variable that these places (and what is below them) use is set.

    Args:
        spec: The spec, with the variables that were missing when it was read.
        places: Dotted places such as `source` or `streams.sales.request`; see `needed`.

    Raises:
        FixThis: one or more are not; names them all.
    """
    wanted = tuple(places)
    gaps = [gap for gap in spec.missing if any(_below(gap.used_in, place) for place in wanted)]
    if not gaps:
        return
    names = " and ".join(dict.fromkeys(_either(gap) for gap in gaps))
    where = ", ".join(f"{gap.place} ({gap.used_in})" for gap in gaps)
    raise FixThis(f"Not set: {names}.", where=where, todo=_set_it(gaps[0].names))


def _below(used_in: str, place: str) -> bool:
    return used_in == place or used_in.startswith(f"{place}.")


def _either(gap: Missing) -> str:
    return " or ".join(gap.names)


def _set_it(names: tuple[str, ...]) -> str:
    return f"export {names[0]}=..., or write {names[0]}=... into a file .env beside the spec"


def secret(ref: SecretRef, environment: Mapping[str, str]) -> Secret:
    """The secret that `ref` names, from the first of its variables that is set and not empty.

    Raises:
        FixThis: none is, or the value cannot go into a header; the value is not shown.
    """
    for name in ref.names:
        if value := environment.get(name):
            return _usable(name, value, ref)
    raise FixThis(f"The secret {' or '.join(ref.names)} is not set.", where=str(ref.place), todo=_set_it(ref.names))


def know_secrets(spec: Spec, environment: Mapping[str, str]) -> None:
    """Redact all secrets that a spec names, as far as they are set, from now on: its hooks may read them themselves."""
    for name in {name for ref in _refs(spec) for name in ref.names}:
        value = environment.get(name, "").strip()
        if not re.search(r"[\ud800-\udfff]", value):  # no text that is no Unicode is ever written as it is
            remember(value)
            remember_url(value)


def _refs(said: Any) -> Iterator[SecretRef]:
    """What names secrets, wherever it stands in a noun."""
    if isinstance(said, SecretRef):
        yield said
    elif is_dataclass(said):
        for field in fields(said):
            yield from _refs(getattr(said, field.name))
    elif isinstance(said, Mapping):
        yield from (ref for item in said.values() for ref in _refs(item))
    elif isinstance(said, list | tuple | frozenset):
        yield from (ref for item in said for ref in _refs(item))


def _usable(name: str, value: str, ref: SecretRef) -> Secret:
    """The secret, refused before it is made one: text that is no Unicode cannot even be redacted."""
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value) or value != value.strip():
        what = f"The value of {name} holds a line break or control character, or blanks at its ends."
        todo = f"set {name} to the bare value (often a line break came along from a file)"
        raise FixThis(what, where=str(ref.place), todo=todo)
    return Secret(name, value)
