"""What a spec file is before it means anything: values that know where they stand, and the mistakes found so far."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from levada.errors import FixThis
from levada.nouns import Place

__all__ = ["Items", "Keys", "Lost", "Mistake", "Node", "Plain", "Word", "core", "refusal", "show"]

Plain: TypeAlias = str | int | float | bool | None

#: Characters of a text that a message shows.
_LINE = 80
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL = re.compile(r"0o[0-7]{1,400}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def core(text: str) -> Plain:
    """The value of a plain scalar by YAML 1.2.2, section 10.3.2, the core schema: dates, yes, no, on, off are text."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def show(text: str) -> str:
    """`text` for a message: on one line, printable, and not too long."""
    short = text if len(text) <= _LINE else f"{text[: _LINE - 3]}..."
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in short)


@dataclass(frozen=True, slots=True)
class Word:
    """A scalar: its text as written, and whether it was quoted (then it is text, whatever it looks like).

    With variables filled in it counts as not quoted: quotes around `${N}` are often there for YAML's sake alone.
    """

    text: str
    place: Place
    quoted: bool = False
    #: Variables of the environment whose text is part of `text`; such a text is not shown in messages.
    origin: tuple[str, ...] = ()
    #: The text with the braces of what came from the environment doubled, so that `template.parse` takes it literally.
    literal: str = ""
    #: The text before variables were filled in.
    written: str = ""

    @property
    def value(self) -> Plain:
        """What the text is by the core schema."""
        return self.text if self.quoted else core(self.text)

    @property
    def empty(self) -> bool:
        """Whether it is YAML's null: nothing, `null` or `~` without quotes."""
        return self.value is None

    @property
    def shown(self) -> str:
        """The text for a message: never one that the environment gave, which may be a secret in the wrong place."""
        if self.origin:
            return f"the value of {' and '.join(self.origin)}"
        return f'"{show(self.text)}"'


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    items: "tuple[Node, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping: for each key its own place and its value."""

    entries: "dict[str, tuple[Place, Node]]"
    place: Place
    #: The source line with quotes put around this value, when it looks like a template that YAML took for a mapping.
    corrected: str = ""
    #: Whether it was written as a single word, which stands for its main key.
    short: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that was refused already; nothing more is said about it."""

    place: Place


Node: TypeAlias = Word | Items | Keys | Lost


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing a person must change in a file."""

    place: Place
    what: str
    todo: str = field(default="")

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" + (f"\n    to do: {self.todo}" if self.todo else "")


def refusal(mistakes: Iterable[Mistake]) -> FixThis:
    """One error that lists all mistakes by position; its first line counts them."""
    found = sorted(set(mistakes), key=lambda mistake: (mistake.place.line, mistake.place.column, mistake.what))
    first = found[0]
    if len(found) == 1:
        return FixThis(first.what, where=str(first.place), todo=first.todo)
    listed = "\n".join(f"  {mistake}" for mistake in found)
    return FixThis(
        f"{len(found)} mistakes in {first.place.file}:\n{listed}",
        where=str(first.place),
        todo="mend each line above; nothing was run",
    )
