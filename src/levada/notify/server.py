"""A mail server by its URL, which is a secret as a whole: its host may be told, its user and password never. Pure."""

import base64
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from levada.errors import FixThis
from levada.notify.trust import is_loopback
from levada.secret import Secret, is_token, remember

__all__ = ["Server", "log_in_parts", "server_of"]

#: How the way to it is closed: from the first byte, by STARTTLS before anything is said, not at all.
Tls = Literal["whole", "starttls", "none"]
_PORTS: dict[Tls, int] = {"whole": 465, "starttls": 587, "none": 25}
#: In angle brackets: what stands bare between :// and @ is taken for a secret in any text.
_EXAMPLE = "write smtps://<user>:<password>@<host>:465 (TLS) or smtp://<user>:<password>@<host>:587 (STARTTLS)"
_ENCODE = "in user and password, write @ : / ? # % as %40 %3A %2F %3F %23 %25"


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in."""

    host: str
    port: int
    tls: Tls
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def server_of(url: Secret) -> Server:
    """The server that a URL names.

    Raises:
        FixThis: it is no such URL, or asks for what would leave this machine in the clear; the text shows none of it.
    """
    try:
        parts = urlsplit(url.value)
        port = parts.port
        user, password = unquote(parts.username or "", errors="strict"), unquote(parts.password or "", errors="strict")
    except ValueError:
        raise _wrong(url, "holds no server", f"{_EXAMPLE}; {_ENCODE}") from None
    remember(password)
    for token in log_in_parts(user, password) if password else ():
        remember(token)  # servers quote lines that they do not understand
    if is_token(user):  # such as the id of a key; an address or a word stands in many texts
        remember(user)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0:
        raise _wrong(url, "holds no URL of a mail server", f"{_EXAMPLE}; {_ENCODE}")
    if parts.path not in ("", "/") or parts.fragment:
        raise _wrong(url, "has something after the port", _ENCODE)
    if any(ord(one) < ord(" ") for one in user + password):
        raise _wrong(url, "holds a control character", _ENCODE)
    tls = _tls(url, parts.scheme, parts.query, parts.hostname)
    if bool(user) != bool(password):
        raise _wrong(url, f"has a {'user' if user else 'password'} alone", _EXAMPLE)
    if password and tls == "none":
        raise _wrong(url, "has a password and no TLS, and it goes over TLS only", "leave user and password out")
    return Server(parts.hostname, port or _PORTS[tls], tls, user, password)


def log_in_parts(user: str, password: str) -> tuple[str, str, str]:
    """What is said to log in: all in one (AUTH PLAIN, RFC 4616), or user and password (AUTH LOGIN); in Base64."""
    plain, first, second = (
        base64.b64encode(text.encode()).decode() for text in (f"\0{user}\0{password}", user, password)
    )
    return plain, first, second


def _tls(url: Secret, scheme: str, query: str, host: str) -> Tls:
    if not query:
        return "whole" if scheme == "smtps" else "starttls"
    if scheme != "smtp" or parse_qs(query, keep_blank_values=True) != {"tls": ["none"]}:
        raise _wrong(url, "has parameters", f"{_EXAMPLE}, with nothing after the port, but ?tls=none for localhost")
    if not is_loopback(host):
        raise _wrong(url, "says tls=none for another machine", "mail goes over TLS: leave ?tls=none out")
    return "none"


def _wrong(url: Secret, what: str, todo: str) -> FixThis:
    return FixThis(f"The mail server in {url.name} cannot be used: the value {what}.", where=url.name, todo=todo)
