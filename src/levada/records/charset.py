"""Which charset a body is written in, and its text as UTF-8. Nothing is guessed beyond marks in the bytes."""

import codecs
import json
import re

from levada.errors import ContractBroken
from levada.records.refusal import start
from levada.secret import redact

__all__ = ["in_utf8", "told"]

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
#: US-ASCII is a part of UTF-8.
_PLAIN = {"utf-8", "ascii"}
#: Codecs of Python that are no charsets of documents.
_NONE = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def told(charset: str | None, media: str) -> str | None:
    """The charset that the spec, or else the Content-Type (RFC 9110, 8.3.2), tells; None if neither does.

    Raises:
        ContractBroken: Python does not know it.
    """
    found = _CHARSET.search(media)
    name = charset or (found.group(1) if found else None)
    return _known(name, by_spec=bool(charset)) if name else None


def in_utf8(body: bytes, charset: str | None) -> bytes:
    """The text in UTF-8, a byte order mark left out. UTF-16 and UTF-32 are known by their marks, or their zeros.

    Args:
        body: The bytes.
        charset: What `told` tells.

    Raises:
        ContractBroken: these bytes cannot be in that charset.
    """
    seen = json.detect_encoding(body)
    if seen not in ("utf-8", "utf-8-sig"):
        charset = seen
    if charset is None or charset in _PLAIN:
        return body[3:] if seen == "utf-8-sig" else body
    if seen == "utf-8-sig":
        return body[3:]
    try:
        return body.decode(charset).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        raise ContractBroken(
            f"The body is not written in {charset}: byte {at} cannot be. It starts with: {start(body)}",
            todo="Write the charset that it is written in as `charset` of the stream's `format`.",
        ) from None


def _known(name: str, *, by_spec: bool) -> str:
    try:
        found = codecs.lookup(name).name.replace("_", "-")
        " ".encode(found)
    except (LookupError, ValueError):
        found = "undefined"
    if found not in _NONE:
        return found
    teller = "The spec" if by_spec else "The Content-Type"
    raise ContractBroken(
        redact(f"{teller} says that the body is written in {name!r}, which is no known charset."),
        todo="Write the charset that it is written in as `charset` of the stream's `format`, such as utf-8 or latin-1.",
    )
