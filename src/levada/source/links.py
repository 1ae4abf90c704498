"""The Link header (RFC 8288, 3): targets by relation type. Pure; forgiving where servers are sloppy."""

import re
from collections.abc import Iterator

__all__ = ["target_of"]

_TARGET = re.compile(r"[\s,]*<([^>]*)>")
#: A parameter: name, and a value in quotes (with escapes) or bare.
_PARAMETER = re.compile(r'\s*;\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_ESCAPED = re.compile(r"\\(.)")


def target_of(header: str, rel: str) -> str | None:
    """The target of the first link with the relation type `rel` (compared without case), as it is written; or None.

    A link may have several types in one `rel`, a bare `rel`, and several parameters; only the first `rel` of a link
    counts (RFC 8288, 3.3).
    """
    wanted = rel.lower()
    for target, types in _links(header):
        if wanted in types:
            return target
    return None


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    position = 0
    while found := _TARGET.search(header, position):
        position = found.end()
        types: list[str] | None = None
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            if parameter[1].lower() == "rel" and types is None:
                types = _ESCAPED.sub(r"\1", parameter[2] or parameter[3] or "").lower().split()
        yield found[1].strip(), types or []
