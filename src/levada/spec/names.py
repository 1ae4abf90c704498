"""Names in the lake: a template must stay inside it, tell partitions and pages apart, and never meet another. Pure.

Two templates are compared as sequences of atoms (a character, a digit, a text, anything): what they can produce once
pipeline and stream are known.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from levada.nouns import PartitionBy
from levada.spec.template import DIRECTIVES, Hole, Template, Value, encode_name, fill

__all__ = ["MOMENTS", "RAW", "RAW_OF_FILE", "RAW_OF_ROW", "Naming", "meet", "misplaced", "tells_partitions", "vague"]

#: Where pages are landed when a stream does not say.
RAW = "raw/{pipeline}/{stream}/{partition}/{page}.json"
RAW_OF_ROW = "raw/{pipeline}/{stream}/{partition}/{row}-{page}.json"
RAW_OF_FILE = "raw/{pipeline}/{stream}/{partition}/{file}"
#: Variables that are moments of a partition.
MOMENTS = ("start", "end", "tick")
#: What one atom matches, and how often: once, perhaps, any number of times.
Atom: TypeAlias = tuple[str, str]
_DIGIT, _TEXT, _ANY = "digit", "text", "any"
_ONCE, _PERHAPS, _MANY = "1", "?", "*"
_WIDTHS: Mapping[str, tuple[int, int]] = {
    "%Y": (4, 0), "%m": (2, 0), "%d": (2, 0), "%j": (3, 0), "%-m": (1, 1), "%-d": (1, 1), "%-j": (1, 2),
    "%G": (4, 0), "%V": (2, 0), "%H": (2, 0), "%M": (2, 0), "%S": (2, 0), "%f": (6, 0),
}  # fmt: skip
_LOOSE = ("{page}", "{row}", "{part}", "%-m", "%-d", "%-j", "%s")
_DAY = (frozenset({"%Y", "%m", "%d"}), frozenset({"%Y", "%j"}))
#: The directives that tell two partitions apart; one of these sets is enough.
_TELLING: Mapping[PartitionBy, tuple[frozenset[str], ...]] = {
    "hour": tuple(day | {"%H"} for day in _DAY),
    "day": _DAY,
    "week": (*_DAY, frozenset({"%G", "%V"})),
    "month": (frozenset({"%Y", "%m"}), frozenset({"%Y", "%j"})),
    "tick": tuple(day | {"%H", "%M", "%S"} for day in _DAY),
}
#: How a partition's own name looks where its width is fixed.
_KEYS: Mapping[PartitionBy, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
#: Bytes of one folder or file name that common file systems take (255), less what temporary names add.
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known of a stream's names before anything is asked."""

    pipeline: str
    stream: str
    by: PartitionBy = "day"
    #: Whether the clock that partitions follow never shows an hour twice.
    steady: bool = True

    @property
    def key(self) -> str | None:
        """The form of a partition's name, or None where it may be any text."""
        return _KEYS.get(self.by) if self.steady or self.by != "hour" else None


def tells_partitions(template: Template, naming: Naming) -> bool:
    """Whether two partitions always get different names."""
    said: set[str] = set()
    for part in template.parts:
        if not isinstance(part, Hole):
            continue
        if part.name == "partition" or (not part.format and _whole(part.name, naming)):
            return True
        if part.name in ("date", "start", "tick"):
            said |= {directive.replace("-", "") for directive in _directives(part.format)}
    if naming.by not in _TELLING:
        return False
    doubled = naming.by in ("hour", "tick") and not naming.steady and "%z" not in said
    return "%s" in said or (not doubled and any(enough <= said for enough in _TELLING[naming.by]))


def _whole(name: str, naming: Naming) -> bool:
    """Whether a variable without a format tells partitions apart."""
    days = naming.by in ("day", "week", "month")
    return (name == "date" and days) or (name in ("start", "tick") and naming.by in _TELLING)


def _directives(form: str) -> Iterator[str]:
    """The directives of a format and the literal characters between them."""
    while form:
        size = next((len(directive) for directive in DIRECTIVES if form.startswith(directive)), 1)
        yield form[:size]
        form = form[size:]


def misplaced(template: Template, naming: Naming) -> str | None:
    """Why the names of a template are no names in the lake, or None."""
    moment = datetime(2022, 12, 31, 12, tzinfo=UTC)
    sample: dict[str, Value] = {"date": moment.date(), "partition": "2022-12-31", "page": 1000000, "row": 1000000}
    sample["part"] = 1000000
    sample["file"] = "movies.csv"
    sample |= {**dict.fromkeys(MOMENTS, moment), "pipeline": naming.pipeline, "stream": naming.stream}
    fields: dict[str, Value] = {
        hole.name: "x" for hole in template.parts if isinstance(hole, Hole) and hole.name.startswith("row.")
    }
    name = fill(template, {**fields, **sample}, encode_name)
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


def vague(template: Template, naming: Naming) -> bool:
    """Whether two values run together, so that 1 and 11 gives the same as 11 and 1.

    That is so for two numbers of changing width side by side, for such a number beside any text, and for two texts
    without a slash between them.
    """
    number = beside = text = False
    for piece in _pieces(template, naming):
        kind = _kind(piece)
        if (kind == "loose" and (number or beside)) or (kind == "text" and (number or text)):
            return True
        number = kind == "loose" or (number and kind == "fixed")
        beside = kind == "text" or (beside and kind == "fixed")
        text = kind == "text" or (text and kind != "slash")
    return False


def _kind(piece: str) -> str:
    if piece == "/":
        return "slash"
    if piece in _LOOSE:
        return "loose"
    if piece.startswith("{row.") or piece in ("{partition}", "{file}"):
        return "text"
    return "fixed" if piece in _WIDTHS or piece in "0123456789" else "apart"


def _pieces(template: Template, naming: Naming) -> Iterator[str]:
    """A template's literal characters, directives, and other holes as `{name}`."""
    for part in template.parts:
        if isinstance(part, str):
            yield from part
        elif part.name == "partition" and naming.key:
            yield from _directives(naming.key)
        elif part.format or part.name == "date":
            yield from _directives(part.format or "%Y-%m-%d")
        else:
            yield f"{{{part.name}}}"


def meet(one: Template, other: Template, naming: tuple[Naming, Naming]) -> bool:
    """Whether two templates can give one name, or one a folder that is the name of the other's file.

    Args:
        one: A template.
        other: Another.
        naming: What is known of the one's stream, and of the other's.
    """
    here, there = tuple(_atoms(one, naming[0])), tuple(_atoms(other, naming[1]))
    below: tuple[Atom, ...] = (("/", _ONCE), (_ANY, _MANY))
    pairs = ((here, there), ((*here, *below), there), (here, (*there, *below)))
    return any(_intersect(first, second) for first, second in pairs)


def _atoms(template: Template, naming: Naming) -> Iterator[Atom]:
    for part in template.parts:
        if isinstance(part, str):
            yield from _literal(part)
        elif part.name in ("pipeline", "stream"):
            yield from _literal(encode_name(naming.pipeline if part.name == "pipeline" else naming.stream))
        elif part.name in ("page", "row", "part"):
            yield from ((_DIGIT, _ONCE), (_DIGIT, _MANY))
        else:
            form = part.format or {"date": "%Y-%m-%d", "partition": naming.key}.get(part.name)
            yield from _dated(form) if form else ((_TEXT, _ONCE), (_TEXT, _MANY))


def _literal(text: str) -> Iterable[Atom]:
    return ((char, _ONCE) for char in text)


def _dated(form: str) -> Iterator[Atom]:
    for directive in _directives(form):
        if directive in ("%s", "%z"):
            yield from ((_TEXT, _ONCE), (_TEXT, _MANY))
            continue
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
    if _TEXT in (one, other):
        return "/" not in (one, other)
    return _DIGIT in (one, other) and (one if other == _DIGIT else other) in "0123456789"
