"""JSONPath (RFC 9535) over values that Python's json makes: the one home of the library that knows the whole language.

Paths of names, indexes and stars (`$.data[*]`, `$['@odata.nextLink']`), which nearly all are, never load it.
"""

import re
from functools import cache, lru_cache
from typing import Any

from levada.errors import ContractBroken

__all__ = ["ALL", "Location", "Step", "locations", "parent_of_choice", "problem", "simple", "values"]

#: Names and indexes that lead from the root of a tree to one value in it.
Location = tuple[str | int, ...]
#: One step of a simple path: a name, an index (negative: from the end), or ALL (None).
Step = str | int | None
#: The step of `[*]` and `.*`: every item of a list, every value of an object.
ALL: None = None

#: Levels of a tree that `..` goes down: each takes frames of Python's own stack.
DEPTH = 300
_NAME = r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*"
_INDEX = r"0|-?[1-9][0-9]{0,14}"
#: A name in quotes in which nothing is escaped.
_QUOTED = r"""'([^'\\\x00-\x1f\ud800-\udfff]*)'|"([^"\\\x00-\x1f\ud800-\udfff]*)\""""
_STEP = re.compile(rf"\.({_NAME})|\[(?:{_QUOTED}|({_INDEX})|(\*))\]|\.(\*)")


@lru_cache(maxsize=1024)
def simple(path: str) -> tuple[Step, ...] | None:
    """The steps of a path that is made of names, indexes and stars alone; None for every other path."""
    if not path.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            return None
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def values(path: str, tree: Any) -> list[Any]:
    """Every value in `tree` that `path` matches, in the order of RFC 9535.

    Args:
        path: A path in which `problem` finds none.
        tree: dicts, lists, texts, numbers, booleans and None.

    Raises:
        ContractBroken: the tree is nested too deeply for a path with `..`.
    """
    steps = simple(path)
    if steps is None or ALL in steps:
        return [node.value for node in _nodes(path, tree)]
    return _straight(steps, tree)


def locations(path: str, tree: Any) -> list[Location]:
    """Where in `tree` the values stand that `path` matches: names and indexes (from 0) from the root.

    Raises:
        ContractBroken: the tree is nested too deeply for a path with `..`.
    """
    return [node.location for node in _nodes(path, tree)]


def parent_of_choice(path: str) -> str | None:
    """The path without its last part if that is a filter or a slice, which may rightly choose nothing; else None."""
    import jsonpath_rfc9535 as library
    from jsonpath_rfc9535.segments import JSONPathChildSegment
    from jsonpath_rfc9535.selectors import FilterSelector, SliceSelector

    query: library.JSONPathQuery = _compiled(path)
    last = query.segments[-1] if query.segments else None
    if not isinstance(last, JSONPathChildSegment):
        return None
    if not all(isinstance(selector, FilterSelector | SliceSelector) for selector in last.selectors):
        return None
    return str(library.JSONPathQuery(env=query.env, segments=query.segments[:-1]))


def problem(path: str) -> str | None:
    """Why `path` is no JSONPath, as one sentence that names the place; None if it is one."""
    if simple(path) is not None:
        return None
    if not path.startswith("$"):
        return "A path begins with `$`, the whole body: " + _with_root(path)
    try:
        _compiled(path)
    except (RecursionError, OverflowError):
        return "The path is nested too deeply, or a number in it is too large."
    except Exception as error:
        if not _is_of_the_library(error):
            raise
        return _explained(path, error)
    return None


def _step(found: re.Match[str]) -> Step:
    name, single, double, index, *_ = found.groups()
    if index is not None:
        return int(index)
    return next((text for text in (name, single, double) if text is not None), ALL)


def _straight(steps: tuple[Step, ...], tree: Any) -> list[Any]:
    step: Any
    for step in steps:
        kind = list if isinstance(step, int) else dict
        if not isinstance(tree, kind):
            return []
        try:
            tree = tree[step]
        except (KeyError, IndexError):
            return []
    return [tree]


def _nodes(path: str, tree: Any) -> list[Any]:
    from jsonpath_rfc9535 import JSONPathRecursionError

    try:
        return list(_compiled(path).finditer(tree))
    except (JSONPathRecursionError, RecursionError):
        raise ContractBroken(
            f"The body is nested too deeply for the path {path}: `..` goes down {DEPTH} levels.",
            todo="Write a path without `..`.",
        ) from None


@lru_cache(maxsize=256)
def _compiled(path: str) -> Any:
    return _language().compile(path)


@cache
def _language() -> Any:
    import jsonpath_rfc9535 as library

    class Exact(library.Parser):
        """Reads integers as integers: through a float, 9007199254740993 would be its even neighbour."""

        def parse_integer_literal(self, stream: Any) -> Any:
            literal: Any = super().parse_integer_literal(stream)
            text = stream.current.value
            if text.lstrip("-").isdecimal():
                literal.value = int(text)
            return literal

    class Language(library.JSONPathEnvironment):
        parser_class = Exact
        max_recursion_depth = DEPTH

    return Language()


def _is_of_the_library(error: Exception) -> bool:
    from jsonpath_rfc9535 import JSONPathError

    return isinstance(error, JSONPathError)


def _with_root(path: str) -> str:
    """What a person may have meant by a path without its root."""
    for meant in (f"${path}", f"$.{path}"):
        if path and simple(meant):
            return f"write `{meant}`."
    return "write `$.` before the first name."


def _explained(path: str, error: Exception) -> str:
    token = getattr(error, "token", None)
    at = token.index if token is not None and 0 <= token.index < len(path) else len(path)
    said = str(error.args[0] if error.args else "").removesuffix(".")
    if not said or "TokenType" in said or re.search(r"'[A-Z_]{3,}'", said):
        said = f"{path[at]!r} is not expected here" if at < len(path) else "the path ends too early"
    if at < len(path):
        return f"Character {at + 1} of the path ({path[at:][:12]}): {said}."
    return f"At the end of the path: {said}."
