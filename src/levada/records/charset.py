"""Which charset a text is written in, and the text as UTF-8. Nothing is guessed beyond marks in the bytes."""

import json
import re

from levada.charsets import known
from levada.errors import ContractBroken
from levada.records.refusal import start
from levada.secret import redact

__all__ = ["MARK", "in_utf8", "seen", "told"]

#: The byte order mark of UTF-8.
MARK = b"\xef\xbb\xbf"

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
#: US-ASCII is a part of UTF-8.
_PLAIN = {"utf-8", "ascii"}
_MARKED = {"utf-8-sig", "utf-16", "utf-32"}


def told(charset: str | None, media: str) -> str | None:
    """The charset that the spec, or else the Content-Type (RFC 9110, 8.3.2), tells; None if neither does.

    Raises:
        ContractBroken: Python does not know it.
    """
    found = _CHARSET.search(media)
    name = charset or (found.group(1) if found else None)
    return _known(name, by_spec=bool(charset)) if name else None


def seen(first: bytes, charset: str | None, kind: str) -> str:
    """The charset of a text: that of its byte order mark, else the one that was told, else UTF-8.

    JSON and XML begin with ASCII and hold no NUL, so zeros among the first bytes are a mark as well (RFC 4627, 3); a
    CSV may begin with anything.

    Args:
        first: Its first four bytes, or more.
        charset: What `told` tells.
        kind: What the text is, as `Format` has it.

    Returns:
        A name that Python knows; "utf-8-sig" for UTF-8 behind a mark, "utf-16" and "utf-32" behind theirs.

    Raises:
        ContractBroken: a CSV looks like UTF-16 or UTF-32, and nothing says that it is.
    """
    found = json.detect_encoding(first)
    if found == "utf-8":
        return charset or found
    if found in _MARKED or kind != "csv":
        return found
    if charset:
        return charset
    raise ContractBroken(
        f"There is a NUL among the first four bytes, as in {found}, and no byte order mark.",
        todo=f"Write `charset: {found}` in `format` if it is written so, else the charset that it is written in.",
    )


def in_utf8(body: bytes, charset: str | None, kind: str) -> bytes:
    """The text in UTF-8, a byte order mark left out.

    Args:
        body: The bytes.
        charset: What `told` tells.
        kind: What the text is, see `seen`.

    Raises:
        ContractBroken: these bytes cannot be in that charset.
    """
    charset = seen(body, charset, kind)
    if charset == "utf-8-sig":
        return body[len(MARK) :]
    if charset in _PLAIN:
        return body
    try:
        return body.decode(charset).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        raise ContractBroken(
            f"The body is not written in {charset}: byte {at} cannot be. It starts with: {start(body)}",
            todo="Write the charset that it is written in as `charset` of the stream's `format`.",
        ) from None


def _known(name: str, *, by_spec: bool) -> str:
    if found := known(name):
        return found
    teller = "The spec" if by_spec else "The Content-Type"
    raise ContractBroken(
        redact(f"{teller} says that the body is written in {name!r}, which is no known charset."),
        todo="Write the charset that it is written in as `charset` of the stream's `format`, such as utf-8 or latin-1.",
    )
