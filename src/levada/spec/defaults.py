"""`defaults:` merged into every stream of a spec's tree, before its keys mean anything. Pure.

What comes from the defaults keeps its place in the file, so a mistake in it points at its own line and is told once.
"""

from collections.abc import Callable
from typing import TypeAlias

from levada.nouns import Place
from levada.spec.tree import Keys, Node, Word

__all__ = ["merged"]

Entries: TypeAlias = dict[str, tuple[Place, Node]]
_BODIES = frozenset({"json", "form", "text", "graphql"})
#: Of a request, these are merged name by name.
_BY_NAME = frozenset({"params", "headers", "json", "form"})
#: What a stream that reads the pages of another has no use for.
_ASKING = frozenset(
    {"request", "paging", "responses", "format", "for_each", "window", "incremental", "raw"}
    | {"raw_joined", "raw_split"}
)
#: What a stream that takes files has no use for; names of pages are no names of files either.
_OF_APIS = _ASKING - {"format", "raw_joined", "raw_split"}


def merged(root: Keys, known: frozenset[str]) -> Keys:
    """The tree of a spec, each of its streams with what it takes from `defaults`.

    Args:
        root: The tree.
        known: Keys that a stream can have; others in `defaults` are told there, and nowhere else.
    """
    defaults, streams = (root.entries.get(key, (None, None))[1] for key in ("defaults", "streams"))
    if not isinstance(defaults, Keys) or not isinstance(streams, Keys):
        return root
    given = Keys({key: entry for key, entry in defaults.entries.items() if key in known}, defaults.place)
    below: Entries = {}
    for name, (place, stream) in streams.entries.items():
        below[name] = place, _stream(stream, given) if isinstance(stream, Keys) else stream
    entries = {**root.entries, "streams": (root.entries["streams"][0], Keys(below, streams.place))}
    return Keys(entries, root.place, root.corrected)


def _stream(stream: Keys, defaults: Keys) -> Keys:
    unused = _ASKING if "pages_of" in stream.entries else _OF_APIS if "files" in stream.entries else frozenset()
    taken = {key: entry for key, entry in defaults.entries.items() if key not in unused}
    return _over(stream, Keys(taken, stream.place), {"request": _request})


def _request(request: Keys, defaults: Keys) -> Keys:
    """A body of the stream's own is its only one: another kind of body does not come from the defaults."""
    own = _BODIES & {key for key in request.entries if not _null(request.entries[key][1])}
    taken = {key: entry for key, entry in defaults.entries.items() if not own or key not in _BODIES - own}
    return _over(request, Keys(taken, defaults.place), dict.fromkeys(_BY_NAME, _named))


def _named(own: Keys, defaults: Keys) -> Keys:
    return _over(own, defaults, {})


def _over(own: Keys, defaults: Keys, below: dict[str, Callable[[Keys, Keys], Keys]]) -> Keys:
    """`own` on top of `defaults`: what stands in both is merged where `below` says how, else it is the stream's."""
    entries: Entries = {key: entry for key, entry in defaults.entries.items() if key not in own.entries}
    for key, (place, node) in own.entries.items():
        other = defaults.entries.get(key, (None, None))[1]
        if other is not None and _null(node):
            continue
        if key in below and isinstance(node, Keys) and isinstance(other, Keys) and not node.corrected:
            node = below[key](node, other)  # noqa: PLW2901 - the node as it holds from here on
        entries[key] = place, node
    return Keys(entries, own.place, own.corrected)


def _null(node: Node) -> bool:
    return isinstance(node, Word) and node.empty
