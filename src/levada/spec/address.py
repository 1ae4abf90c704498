"""Addresses of mails, as people write them: `name@example.com`, `Name <name@example.com>`. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Address", "address", "apart"]

#: No quoted names before the @, and no comments: nobody has an address with these.
_BARE = r'[^@\s<>"(),:;\\]+@[^@\s<>"(),:;\\]+'
#: What is shown: with a comma or an @ between quotes alone, for bare they tell addresses apart.
_NAME = r'"[^"<>]*"|[^"<>@,;]*?'
_ADDRESS = re.compile(rf"(?:(?P<name>{_NAME}) ?<(?P<inside>{_BARE})>|(?P<bare>{_BARE}))")
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True, slots=True)
class Address:
    """One address; `name` is shown, and may be empty."""

    name: str
    user: str
    host: str


def address(text: str) -> Address | None:
    """The address that a text is, or None."""
    found = _ADDRESS.fullmatch(" ".join(text.split()))
    if found is None:
        return None
    user, _, host = (found["inside"] or found["bare"]).rpartition("@")
    return Address((found["name"] or "").strip('"'), user, host)


def apart(texts: Iterable[str]) -> tuple[str, ...]:
    """The addresses of texts, each once; a text may hold several with commas between them, as a variable does."""
    found: dict[str, str] = {}
    for part in (part.strip() for text in texts for part in _COMMA.split(text)):
        if part:
            found.setdefault(_bare(part), part)
    return tuple(found.values())


def _bare(text: str) -> str:
    """What tells addresses apart: their hosts are the same in capitals."""
    found = address(text)
    return f"{found.user}@{found.host.lower()}" if found else text
