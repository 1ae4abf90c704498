"""Rules between the keys of `source`, `retry` and `request`. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from levada.spec.engine import Given, Reading, Rule, Wrong
from levada.spec.template import Template
from levada.spec.tree import Mistake

__all__ = ["REQUEST_RULES", "RETRY_RULES", "SOURCE_RULES", "at_path"]

_BODIES = ("json", "form", "text", "graphql")
#: Stands for a hole: no text of a person has it.
_HOLE = "\x01"


def at_path(template: Template) -> None:
    """Refuse a request path that is neither below the source's url nor an absolute URL. Raises Wrong."""
    shape = "".join(part if isinstance(part, str) else _HOLE for part in template.parts)
    if shape.lower().startswith(("http:", "https:")):
        shape = _below_host(shape)
    elif not shape.startswith("/"):
        raise Wrong("the path does not begin with /", "write the path as it follows the url, such as /sales")
    if re.search(r"[?#\s\\]", shape):
        raise Wrong("the path holds a ?, a #, a blank or a backslash", "write the query under params")
    if {"..", "."} & set(shape.split("/")):
        raise Wrong("the path climbs with . or ..", "write the path that is meant")


def _below_host(shape: str) -> str:
    """The path of an absolute URL, whose host must be plain text."""
    try:
        parts = urlsplit(shape)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, 0
    if not host or port == 0 or _HOLE in parts.netloc:
        raise Wrong("the path is no URL with a host of its own", "write one such as https://files.example.com/{date}")
    if "@" in parts.netloc:
        raise Wrong("the path holds a user or a password", "a path never holds credentials")
    return shape.partition("://")[2].partition("/")[2]


def _retry(given: Given, _: Reading) -> Iterator[Mistake]:
    wait, cap = given.get("wait", 1.0), given.get("cap", 60.0)
    if wait > cap:
        yield given.mistake("wait", "wait is longer than cap, the longest wait", "raise cap, or shorten wait")


def _headers(given: Given, _: Reading) -> Iterator[Mistake]:
    seen: set[str] = set()
    for name in given.get("headers", {}):
        if name.lower() in seen:
            yield given.mistake("headers", f"the header {name} stands here twice", "leave one of them out")
        seen.add(name.lower())


def _body(given: Given, _: Reading) -> Iterator[Mistake]:
    bodies = [key for key in given.places if key in _BODIES]
    for key in bodies[1:]:
        yield given.mistake(key, f"{bodies[0]} and {key} are two bodies", "keep one of them")
    kind = bodies[0] if bodies else ""
    if given.get("method") == "GET" and kind and kind != "json":
        yield given.mistake(kind, f"a GET sends no {kind}", "write method: POST, or leave method out")
    if given.get("repeatable") is False and "repeatable" in given.values and given.get("method", "") == "GET":
        yield given.mistake("repeatable", "a GET can always be asked again", "leave repeatable out")


RETRY_RULES = (Rule(("wait", "cap"), _retry),)
SOURCE_RULES = (Rule(("headers",), _headers),)
REQUEST_RULES = (Rule(("headers",), _headers), Rule(("method",), _body))
