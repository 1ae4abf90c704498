"""JSON lines, and JSON values one after another -> one JSON list. An error names the line and the byte."""

import json
import re
from typing import Never

import msgspec

from levada.errors import ContractBroken
from levada.records.refusal import start

__all__ = ["as_list"]

_SPACE = re.compile(r"[ \t\n\r]*")
_lines = msgspec.json.Decoder(msgspec.Raw)


def as_list(text: bytes) -> bytes:
    """The values of a text as a JSON list, each as it stands there.

    Args:
        text: UTF-8; each value on a line, or several with or without white space between them; blank lines are none.

    Raises:
        ContractBroken: a value is no JSON.
    """
    try:
        values = [bytes(value) for value in _lines.decode_lines(text)]
    except (ValueError, RecursionError):
        values = _one_by_one(text)
    return b"[" + b",".join(values) + b"]"


def _refuse(name: str) -> Never:
    raise ValueError(name)


_values = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)


def _one_by_one(body: bytes) -> list[bytes]:
    text = body.decode("utf-8", "surrogateescape")
    values = []
    index = _after_space(text, 0)
    while index < len(text):
        try:
            _, end = _values.raw_decode(text, index)
        except RecursionError:
            raise _bad(text, index, "nested too deeply") from None
        except json.JSONDecodeError as error:
            raise _bad(text, error.pos, error.msg) from None
        except ValueError as error:
            raise _bad(text, index, f"{error} is no number of JSON, in the value that begins here") from None
        values.append(text[index:end].encode("utf-8", "surrogateescape"))
        index = _after_space(text, end)
    return values


def _bad(text: str, at: int, why: str) -> ContractBroken:
    at = min(at, len(text.rstrip()))
    line = text.count("\n", 0, at) + 1
    byte = len(text[:at].encode("utf-8", "surrogateescape"))
    begins = text.rfind("\n", 0, at) + 1
    shown = start(text[begins:].split("\n", 1)[0].encode("utf-8", "surrogateescape"))
    return ContractBroken(
        f"Line {line} of the body is no JSON: {why} (byte {byte}). It reads: {shown}",
        todo="Look at what the API sends; a cut or broken answer may be whole the next time.",
    )


def _after_space(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index
