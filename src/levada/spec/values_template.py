"""How texts with `{...}` are read: each place knows its variables. Pure."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from levada.spec.engine import Value, Wrong
from levada.spec.meant import nearest
from levada.spec.template import OF_MOMENTS, Hole, Template, parse
from levada.spec.tree import Plain, Word
from levada.spec.values import CONTROL, LINES

__all__ = ["FORMATTED", "shown", "template", "template_or_none", "template_word", "tree_leaf"]

#: Variables that are days or instants.
FORMATTED = ("date", "start", "end", "tick")
_DOLLARED = re.compile(r"(?<!\$)\$\{([\w.]+)\}")
_DOUBLED = re.compile(r"\{\{ +([\w.]+) +\}\}")


def template(
    *allowed: str, check: Callable[[Template], None] = lambda _: None, empty: bool = False, lines: bool = False
) -> Value:
    """Kind of a template with these variables; `check` raises Wrong for what else the place demands."""

    def read(word: Word) -> Template:
        if not word.text and not empty:
            raise Wrong("the text is empty", "write some text, or leave the key out")
        _single(word, allowed)
        if CONTROL.search(word.text) or (not lines and LINES.search(word.text)):
            raise Wrong(f"{word.shown} holds a line break or another control character", "write it without")
        try:
            found = parse(word.literal)
        except ValueError as error:
            raise Wrong(str(error)) from None
        for part in found.parts:
            if isinstance(part, Hole):
                _known(part, allowed)
        check(found)
        return found

    known = ", ".join(f"{{{name}}}" for name in shown(allowed))
    return Value(read, f"text, with {known} where they are wanted", unset=read)


def _single(word: Word, allowed: tuple[str, ...]) -> None:
    """`{{ date }}` and `${date}` are how other tools write a variable; here they are text, or of the environment."""
    for found in _DOUBLED.finditer(word.written or word.text):
        if found[1].partition(".")[0] in allowed:
            raise Wrong(f"{found[0]}: doubled braces are the braces themselves", f"write {{{found[1]}}}")
    for found in _DOLLARED.finditer(word.text):  # those of the environment that are set are filled in by now
        if found[1].partition(".")[0] in allowed and not word.origin:
            raise Wrong(f"{found[0]} is a variable of the environment, and not set", f"write {{{found[1]}}}")


def _known(hole: Hole, allowed: tuple[str, ...]) -> None:
    root, dot, _ = hole.name.partition(".")
    if root not in allowed or (dot and root != "row"):
        near = nearest(hole.name, allowed)
        known = ", ".join(f"{{{name}}}" for name in shown(allowed))
        todo = f"did you mean {{{near}}}?" if near else f"known here: {known}"
        if root == "page" and "pipeline" not in allowed:  # in a request, and in no name
            todo = (
                "leave it out: paging sends the page, in query, header or body, as in paging: {by: page, param: page}"
            )
        raise Wrong(f"{{{hole.name}}} is no variable here", todo)
    if hole.format and root not in FORMATTED:
        raise Wrong(f"{{{hole.name}:{hole.format}}}: only dates and times take a format", f"write {{{hole.name}}}")
    if root == "date" and (hours := [one for one in sorted(OF_MOMENTS) if one in hole.format]):
        raise Wrong(f"{{{hole.name}:{hole.format}}}: a date has no {hours[0]}", f"write {{start:{hole.format}}}")


def shown(allowed: Iterable[str]) -> Iterator[str]:
    """Names of variables as one writes them: of a row, a field."""
    for name in allowed:
        yield from ("row", "row.FIELD") if name == "row" else (name,)


def template_or_none(kind: Value) -> Value:
    """Kind of a template that may be the word none instead; the value is None then."""

    def read(word: Word) -> Template | None:
        return None if word.text == "none" else kind.parse(word)

    return Value(read, f"{kind.says}; or none", unset=kind.unset)


def template_word(*allowed: str) -> Value:
    """Kind of a value that may be a template, whose type another key decides: the word itself."""
    kind = template(*allowed, empty=True)

    def read(word: Word) -> Word:
        kind.parse(word)
        return word

    return Value(read, "one value, or a text with {date}", unset=read)


def tree_leaf(*allowed: str) -> Value:
    """Kind of a value of a JSON body: text is a template, the rest as YAML types it."""
    kind = template(*allowed, empty=True, lines=True)

    def read(word: Word) -> Template | Plain:
        if not isinstance(word.value, str):
            return word.value
        _no_json(word)
        found: Template = kind.parse(word)
        return found

    return Value(read, "a text, a number, true, false or null", unset=kind.parse, null=True)


def _no_json(word: Word) -> None:
    """A body that stands in quotes would be sent as one text."""
    try:
        inside: Any = json.loads(word.text) if word.text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return
    if isinstance(inside, dict | list) and inside:
        raise Wrong("JSON in quotes is one text", "take the outer quotes away: YAML reads JSON as it is")
