"""Names in the lake: a template must stay inside it, tell partitions and pages apart, and never meet another. Pure.

Two templates are compared as sequences of atoms (a character, a digit, digits without end, anything): what they can
produce once pipeline and stream are known.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TypeAlias

from levada.spec.template import DIRECTIVES, Hole, Template, Value, encode_name, fill

__all__ = ["RAW", "meet", "misplaced", "tells_partitions", "vague"]

#: Where pages are landed when a stream does not say.
RAW = "raw/{pipeline}/{stream}/{partition}/{page}.json"
#: What one atom matches, and how often: once, perhaps, any number of times.
Atom: TypeAlias = tuple[str, str]
_DIGIT, _ANY = "digit", "any"
_ONCE, _PERHAPS, _MANY = "1", "?", "*"
_WIDTHS: Mapping[str, tuple[int, int]] = {
    "%Y": (4, 0), "%m": (2, 0), "%d": (2, 0), "%j": (3, 0), "%-m": (1, 1), "%-d": (1, 1), "%-j": (1, 2)
}  # fmt: skip
_DAY = ({"%Y", "%m", "%d"}, {"%Y", "%j"})
#: Bytes of one folder or file name that common file systems take (255), less what temporary names add.
_LONGEST = 240


def tells_partitions(template: Template) -> bool:
    """Whether two days always get different names."""
    said: set[str] = set()
    for part in template.parts:
        if isinstance(part, Hole) and (part.name == "partition" or (part.name == "date" and not part.format)):
            return True
        if isinstance(part, Hole) and part.name == "date":
            said |= {directive.replace("-", "") for directive in _directives(part.format)}
    return any(day <= said for day in _DAY)


def _directives(form: str) -> Iterator[str]:
    """The directives of a format and the literal characters between them."""
    while form:
        size = next((len(directive) for directive in DIRECTIVES if form.startswith(directive)), 1)
        yield form[:size]
        form = form[size:]


def misplaced(template: Template, known: Mapping[str, Value]) -> str | None:
    """Why the names of a template are no names in the lake, or None; `known` holds pipeline and stream."""
    sample = {"date": date(2022, 12, 31), "partition": "2022-12-31", "page": 1000000, **known}
    name = fill(template, sample, encode_name)
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or (len(parts[0]) > 1 and parts[0][1] == ":"):
        return "names are relative to the lake and written with /"
    if ".." in parts or "." in parts or "" in parts:
        return "a name must not hold . or .. or nothing between its slashes"
    if parts[0] == "_levada":
        return "the folder _levada is Levada's own"
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST for part in parts):
        return f"a part of the name is longer than {_LONGEST} bytes"
    return None


def vague(template: Template) -> bool:
    """Whether two numbers of changing width stand side by side, so that 1 and 11 gives the same as 11 and 1."""
    loose = False
    for piece in _pieces(template):
        changing = piece in ("{page}", "%-m", "%-d", "%-j")
        if changing and loose:
            return True
        loose = changing or (loose and (piece in _WIDTHS or piece in "0123456789"))
    return False


def _pieces(template: Template) -> Iterator[str]:
    """A template's literal characters, directives, and other holes as `{name}`."""
    for part in template.parts:
        if isinstance(part, str):
            yield from part
        elif part.name in ("date", "partition"):
            yield from _directives(part.format or "%Y-%m-%d")
        else:
            yield f"{{{part.name}}}"


def meet(one: Template, other: Template, known: tuple[Mapping[str, Value], Mapping[str, Value]]) -> bool:
    """Whether two templates can give one name, or one a folder that is the name of the other's file.

    Args:
        one: A template.
        other: Another.
        known: Pipeline and stream of the one, and of the other.
    """
    here, there = tuple(_atoms(one, known[0])), tuple(_atoms(other, known[1]))
    below: tuple[Atom, ...] = (("/", _ONCE), (_ANY, _MANY))
    pairs = ((here, there), ((*here, *below), there), (here, (*there, *below)))
    return any(_intersect(first, second) for first, second in pairs)


def _atoms(template: Template, known: Mapping[str, Value]) -> Iterator[Atom]:
    for part in template.parts:
        if isinstance(part, str):
            yield from _literal(part)
        elif part.name in ("date", "partition"):
            yield from _dated(part.format or "%Y-%m-%d")
        elif part.name == "page":
            yield from ((_DIGIT, _ONCE), (_DIGIT, _MANY))
        else:
            yield from _literal(encode_name(str(known.get(part.name, part.name))))


def _literal(text: str) -> Iterable[Atom]:
    return ((char, _ONCE) for char in text)


def _dated(form: str) -> Iterator[Atom]:
    for directive in _directives(form):
        if directive not in _WIDTHS:
            yield from _literal("%" if directive == "%%" else directive)
            continue
        sure, perhaps = _WIDTHS[directive]
        yield from [(_DIGIT, _ONCE)] * sure + [(_DIGIT, _PERHAPS)] * perhaps


def _intersect(one: tuple[Atom, ...], other: tuple[Atom, ...]) -> bool:
    """Whether some text is matched by both: a walk over pairs of positions."""
    seen, todo = set(), [(0, 0)]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        if at == (len(one), len(other)):
            return True
        todo += _onward(one, other, at)
    return False


def _onward(one: tuple[Atom, ...], other: tuple[Atom, ...], at: tuple[int, int]) -> Iterator[tuple[int, int]]:
    here, there = at
    if here < len(one) and one[here][1] != _ONCE:
        yield here + 1, there
    if there < len(other) and other[there][1] != _ONCE:
        yield here, there + 1
    if here < len(one) and there < len(other) and _overlap(one[here][0], other[there][0]):
        yield here + (one[here][1] != _MANY), there + (other[there][1] != _MANY)


def _overlap(one: str, other: str) -> bool:
    if _ANY in (one, other) or one == other:
        return True
    return _DIGIT in (one, other) and (one if other == _DIGIT else other) in "0123456789"
