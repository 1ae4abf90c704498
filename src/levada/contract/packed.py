"""Values packed in texts: JSON in a string, and literals of Python, which are read and never run."""

import ast
import json
import math
import re
from typing import Any

import msgspec

from levada.contract.model import Decode
from levada.contract.values import whole

__all__ = ["LIMIT", "PACKED", "unpacked"]

#: Characters of a literal of Python: its reader takes up to 435 bytes of memory and 2.5 µs for each.
LIMIT = 100_000
#: Levels of a literal of Python: deep ones can end the process, as its own page warns
#: (https://docs.python.org/3/library/ast.html#ast.literal_eval).
_DEPTH = 50
#: What a reason says was expected.
PACKED = {
    "python_literal": f"text with a literal of Python (up to {LIMIT} characters)",
    "json": "text with JSON in it",
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
#: Escapes that Python knows; it keeps the backslash of any other, and warns.
_KNOWN = frozenset("\n\r\\'\"abfnrtv01234567xNuU")
_OVER = re.compile(r"\\[4-7][0-7][0-7]")

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

    Raises:
        ValueError: it is no literal, or one that JSON has no value for (a set, bytes, an infinite number), it has a key
            twice, is longer than `LIMIT` or nested more than 50 levels deep.
    """
    if len(text) > LIMIT or _deep(text) or _OVER.search(text):
        raise ValueError
    try:
        tree = ast.parse(_ESCAPE.sub(_kept, text.strip()), mode="eval")
    except (SyntaxError, MemoryError, RecursionError):
        raise ValueError from None
    return _value(tree.body)


def _deep(text: str) -> bool:
    """Whether brackets, or signs, of which each is a level to the reader too, may be nested too deeply."""
    level = most = 0
    for char in re.findall(r"[\[\]{}()]", text):
        level += 1 if char in "[{(" else -1
        most = max(most, level)
    return most > _DEPTH or bool(re.search(rf"[-+~]{{{_DEPTH}}}", re.sub(r"\s", "", text)))


def _kept(found: re.Match[str]) -> str:
    return found[0] if found[1] in _KNOWN else f"\\{found[0]}"


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | bool() | int() | str() as value):
            return value
        case ast.Constant(value=float(value)) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as value)):
            if isinstance(value, bool) or not math.isfinite(value):
                raise ValueError
            return -value if isinstance(sign, ast.USub) else value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return _object(keys, values)
    raise ValueError


def _object(keys: list[ast.expr | None], values: list[ast.expr]) -> dict[str, Any]:
    made = {_key(key): _value(value) for key, value in zip(keys, values, strict=True)}
    if len(made) != len(keys):
        raise ValueError
    return made


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return str(node.value)
    raise ValueError
