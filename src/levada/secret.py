"""Secrets: values that are used but never shown.

A spec names secrets (`${AUTH_TOKEN}`), it never holds them. Their values are known to this module from the moment they
are first revealed, so `redact` finds them in any text: messages, facts of answers, logs. Landed pages are data and are
not redacted.
"""

import base64
import json
import threading
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

__all__ = ["Secret", "redact", "remember"]

#: Shorter values are not redacted: a secret "a" would black out every text. The design promises 4 characters.
SHORTEST = 4
SHOWN_AS = "[secret]"

_known: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value and the variable it came from. Neither `repr` nor `str` shows the value."""

    name: str
    value: str

    def __post_init__(self) -> None:
        remember(self.value)

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    __str__ = __repr__


def remember(value: str) -> None:
    """Redact `value`, and the forms it takes in URLs, JSON and Basic auth, from now on."""
    if len(value) < SHORTEST:
        return
    forms = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(value.encode()).decode(),
    }
    with _lock:
        _known.update(forms)


def redact(text: str) -> str:
    """`text` with every known secret value replaced by `[secret]`, longest first."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for value in known:
        if value in text:
            text = text.replace(value, SHOWN_AS)
    return text
