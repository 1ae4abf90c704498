"""Values packed in texts: JSON in a string, and literals of Python, which are read and never run."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

from levada.contract.model import Decode
from levada.contract.values import whole

__all__ = ["DEPTH", "LIMIT", "PACKED", "TOKENS", "literal", "unpacked"]

#: Characters of a literal of Python.
LIMIT = 100_000
#: Texts, numbers, names and signs in it. Within these limits the dearest texts (`['', '', ...]`, nothing but escapes, a
#: dict of small numbers) take 50 to 80 ms and 1.4 MB; without this one `['', '', ...]` takes 2 µs a character.
TOKENS = 10_000
#: Levels of brackets in a literal of Python.
DEPTH = 50
#: What a reason says was expected.
PACKED = {
    "python_literal": f"text with a literal of Python (up to {LIMIT} characters)",
    "json": "text with JSON in it",
}
#: Unrolled: what is no escape is passed in one step, in a third of the time.
_STRING = "(?:" + "|".join(rf"{q}[^{q}\\\n\r\0]*+(?:\\[^\r\0][^{q}\\\n\r\0]*+)*+{q}" for q in "'\"") + ")"
_DIGITS = r"(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|0+|[1-9][0-9]*)"
#: Texts in three quotes are none: Python prints no such.
_TOKEN = re.compile(
    rf"""[ \t\n\f]*+(?![rRuU]?(?:'''|\"{{3}}))(?:(?P<mark>[][(){{}},:])|(?P<number>[-+]?{_DIGITS}(?![\w.]))"""
    rf"""|(?P<name>(?:True|False|None)(?!\w))|(?P<raw>[rR]{_STRING})|(?P<string>[uU]?{_STRING}))"""
)
_LEVELS = {**dict.fromkeys("[({", 1), **dict.fromkeys("])}", -1)}
_NAMES = {"True": True, "False": False, "None": None}
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {
    **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)),
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
}
#: The greatest character that an octal escape can name.
_OCTAL = 0o377

#: A kind of `_TOKEN` and what stands there.
_Token = tuple[str, str]

_text = msgspec.json.Decoder(str).decode


def unpacked(how: Decode, raw: msgspec.Raw | bytes) -> msgspec.Raw:
    """The JSON of what a text holds; null stays null.

    Raises:
        ValueError: it is no text, or the text holds no such thing.
    """
    if bytes(raw) == b"null":
        return msgspec.Raw(b"null")
    text = _text(raw)
    return whole(text if how == "json" else json.dumps(literal(text)))


def literal(text: str) -> Any:
    """What a literal of Python says, as JSON has it: tuples are lists, keys are texts.

    Python's own reader is not asked: it takes 435 bytes a character, warns on standard error, and deep texts can end
    the process (https://docs.python.org/3/library/ast.html#ast.literal_eval).

    Raises:
        ValueError: it is no literal, or one that JSON has no value for (a set, bytes, an infinite number, half of a
            surrogate pair), it has a key twice, is longer than `LIMIT`, of more than `TOKENS` or nested deeper than
            `DEPTH`.
    """
    bare = text.strip()
    # Beyond brackets a line ends what Python reads.
    if len(text) > LIMIT or ("\n" in bare and bare[0] not in "[({"):
        raise ValueError
    tokens = _tokens(bare)
    try:
        value = _value(tokens, DEPTH)
    except IndexError:  # the text ends too early
        raise ValueError from None
    if tokens:
        raise ValueError
    return value


def _tokens(text: str) -> list[_Token]:
    """The last one first, so that the next one can be popped; what is nested too deeply is not read to its end."""
    found: list[_Token] = []
    at = levels = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise ValueError
        said = token[token.lastgroup]
        levels += _LEVELS.get(said, 0)
        if levels > DEPTH or len(found) == TOKENS:
            raise ValueError
        found.append((token.lastgroup, said))
        at = token.end()
    return found[::-1]


def _value(tokens: list[_Token], levels: int) -> Any:
    match tokens.pop():
        case "number", text:
            return _number(text)
        case "name", text:
            return _NAMES[text]
        case ("string" | "raw") as kind, text:
            return _string((kind, text), tokens)
        case "mark", "[" if levels:
            return _items(_value, tokens, levels - 1, "]")[0]
        case "mark", "(" if levels:
            items, comma = _items(_value, tokens, levels - 1, ")")
            return items if comma or len(items) > 1 else items[0]
        case "mark", "{" if levels:
            return _object(tokens, levels - 1)
    raise ValueError


def _items(
    one: Callable[[list[_Token], int], Any], tokens: list[_Token], levels: int, end: str
) -> tuple[list[Any], bool]:
    """What stands up to the bracket `end`; and whether nothing, or a comma, stands before that."""
    items: list[Any] = []
    comma = True
    while tokens[-1] != ("mark", end):
        if not comma:
            raise ValueError
        items.append(one(tokens, levels))
        comma = tokens[-1] == ("mark", ",")
        if comma:
            tokens.pop()
    tokens.pop()
    return items, comma


def _object(tokens: list[_Token], levels: int) -> dict[str, Any]:
    pairs, _ = _items(_pair, tokens, levels, "}")
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _pair(tokens: list[_Token], levels: int) -> tuple[str, Any]:
    key = _value(tokens, 0)
    if type(key) not in (str, int) or tokens.pop() != ("mark", ":"):
        raise ValueError
    return str(key), _value(tokens, levels)


def _number(text: str) -> int | float:
    if text.lstrip("+-").isdigit():
        return int(text)  # of more digits than Python reads it is a ValueError
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _string(first: _Token, tokens: list[_Token]) -> str:
    """A text with all that follow it: `('a' 'b')` is how long ones are printed over several lines."""
    parts = [_said(*first)]
    while tokens and tokens[-1][0] in ("string", "raw"):
        parts.append(_said(*tokens.pop()))
    made = "".join(parts)
    made.encode()  # half of a surrogate pair is a UnicodeEncodeError, which is a ValueError
    return made


def _said(kind: str, text: str) -> str:
    body = text.lstrip("rRuU")[1:-1]
    return body if kind == "raw" else _ESCAPE.sub(_escaped, body)


def _escaped(found: re.Match[str]) -> str:
    said = found[1]
    if said in _ESCAPED:
        return _ESCAPED[said]
    if said[0] in "xuU" and len(said) > 1:
        return chr(int(said[1:], 16))
    if said[0] in "01234567" and int(said, 8) <= _OCTAL:
        return chr(int(said, 8))
    if said[0] in "xuUN01234567":
        raise ValueError
    return found[0]  # Python keeps the backslash of an escape that it does not know
