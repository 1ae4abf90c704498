"""Addresses of mails, as people write them: `name@example.com`, `Name <name@example.com>`. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Address", "address", "apart"]

#: No quoted names before the @, and no comments: nobody has an address with these.
_BARE = r'[^@\s<>"(),:;\\]+@[^@\s<>"(),:;\\]+'
_ADDRESS = re.compile(rf"(?:(?P<name>[^<>]*?) ?<(?P<inside>{_BARE})>|(?P<bare>{_BARE}))")


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
    """The addresses of texts, of which one may hold several with commas between them, as a variable does."""
    return tuple(
        part.strip() for text in texts for part in ([text] if address(text) else text.split(",")) if part.strip()
    )
