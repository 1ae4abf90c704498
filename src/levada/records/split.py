"""Bytes of a page -> its records, each still the text that the API sent. Decides nothing about what is in a record."""

import json
import re
from collections.abc import Iterator
from typing import Any, Never

import msgspec

from levada.errors import ContractBroken
from levada.nouns import Records
from levada.secret import redact

__all__ = ["split"]

#: Characters of a body that a message shows.
SHOWN = 200
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")
#: Keys under which APIs put a sentence for people, in the order in which they are looked for.
_WORDS = ("message", "error", "errors", "detail", "error_description", "title", "reason")

_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)


def split(body: bytes, shape: Records, media: str = "") -> list[msgspec.Raw]:  # noqa: ARG001 - charsets come
    """The records of a page, in order, as raw JSON (RFC 8259).

    Args:
        body: The page; a UTF-8 byte order mark is passed over.
        shape: Where the records are, and what the body is written in.
        media: The Content-Type that came with it.

    Returns:
        One `Raw` a record. Elements that are no objects, or that hold text which is not valid Unicode, are here too:
        they are bad rows, not a bad page.

    Raises:
        ContractBroken: the body is no JSON, or not of this shape.
    """
    records = shape.path
    if body.startswith(_BOM):
        body = b"   " + body[3:]  # blanks, so that byte offsets in messages stay true
    try:
        return _list.decode(body) if records is None else [_one(body)]
    except msgspec.ValidationError:
        raise _wrong_shape(body, records) from None
    except (msgspec.DecodeError, RecursionError) as error:
        return _split_leniently(body, records, str(error))


def _one(body: bytes) -> msgspec.Raw:
    raw = _any.decode(body)
    if bytes(memoryview(raw)[:1]) != b"{":
        raise msgspec.ValidationError
    return raw


def _split_leniently(body: bytes, records: str | None, reason: str) -> list[msgspec.Raw]:
    r"""Split what msgspec refuses as a whole: it takes a lone surrogate (`"\ud800"`) in one row for a broken page."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        spans = list(_spans(text)) if records is None else [_whole(text)]
    except (ValueError, RecursionError):
        raise _no_json(body, reason) from None
    return [msgspec.Raw(text[start:end].encode("utf-8", "surrogateescape")) for start, end in spans]


def _refuse_constant(name: str) -> Never:
    raise ValueError(name)


_scanner = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _skip(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _value(text: str, index: int) -> tuple[Any, int]:
    return _scanner.raw_decode(text, index)


def _whole(text: str) -> tuple[int, int]:
    start = _skip(text, 0)
    value, end = _value(text, start)
    if not isinstance(value, dict) or _skip(text, end) != len(text):
        raise ValueError
    return start, end


def _spans(text: str) -> Iterator[tuple[int, int]]:
    index = _skip(text, 0)
    if text[index : index + 1] != "[":
        raise ValueError
    index = _skip(text, index + 1)
    while text[index : index + 1] != "]":
        _, end = _value(text, index)
        yield index, end
        index = _skip(text, end)
        if text[index : index + 1] == "]":
            break
        if text[index : index + 1] != ",":
            raise ValueError
        index = _skip(text, index + 1)
        if text[index : index + 1] == "]":
            raise ValueError
    if _skip(text, index + 1) != len(text):
        raise ValueError


def _no_json(body: bytes, reason: str) -> ContractBroken:
    if body.lstrip()[:1] == b"<":
        return ContractBroken(
            f"The body is HTML or XML, not JSON: {_start(body)}",
            todo="Open the URL with the same headers: a log-in page, a proxy or a maintenance page may have answered.",
        )
    at = "" if "(byte" in reason else f" (byte {len(body)})"
    return ContractBroken(
        f"The body is no JSON: {reason}{at}. It starts with: {_start(body)}",
        todo="Look at what the API sends; a cut or broken answer may be whole the next time.",
    )


def _wrong_shape(body: bytes, records: str | None) -> ContractBroken:
    try:
        _any.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return _no_json(body, str(error))
    found = _kind(body)
    if records is not None:
        return ContractBroken(
            f"The body is {found}, but `records: $` says that it is one object. It starts with: {_start(body)}",
            todo="Take `records` out of the stream if the body is a list of records.",
        )
    if found != "an object":
        return ContractBroken(
            f"The body is {found}, not a list of records. It starts with: {_start(body)}",
            todo="Check the stream's path: this is no page of records.",
        )
    return _object_for_list(body)


def _object_for_list(body: bytes) -> ContractBroken:
    keys = _object.decode(body)
    named = ", ".join(list(keys)[:10]) + (", ..." if len(keys) > 10 else "")  # noqa: PLR2004 - enough to recognise it
    said = next((f" Its `{key}` says: {_start(bytes(keys[key]))}" for key in _WORDS if key in keys), "")
    return ContractBroken(
        redact(f"The body is an object with the keys {named or '(none)'}, not a list of records.") + said,
        todo="If it is one record, write `records: $`. If it means the end of the pages or no data, add a rule to "
        "`responses` that recognises it.",
    )


def _kind(body: bytes) -> str:
    kinds = {b"{": "an object", b"[": "a list", b'"': "a string", b"t": "true", b"f": "false", b"n": "null"}
    return kinds.get(body.lstrip()[:1], "a number")


def _start(body: bytes) -> str:
    """The first characters, in one line; whole secrets blacked out before the cut so that none is shown in part."""
    text = " ".join(redact(body[: SHOWN * 40].decode("utf-8", "replace")).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."
