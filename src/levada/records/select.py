"""Which values of a body are its records: a JSONPath (RFC 9535) walked over raw JSON text. Decides nothing in a record.

A path of names with or without a last star, which nearly all are, is one pass of a decoder made for it. Paths of names,
indexes and stars are walked level by level. Only the others are evaluated on Python values; the texts of what they
match are cut out afterwards.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from levada.errors import ContractBroken
from levada.jsonpath import ALL, Location, Step, locations, parent_of_choice, simple
from levada.nouns import Records
from levada.records.add import with_fields
from levada.records.raw import items, kind, members, tree, whole
from levada.records.refusal import finds_nothing, no_list, no_one_record

__all__ = ["matches", "nodes", "select"]

_STAR = re.compile(r"(?<!\.)[ \t\n\r]*(?:\.\*|\[\*\])$")


class _Node(NamedTuple):
    """A value of the body."""

    raw: msgspec.Raw
    #: The last name on the way to it; "" if there is none.
    key: str
    #: Where it is, as a person writes it.
    place: str
    #: Whether it is the value of a name, or the root: null stands for a list without items there.
    named: bool


class _Miss(NamedTuple):
    """Where a path goes no further."""

    node: _Node
    step: Step


def select(text: bytes, records: Records) -> list[msgspec.Raw]:
    """The records of a body, in order.

    Args:
        text: The body as JSON in UTF-8; not empty.
        records: Its path, `optional` and `key_as` are followed; what is exploded comes later.

    Raises:
        ContractBroken: the body is no JSON or of another shape; the path finds nothing; a key has no room.
    """
    quick = None if records.key_as else _quick(records.path)
    if quick:
        try:
            return quick(text)
        except (ValueError, RecursionError):  # the careful way takes more, and knows what is wrong
            pass
    return _careful(text, records)


def matches(raw: msgspec.Raw, path: str) -> list[msgspec.Raw]:
    """Every value in `raw` that `path` leads to, matched lists as their items, null as none; [] where it finds none."""
    return [node.raw for node in _found(raw, path)[0]]


def nodes(raw: msgspec.Raw, path: str) -> list[msgspec.Raw]:
    """Every value in `raw` that `path` matches, as it stands there."""
    root = _Node(raw, "", "$", named=True)
    steps = simple(path)
    return [node.raw for node in (_evaluated(root, path) if steps is None else _walked(root, steps))[0]]


def _careful(text: bytes, records: Records) -> list[msgspec.Raw]:
    body = whole(text)
    path = records.path
    if path is None:
        if kind(body) != "list":
            raise no_list(text, kind(body), _keys(body))
        return items(body)
    if path == "$":
        if kind(body) != "object":
            raise no_one_record(text, kind(body))
        return [body]
    found, miss = _found(body, path)
    if miss and not found and not records.optional:
        raise _nothing(path, miss)
    if records.key_as:
        return [with_fields(node.raw, {records.key_as: node.key}) for node in found]
    return [node.raw for node in found]


def _found(body: msgspec.Raw, path: str) -> tuple[list[_Node], _Miss | None]:
    """The records, and where the path first went no further."""
    stem = _STAR.sub("", path)
    root = _Node(body, "", "$", named=True)
    steps = simple(stem)
    found, miss = _evaluated(root, stem) if steps is None else _walked(root, steps)
    if stem == path:
        return [each for node in found for each in _flattened(node)], miss
    flat = next((node for node in found if kind(node.raw) not in ("list", "object", "null")), None)
    return [each for node in found for each in _spread(node)], miss or (_Miss(flat, ALL) if flat else None)


def _walked(root: _Node, steps: tuple[Step, ...]) -> tuple[list[_Node], _Miss | None]:
    here: list[_Node] = [root]
    miss = None
    for step in steps:
        further: list[_Node] = []
        for node in here:
            below = _below(node, step)
            if below is None:
                miss = miss or _Miss(node, step)
            else:
                further += below
        here = further
    return here, miss


def _below(node: _Node, step: Step) -> list[_Node] | None:
    """The nodes to which `step` leads; None where it leads nowhere."""
    found = kind(node.raw)
    if found == "object" and not isinstance(step, int):
        inner = members(node.raw)
        if step is ALL:
            return [_Node(raw, key, f"{node.place}.{key}", named=False) for key, raw in inner.items()]
        return [_Node(inner[step], step, f"{node.place}.{step}", named=True)] if step in inner else None
    if found == "list" and not isinstance(step, str):
        inside = items(node.raw)
        if step is ALL:
            return [_Node(raw, node.key, f"{node.place}[{index}]", named=False) for index, raw in enumerate(inside)]
        if -len(inside) <= step < len(inside):
            return [_Node(inside[step], node.key, f"{node.place}[{step}]", named=False)]
    return None


def _spread(node: _Node) -> list[_Node]:
    """What a star at the end gives: the items of a list, the values of an object (a list among them as its items)."""
    found = kind(node.raw)
    if found == "list":
        return _below(node, ALL) or []
    if found == "object":
        return [each for value in _below(node, ALL) or [] for each in _flattened(value)]
    return []


def _flattened(node: _Node) -> list[_Node]:
    found = kind(node.raw)
    if found == "list":
        return _below(node, ALL) or []
    return [] if found == "null" and node.named else [node]


def _evaluated(root: _Node, path: str) -> tuple[list[_Node], _Miss | None]:
    """The nodes of a path that only the whole language can evaluate."""
    values = tree(root.raw)
    places = locations(path, values)
    opened: dict[Location, Any] = {}
    if places:
        return [_cut(root, place, opened) for place in places], None
    parent = parent_of_choice(path)
    if parent and locations(parent, values):  # a filter or a slice may choose nothing
        return [], None
    return [], _Miss(root, ALL)


def _cut(root: _Node, place: Location, opened: dict[Location, Any]) -> _Node:
    """The node at `place`; each list and object on the way is opened once."""
    raw = root.raw
    for depth, step in enumerate(place):
        above = place[:depth]
        if above not in opened:
            opened[above] = members(raw) if kind(raw) == "object" else items(raw)
        raw = opened[above][step]
    key = next((step for step in reversed(place) if isinstance(step, str)), "")
    return _Node(raw, key, "$", named=bool(place) and isinstance(place[-1], str))


def _nothing(path: str, miss: _Miss) -> ContractBroken:
    node = miss.node
    wanted = miss.step if isinstance(miss.step, str) else ""
    return finds_nothing(path, node.place, kind(node.raw), _keys(node.raw), wanted)


def _keys(raw: msgspec.Raw) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in members(raw).items()} if kind(raw) == "object" else {}


@lru_cache(maxsize=64)
def _quick(path: str | None) -> Callable[[bytes], list[msgspec.Raw]] | None:
    """A decoder that takes one pass for the list at `path`, or None if the path is not made of names alone."""
    if path is None:
        return msgspec.json.Decoder(list[msgspec.Raw]).decode
    steps = simple(_STAR.sub("", path))
    if steps is None or (not steps and path == "$") or not all(isinstance(step, str) for step in steps):
        return None
    shape: Any = list[msgspec.Raw]
    for name in reversed(steps):
        shape = msgspec.defstruct("Level", [("inner", shape)], rename={"inner": str(name)})
    decode = msgspec.json.Decoder(shape).decode

    def inner(text: bytes) -> list[msgspec.Raw]:
        found: Any = decode(text)
        for _ in steps:
            found = found.inner
        return found  # type: ignore[no-any-return]  # the shape above says what it is

    return inner
