"""JSON text cut into its parts, each still as it was sent: numbers, white space and doubled keys are not touched."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Literal, Never

import msgspec

from levada.records.refusal import no_json, too_deep

__all__ = ["Kind", "items", "kind", "members", "tree", "whole"]

Kind = Literal["object", "list", "string", "true", "false", "null", "number"]

_KINDS: dict[bytes, Kind] = {
    b"{": "object",
    b"[": "list",
    b'"': "string",
    b"t": "true",
    b"f": "false",
    b"n": "null",
}
_SPACE = re.compile(r"[ \t\n\r]*")
#: What msgspec refuses and RFC 8259 (8.2) allows: half of a pair of escapes. It may also be a whole pair.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')
#: Python refuses to read longer integers: it would take too long (CVE-2020-10735).
_DIGITS = 4000

_any = msgspec.json.Decoder(msgspec.Raw)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def whole(text: bytes) -> msgspec.Raw:
    """The one value of a JSON text (RFC 8259), without the white space around it.

    Strings that are no valid Unicode (half a surrogate pair, bytes that are no UTF-8) are let through: that is a bad
    value of one record, not a bad page.

    Raises:
        ContractBroken: the text is no JSON; the message says at which byte.
    """
    try:
        return _any.decode(text)
    except RecursionError:
        raise too_deep(text) from None
    except msgspec.DecodeError as error:
        if not _SURROGATE.search(text):
            raise no_json(text, str(error)) from None
    return _whole_leniently(text)


def kind(raw: msgspec.Raw) -> Kind:
    """What a value is, by its first character."""
    return _KINDS.get(bytes(memoryview(raw)[:1]), "number")


def items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of a list."""
    try:
        return _list.decode(raw)
    except ValueError:
        return [part for _, part in _parts(raw)]


def members(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The values of an object by their names; of a doubled name the last, as Python's json takes it."""
    try:
        return _object.decode(raw)
    except ValueError:
        return dict(_parts(raw))


def tree(raw: msgspec.Raw) -> Any:
    """The value as Python has it; integers exact, numbers that no float can hold as their text."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise too_deep(bytes(raw)) from None
    except ValueError:
        return _values.decode(_text(raw))


def _parts(raw: msgspec.Raw) -> Iterator[tuple[str, msgspec.Raw]]:
    """Name (of an object's member) and text of each part of a valid list or object."""
    text = _text(raw)
    index = _skip(text, 1)
    while text[index] not in "]}":
        name = ""
        if text[0] == "{":
            name, index = _scanner.raw_decode(text, index)
            index = _skip(text, _skip(text, index) + 1)
        _, end = _scanner.raw_decode(text, index)
        yield name, _raw(text[index:end])
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)


def _whole_leniently(body: bytes) -> msgspec.Raw:
    text = body.decode("utf-8", "surrogateescape")
    start = _skip(text, 0)
    try:
        _, end = _scanner.raw_decode(text, start)
    except RecursionError:
        raise too_deep(body) from None
    except json.JSONDecodeError as error:
        raise no_json(body, _reason(error.msg, text[: error.pos])) from None
    except ValueError:
        raise no_json(body, _no_number(text)) from None
    after = _skip(text, end)
    if after != len(text):
        raise no_json(body, _reason("trailing characters", text[:after]))
    return _raw(text[start:end])


def _no_number(text: str) -> str:
    found = next(found for found in _NO_NUMBER.finditer(text) if found.group(1))
    return _reason(f"{found.group(1)} is no number of JSON", text[: found.start()])


def _reason(what: str, before: str) -> str:
    return f"{what} (byte {len(before.encode('utf-8', 'surrogateescape'))})"


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode("utf-8", "surrogateescape")


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode("utf-8", "surrogateescape"))


def _skip(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _refuse(name: str) -> Never:
    raise ValueError(name)


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text


def _real(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_scanner = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
_values = json.JSONDecoder(parse_int=_integer, parse_float=_real, parse_constant=_refuse)
