"""Reads a spec: YAML, the environment and `.env` in, a frozen Spec out; or one error that lists every mistake.

The one home of YAML and of `.env` files.
"""

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from levada.errors import FixThis
from levada.nouns import Place
from levada.spec.blame import Complaint, blame, bracketed, masked, quoted, unprintable
from levada.spec.build import build
from levada.spec.model import Spec
from levada.spec.tree import Items, Keys, Lost, Mistake, Node, Word, show
from levada.spec.values import seconds

__all__ = ["duration", "environment_of", "read", "read_text", "tree_of"]

#: The C parser is ten times as fast; where PyYAML was built without libyaml, its own does the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
#: No spec is that long: somebody named a data file.
_LONGEST = 1024 * 1024
_DEEPEST = 20


def read(path: str | os.PathLike[str], environment: Mapping[str, str], *, lake: str | None = None) -> Spec:
    """The spec in the file `path`.

    Args:
        path: The YAML file.
        environment: The variables of the process; unless empty, they win over `.env` in the spec's folder.
        lake: Folder of the lake instead of the spec's own, relative to the working folder.

    Raises:
        FixThis: the file cannot be read, or is no spec; lists every mistake with file:line:column.
    """
    name = os.fspath(path)
    text = _text(name, "a spec", "check the path; `levada check FILE` reads one")
    return read_text(text, name, environment_of(name, environment), lake=lake)


def read_text(text: str, file: str, environment: Mapping[str, str], *, lake: str | None = None) -> Spec:
    """The spec that `text` says; reads no file.

    Args:
        text: YAML.
        file: What the file is called in messages; a relative `lake:` is relative to its folder.
        environment: All variables, `.env` merged in already (`environment_of`).
        lake: See `read`.

    Raises:
        FixThis: see `read`.
    """
    root, mistakes = tree_of(text, file)
    return build(root, environment, lake=lake, mistakes=mistakes)


def tree_of(text: str, file: str) -> tuple[Node, Sequence[Mistake]]:
    """What `text` says before it means anything, variables not filled in; and what is wrong with it as YAML."""
    growing = _Tree(file, _BREAK.split(text.removeprefix("\ufeff")))
    return _root(text.removeprefix("\ufeff"), growing), growing.mistakes


def duration(text: str) -> float:
    """Seconds in a duration such as `500ms`, `1s`, `5m`, `2h`, `7d`; `0` is none.

    Raises:
        FixThis: it is no duration.
    """
    try:
        return seconds(text)
    except ValueError:
        todo = "write a number with its unit: 500ms, 1s, 5m, 2h, 7d"
        raise FixThis(f'"{text[:40]}" is no duration.', where="duration", todo=todo) from None


def environment_of(spec_path: str | os.PathLike[str], environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`; what is not set or empty there comes from `.env` in the spec's folder (no interpolation there).

    Raises:
        FixThis: `.env` cannot be looked for or read, or a line of it is no assignment.
    """
    path = Path(spec_path).parent / ".env"
    try:
        if not path.is_file():
            return dict(environment)
    except OSError as error:
        raise FixThis(
            f"{path} cannot be looked for: {error.strerror}.",
            where=str(path),
            todo=f"check the path {os.fspath(spec_path)}, and that this user may enter its folder",
        ) from None
    text = _text(str(path), "a file of variables", "make it readable, or take it away")
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise FixThis(
                "This line sets no variable.", where=f"{path}:{binding.original.line}", todo="write NAME=value"
            )
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    filled = {name: value for name, value in found.items() if value is not None and not environment.get(name)}
    return {**environment, **filled}


def _text(name: str, kind: str, todo: str) -> str:
    """The text of a file, or FixThis that says why there is none."""
    try:
        with Path(name).open("rb") as stream:
            body = stream.read(_LONGEST + 1)
    except FileNotFoundError:
        raise FixThis(f"There is no file {name}.", where=name, todo=todo) from None
    except IsADirectoryError:
        raise FixThis(f"{name} is a folder, not {kind}.", where=name, todo="name a file in it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no such name is possible"
        raise FixThis(f"{name} cannot be read: {reason}.", where=name, todo=todo) from None
    if len(body) > _LONGEST:
        raise FixThis(f"{name} is longer than 1 MB: it is not {kind}.", where=name, todo="name another file")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise FixThis(f"{name} is not UTF-8 text.", where=f"{name}:{line}", todo="save it as UTF-8") from None


@dataclass(slots=True)
class _Tree:
    """A tree in the making: the lines it comes from, the mistakes found."""

    file: str
    lines: list[str]
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def refuse(self, mark: Any, what: str, todo: str = "") -> Lost:
        place = self.place(mark)
        self.mistakes.append(Mistake(place, what, todo))
        return Lost(place)


def _root(text: str, tree: _Tree) -> Node:
    """The file's one document as a tree; mistakes of YAML are noted in `tree`."""
    start = Place(tree.file, 1, 1)
    if odd := unprintable(text):
        place = Place(tree.file, odd[0], odd[1])
        tree.mistakes.append(Mistake(place, f"the character {odd[2]} has no place in YAML", "take it away"))
        return Lost(place)
    root: Node | None = None
    try:
        events = yaml.parse(text, Loader=_LOADER)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                return tree.refuse(
                    event.start_mark, "a second document begins here", "one file is one pipeline: split it"
                )
            if isinstance(event, yaml.NodeEvent):
                root = _node(event, events, tree, 0)
    except yaml.MarkedYAMLError as error:
        tree.mistakes.append(_complaint(error, tree))
        return Lost(start)
    if root is None or (isinstance(root, Word) and root.empty):
        tree.mistakes.append(Mistake(start, "the file is empty", "begin with pipeline: NAME; see docs/spec.md"))
        return Lost(start)
    return root


def _complaint(error: yaml.MarkedYAMLError, tree: _Tree) -> Mistake:
    """What the parser did not like; a value without quotes is known by the line that parses once it has them."""
    mark = error.problem_mark or error.context_mark
    number = min(mark.line, len(tree.lines) - 1) if mark else 0
    line = tree.lines[number]
    place = Place(tree.file, number + 1, (mark.column if mark else 0) + 1)
    for better, what in (
        (quoted(line), "braces begin a mapping in YAML: a value with {...} or ${...} needs quotes here"),
        (bracketed(line), "brackets begin a list in YAML: inside braces, a text such as $.data[*] needs quotes"),
    ):
        if better != line and _first_bad_line([*tree.lines[:number], better, *tree.lines[number + 1 :]]) != number:
            return Mistake(place, what, f"write this line as: {masked(better)}")
    began = tree.place(error.context_mark) if error.context_mark else place
    before = next((above for above in reversed(tree.lines[:number]) if above.strip()), "")
    return blame(Complaint(f"{error.context or ''} {error.problem or ''}", place, began, line, before))


def _first_bad_line(lines: list[str]) -> int | None:
    try:
        for _ in yaml.parse("\n".join(lines), Loader=_LOADER):
            pass
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line if error.problem_mark else 0
    return None


def _node(event: Any, events: Iterator[Any], tree: _Tree, depth: int) -> Node:
    """The node that begins with `event`; takes its further events."""
    if isinstance(event, yaml.AliasEvent):
        return tree.refuse(event.start_mark, "an alias (*name): specs have none", "write the value itself, or quote it")
    if event.anchor is not None:
        tree.refuse(event.start_mark, "an anchor (&name): specs have none", "take it away, or quote the value")
    if event.tag is not None:
        tree.refuse(event.start_mark, "a tag (!name): specs have none", "take it away, or quote the value")
    if isinstance(event, yaml.ScalarEvent):
        return Word(event.value, tree.place(event.start_mark), quoted=bool(event.style))
    if depth >= _DEEPEST:
        _skip(events)
        return tree.refuse(event.start_mark, f"more than {_DEEPEST} levels of nesting", "write it flatter")
    inside = _items if isinstance(event, yaml.SequenceStartEvent) else _keys
    return inside(event, events, tree, depth + 1)


def _skip(events: Iterator[Any]) -> None:
    """Take the events of a collection that has begun, to its end."""
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)


def _items(event: Any, events: Iterator[Any], tree: _Tree, depth: int) -> Items:
    found = []
    while not isinstance(below := next(events), yaml.SequenceEndEvent):
        found.append(_node(below, events, tree, depth))
    return Items(tuple(found), tree.place(event.start_mark))


def _keys(event: Any, events: Iterator[Any], tree: _Tree, depth: int) -> Keys:
    found: dict[str, tuple[Place, Node]] = {}
    while not isinstance(below := next(events), yaml.MappingEndEvent):
        mark = below.start_mark
        key = _node(below, events, tree, depth)
        value = _node(next(events), events, tree, depth)
        if isinstance(key, Word) and _is_new(key, mark, found, tree):
            found[key.text] = (key.place, value)
        elif isinstance(key, Items | Keys):
            tree.refuse(mark, "a key is a list or a mapping", "a key is one word; put quotes around a text with braces")
    corrected = _corrected(event, below, found, tree)
    return Keys(found, tree.place(event.start_mark), corrected)


def _is_new(key: Word, mark: Any, found: Mapping[str, Any], tree: _Tree) -> bool:
    if key.text == "<<" and not key.quoted:
        tree.refuse(mark, "a merge key (<<): specs have none", "write the keys themselves")
        return False
    if key.text in found:
        first = found[key.text][0].line
        tree.refuse(
            mark, f'the key "{show(key.text)}" stands here twice (first in line {first})', "leave one of them out"
        )
        return False
    return True


def _corrected(start: Any, end: Any, found: Mapping[str, tuple[Place, Node]], tree: _Tree) -> str:
    """The line with quotes around a `{date}` that YAML took for a mapping; "" when it does not look like that."""
    values = [value for _, value in found.values()]
    lone = len(values) == 1 and isinstance(values[0], Word) and not values[0].text and not values[0].quoted
    if not (lone and start.flow_style and start.start_mark.line == end.end_mark.line):
        return ""
    line = tree.lines[start.start_mark.line]
    first, last = start.start_mark.column, end.end_mark.column
    return masked(f'{line[:first]}"{line[first:last]}"{line[last:]}')
