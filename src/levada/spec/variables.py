"""`${VAR}` and `${VAR:-default}`: text of the environment in the values of a spec. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from levada.spec.template import escape
from levada.spec.tree import Word

__all__ = ["Resolved", "Variable", "pieces", "resolve", "secret_names"]

#: Variables in one value, so that a default within a default within ... cannot exhaust the stack.
MOST = 50
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT = re.compile(r"[^${}]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """One `${...}` as written, with the literal or the variable that stands in when it is not set, or empty."""

    name: str
    source: str
    default: "str | Variable | None" = None

    @property
    def names(self) -> tuple[str, ...]:
        """This variable and those that stand in for it, in order."""
        return (self.name, *(self.default.names if isinstance(self.default, Variable) else ()))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A word with its variables filled in; those that are not set stay as written and are listed."""

    word: Word
    missing: tuple[tuple[str, ...], ...] = ()


def pieces(text: str) -> tuple[str | Variable, ...]:
    """The literal parts of `text` and its variables, in order; `$${A}` is the text `${A}`, a variable without a name.

    Raises:
        ValueError: a variable that is not closed or not named as one. The text says what to write.
    """
    if text.count("${") > MOST:
        raise ValueError(f"more than {MOST} variables in one value")
    found: list[str | Variable] = []
    rest = text
    while rest:
        head, start, tail = rest.partition("${")
        if not start:
            return (*found, rest)
        variable = _variable(start + tail)
        rest = rest[len(head) + len(variable.source) :]
        if head.endswith("$"):
            head, variable = head[:-1], Variable("", variable.source, variable.source)
        found += [head, variable] if head else [variable]
    return tuple(found)


def _variable(text: str) -> Variable:
    """The variable that `text` begins with."""
    name = _NAME.match(text, 2)
    if not name:
        raise ValueError("${ is not followed by the name of a variable; write ${NAME}, or $${NAME} for the text itself")
    if text[name.end() : name.end() + 1] == "}":
        return Variable(name.group(), text[: name.end() + 1])
    if not text.startswith(":-", name.end()):
        raise ValueError(f"${{{name.group()} is not closed; write ${{{name.group()}}} or ${{{name.group()}:-default}}")
    return _with_default(text, name.group(), name.end() + 2)


def _with_default(text: str, name: str, start: int) -> Variable:
    if text.startswith("${", start):
        default: str | Variable = _variable(text[start:])
        end = start + len(default.source if isinstance(default, Variable) else default)
    else:
        literal = _DEFAULT.match(text, start)
        default = literal.group() if literal else ""
        end = start + len(default)
    if text[end : end + 1] != "}":
        raise ValueError(
            f"the default of ${{{name}}} must be one ${{OTHER}}, or text without braces and $, and end with }}"
        )
    return Variable(name, text[: end + 1], default)


def _value(variable: Variable, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """The text of a variable and the name of the one that gave it ("" for a default), or None."""
    if given := environment.get(variable.name):
        return given, variable.name
    if isinstance(variable.default, Variable):
        return _value(variable.default, environment)
    return None if variable.default is None else (variable.default, "")


def resolve(word: Word, environment: Mapping[str, str]) -> Resolved:
    """`word` with its variables filled in; an empty variable counts as not set.

    Raises:
        ValueError: see `pieces`.
    """
    text = literal = ""
    origin: tuple[str, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()
    for piece in pieces(word.text):
        if isinstance(piece, str):
            text, literal = text + piece, literal + piece
            continue
        value, name = _value(piece, environment) or (piece.source, None)
        text, literal = text + value, literal + escape(value)
        origin += (name,) if name else ()
        missing += (piece.names,) if name is None else ()
    plain = not word.quoted or "${" in word.text
    filled = replace(word, text=text, literal=literal, origin=origin, quoted=not plain, written=word.text)
    return Resolved(filled, missing)


def secret_names(text: str) -> tuple[str, ...] | None:
    """The variables to try for a secret, in order; None when `text` holds anything literal.

    Raises:
        ValueError: see `pieces`.
    """
    found = pieces(text)
    if len(found) != 1 or isinstance(found[0], str):
        return None
    last: str | Variable | None = found[0]
    while isinstance(last, Variable):
        last = last.default
    return found[0].names if last is None else None
