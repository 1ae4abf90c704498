"""A token endpoint (RFC 6749, 3.2): the form that it is sent, and what its answers say. Pure.

Its answers hold secrets: nothing of one is shown but what an error says of itself, redacted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from levada.edges import Answer, Call, Credential
from levada.errors import ApiRefused, LevadaError, TryLater
from levada.nouns import Place
from levada.secret import Secret, redact, shown_url
from levada.source.auth.token import Token, life, usable
from levada.source.origin import origin
from levada.version import __version__

__all__ = ["HEADERS", "SIZE_LIMIT", "Endpoint", "form_call", "granted", "refusal", "said", "token_of", "tree"]

#: What each call of a signer's own carries.
HEADERS = (
    ("User-Agent", f"levada/{__version__}"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip, deflate"),
)
#: Bytes of an answer that holds a token.
SIZE_LIMIT = 1024 * 1024
#: Characters of an endpoint's own words that a message shows.
SHOWN = 200
_OK = range(200, 300)
#: Statuses that pass.
_BUSY = {408, 425, 429}
_PASSING = {"temporarily_unavailable", "server_error", "slow_down"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom a signer asks, and what a person checks when it refuses."""

    #: "token endpoint", "log-in".
    what: str
    url: str
    #: Of the spec's `auth`.
    place: Place
    #: Variables that say who asks: "CLIENT_ID and CLIENT_SECRET".
    client: str
    #: Variables that say what may be had: the refresh token, the private key; may be empty.
    grant: str = ""


def form_call(
    endpoint: Endpoint, fields: Mapping[str, str], timeout: float, credentials: tuple[Credential, ...] = ()
) -> Call:
    """A POST of a form to an endpoint."""
    return Call(
        method="POST",
        url=endpoint.url,
        headers=(*HEADERS, ("Content-Type", "application/x-www-form-urlencoded")),
        body=urlencode(fields).encode(),
        credentials=credentials,
        origin=origin(endpoint.url),
        timeout=timeout,
        size_limit=SIZE_LIMIT,
    )


def granted(endpoint: Endpoint, answer: Answer) -> dict[str, Any]:
    """What a token endpoint gives (RFC 6749, 5.1).

    Raises:
        ApiRefused: it gives an error, or no JSON object.
        TryLater: it says that it is busy.
    """
    given = tree(answer)
    if answer.status not in _OK or (isinstance(given, dict) and given.get("error")):
        raise refusal(endpoint, answer)
    if not isinstance(given, dict):
        what = f"The {endpoint.what} {shown_url(endpoint.url)} answers {answer.status}, but with no JSON object."
        raise ApiRefused(what, where=str(endpoint.place), todo="Check its URL: this may be a page for people.")
    return given


def token_of(endpoint: Endpoint, given: Mapping[str, Any], now: datetime) -> Token:
    """The access token in what an endpoint gives, and its life.

    Raises:
        ApiRefused: there is none.
    """
    value = usable(given.get("access_token"))
    if value is None:
        names = redact(", ".join(sorted(map(str, given))))[:SHOWN] or "nothing"
        what = (
            f"The {endpoint.what} {shown_url(endpoint.url)} gives no access_token that can be sent (it gives {names})."
        )
        raise ApiRefused(what, where=str(endpoint.place), todo="Check `grant`, `scopes` and `params` of `auth`.")
    return Token(Secret("access token", value, "lately"), now, life(given.get("expires_in")))


def refusal(endpoint: Endpoint, answer: Answer) -> LevadaError:
    """The error that an endpoint's refusal is: RFC 6749, 5.2, or its status and first words."""
    code, words = _told(answer)
    status = _status(answer.status)
    what = f"The {endpoint.what} {shown_url(endpoint.url)} answers {status}{f' {code}' if code else ''}"
    what += f": {words}" if words else "."
    where = str(endpoint.place)
    if answer.status >= 500 or answer.status in _BUSY or code in _PASSING:  # noqa: PLR2004 - the class of statuses
        return TryLater(what, where=where, todo="Try again later; the pages that came are kept.")
    return ApiRefused(what, where=where, todo=_todo(endpoint, code))


def tree(answer: Answer) -> Any:
    """The body as JSON, None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _told(answer: Answer) -> tuple[str, str]:
    """An error's code and words; without a code, the first words of the body."""
    given = tree(answer)
    error = given.get("error") if isinstance(given, dict) else None
    if isinstance(given, dict) and isinstance(error, str):
        return said(error), said(given.get("error_description") or given.get("error_uri") or "")
    return "", said(answer.body[: 8 * SHOWN].decode("utf-8", "replace"))


def said(words: object) -> str:
    """Somebody's words for a message: redacted before they are cut, in one line."""
    line = " ".join(redact(str(words)).split())
    return "".join(character for character in line if character.isprintable())[:SHOWN]


def _todo(endpoint: Endpoint, code: str) -> str:
    grant, client = endpoint.grant or endpoint.client, endpoint.client or endpoint.grant
    if code == "invalid_grant" and grant:
        return f"Check {grant}: it may be wrong, expired, revoked or used already; get a new one and set it."
    if code == "invalid_scope":
        return f"Check `scopes` ({endpoint.place})."
    if code in ("unsupported_grant_type", "unauthorized_client"):
        return f"Check `grant` ({endpoint.place}), and whether {client or 'the client'} may use it."
    if code == "invalid_client" or not grant:
        return f"Check {client}." if client else f"Check `auth` ({endpoint.place})."
    names = " and ".join(dict.fromkeys(name for name in (endpoint.client, endpoint.grant) if name))
    return f"Check {names}, and what `auth` says ({endpoint.place})."


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
