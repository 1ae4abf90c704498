"""The body of a page as it came -> one JSON text in UTF-8, or the tree of its values. Landed bytes stay as they are."""

import json
from typing import Any

import msgspec

from levada.nouns import Format
from levada.records import decode_csv, decode_xml, lines
from levada.records.charset import MARK, in_utf8, told
from levada.records.raw import tree, whole
from levada.records.unpack import unpacked

__all__ = ["json_text", "values"]

_BLANK = b" \t\n\r"
#: Bytes of which byte order marks, and white space in UTF-16 and UTF-32, are made.
_MARKS = b"\xef\xbb\xbf\xff\xfe\0"


def json_text(body: bytes, how: Format, media: str) -> bytes:
    """The body as one JSON text; empty where it holds none: no bytes, or white space alone.

    JSON stays as it was sent. JSON lines and CSV are one list of their values and rows; XML is one object.

    Raises:
        ContractBroken: it is not packed or written as `how` and `media` say.
    """
    if how.unpack and body:
        body = unpacked(body, how.unpack)
    charset = told(how.charset, media)
    if how.kind == "xml":
        return _xml(body, charset) if body.strip(_BLANK + _MARKS) else b""
    text = in_utf8(body, charset, how.kind)
    if not text.strip(_BLANK):
        return b""
    if how.kind == "json":
        # blanks in place of the mark, so that byte offsets in messages stay true
        return b"   " + text if body.startswith(MARK) else text
    if how.kind == "json_lines":
        return lines.as_list(text)
    return _encoded(decode_csv.rows(text.decode("utf-8", "surrogateescape"), how))


def values(body: bytes, how: Format, media: str) -> Any:
    """The body as Python values; None where it holds none.

    Raises:
        ContractBroken: as for `json_text`.
    """
    text = json_text(body, how, media)
    return tree(whole(text)) if text else None


def _xml(body: bytes, charset: str | None) -> bytes:
    """The document; what the Content-Type tells goes before what the document says of itself (RFC 7303, 3.2)."""
    tree = decode_xml.document(in_utf8(body, charset, "xml"), "utf-8") if charset else decode_xml.document(body)
    return _encoded(tree)


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # bytes that were no UTF-8: a bad row, not a bad page
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
