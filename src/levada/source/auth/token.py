"""A token that comes and goes: fetched once for all readers of a process, anew before it ends, once when refused."""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from levada.edges import Call, Credential
from levada.secret import Secret
from levada.source.auth.signer import Ask

__all__ = ["Shared", "Token", "TokenSigner", "forget", "life", "shared", "usable"]

#: Seconds, and share of its life, before its end at which a token is fetched anew: the smaller counts.
EARLY, SHARE = 60.0, 0.1
#: Seconds for which a token that was fetched because of a refusal counts as fresh: refused again, that is final.
FRESH = 60.0
#: Seconds; a token that claims to live longer is taken to live so long.
LONGEST = 10 * 366 * 86400.0
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_NO_HEADER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    """What is sent, and from when on another is fetched."""

    secret: Secret
    fetched: datetime
    #: Seconds, or None: until it is refused.
    lives: float | None = None
    #: Fetched because the one before was refused.
    anew: bool = False

    def is_stale(self, now: datetime) -> bool:
        """Whether its end has come or is near."""
        if self.lives is None:
            return False
        return now >= self.fetched + timedelta(seconds=self.lives - min(EARLY, self.lives * SHARE))


def life(value: object) -> float | None:
    """Seconds from what an answer says: a number or its text; None where it is neither."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return None
    return float(min(max(value, 0), LONGEST))


def usable(value: object) -> str | None:
    """A token from an answer as text that a header can carry; None where it is none."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and text.strip() and not _NO_HEADER.search(text) else None


class Shared:
    """The place of one credential's token in this process. Hold `lock` to look at the rest."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token: Token | None = None
        self.refused = False


_all: dict[str, Shared] = {}
_all_lock = threading.Lock()


def shared(*parts: object) -> Shared:
    """The one place for the token of a credential, known by the hash of all that it is asked with, values included."""
    key = hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()
    with _all_lock:
        return _all.setdefault(key, Shared())


def forget() -> None:
    """Drop every token of this process: for tests, and after a fork."""
    with _all_lock:
        _all.clear()


class TokenSigner:
    """A Signer whose token is fetched; does not know how.

    Args:
        place: Where the token is kept, shared by all signers of the credential.
        fetch: Gets a new one; called by one thread at a time.
        carry: How the token is sent.
    """

    def __init__(
        self, place: Shared, fetch: Callable[[Ask, datetime], Token], carry: Callable[[Secret], Credential]
    ) -> None:
        self._place = place
        self._fetch = fetch
        self._carry = carry
        self._token: Token | None = None
        self._now: datetime | None = None

    def ready(self, ask: Ask, now: datetime) -> None:
        """Have a token that lives; see Signer."""
        self._now = now
        with self._place.lock:
            token = self._place.token
            if token is None or token.is_stale(now):
                token = replace(self._fetch(ask, now), anew=self._place.refused)
                self._place.token, self._place.refused = token, False
            self._token = token

    def sign(self, call: Call, now: datetime) -> Call:
        """`call` with the token that `ready` has got."""
        self._now = now
        if self._token is None:
            raise RuntimeError("ready comes before sign")
        return replace(call, credentials=(*call.credentials, self._carry(self._token.secret)))

    def refused(self, call: Call | None = None) -> bool:
        """True once for each token, but False for one that was itself fetched after a refusal, less than 60 s ago."""
        with self._place.lock:
            token = self._place.token
            if token is None or self._is_older(call, token):
                return True
            if token.anew and self._now is not None and self._now - token.fetched < timedelta(seconds=FRESH):
                return False
            self._place.token, self._place.refused = None, True
            return True

    def _is_older(self, call: Call | None, token: Token) -> bool:
        """Whether what was refused had been replaced already."""
        if call is None:
            return self._token is not token
        return self._carry(token.secret) not in call.credentials
