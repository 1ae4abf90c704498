"""A POST with JSON. Its URL is a secret as a whole: who has it can post. Standard library."""

import http.client
import re
import ssl
from collections.abc import Mapping
from email.message import Message
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, unquote_plus, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from levada.errors import FixThis, LevadaError, TryLater
from levada.notify.letter import line
from levada.notify.sent import PATIENCE, Sent
from levada.notify.trust import authority, is_loopback, trust
from levada.secret import Secret, is_token, remember
from levada.version import __version__

__all__ = ["checked", "post"]

_WHERE = "notify.webhook"
#: Characters of an answer that are told.
_SAID = 300
_OK, _SERVER = range(200, 300), range(500, 600)
#: Statuses that ask for another try: 408, 425, 429 (RFC 9110, 15.5.9; RFC 8470; RFC 6585).
_AGAIN = {408, 425, 429}
#: The address is wrong or closed, so the next notice would fare no better.
_CLOSED = {401, 403, 404, 405, 407, 410}
#: Redirects after which a POST stays a POST (RFC 9110, 15.4.8 and 15.4.9).
_KEEP = {307, 308}


class _SameOrigin(HTTPRedirectHandler):
    """Follows a redirect only where nobody else gets to know what is posted."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - urllib's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        """The request to go on with, None where it would go elsewhere."""
        del fp, msg, headers
        if code not in _KEEP or _origin(newurl) != _origin(req.full_url):
            return None
        _know(newurl)
        return Request(newurl, req.data, dict(req.headers), method="POST")  # noqa: S310 - of the same origin


def post(url: Secret, body: bytes, environment: Mapping[str, str], patience: float = PATIENCE) -> Sent:
    """Send JSON to a webhook; any status from 200 to 299 is success.

    Args:
        url: https, or http on this machine.
        body: JSON.
        environment: May name certificates to trust.
        patience: Seconds for each answer.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"levada/{__version__}"}
    try:
        request = Request(checked(url), body, headers, method="POST")  # noqa: S310 - the scheme is checked
        with _opener(url, environment).open(request, timeout=patience):
            return Sent()
    except HTTPError as error:
        with error:
            return _answered(error, url)
    except LevadaError as error:
        return Sent(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Sent(_fault(error, url, authority(environment)))


def checked(url: Secret) -> str:
    """The URL, its parts remembered as secrets.

    Raises:
        FixThis: it is none that a notice may go to; the text shows none of it.
    """
    try:
        parts = urlsplit(url.value)
        _ = parts.port
    except ValueError:
        raise _wrong(url, "is no URL") from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-~]+", url.value):
        raise _wrong(url, "is no URL")
    if "@" in parts.netloc:
        raise _wrong(url, "has a user or a password, which webhooks do not take")
    if parts.scheme == "http" and not is_loopback(host):
        raise _wrong(url, "goes over the network in the clear")
    _know(url.value)
    return parts._replace(fragment="").geturl()


def _know(url: str) -> None:
    """Remember the parts of a URL that are secrets by their looks: servers repeat what they were asked for."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    values = [part.partition("=")[2] for part in re.split("[&;]", parts.query)]
    for part in (target, parts.query, *parts.path.split("/"), *values):
        for form in filter(is_token, {part, unquote(part), unquote_plus(part)}):
            remember(form)


def _opener(url: Secret, environment: Mapping[str, str]) -> OpenerDirector:
    if url.value.startswith("https"):
        return build_opener(ProxyHandler(), HTTPSHandler(context=trust(environment)), _SameOrigin())
    return build_opener(ProxyHandler({}), _SameOrigin())


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _answered(error: HTTPError, url: Secret) -> Sent:
    status = error.code
    who = f"The webhook of {url.name}"
    if 300 <= status < 400:  # noqa: PLR2004 - the class of statuses
        todo = f"let {url.name} hold the address that answers itself"
        return Sent(
            FixThis(f"{who} redirects elsewhere (status {status}), and is not followed.", where=_WHERE, todo=todo)
        )
    said = f"status {status}{_body(error)}"
    if status in _AGAIN or status in _SERVER:
        return Sent(TryLater(f"{who} asks to try later: {said}.", where=_WHERE))
    todo = f"make a new webhook and let {url.name} hold its URL" if status in _CLOSED else "do as the server says"
    return Sent(FixThis(f"{who} refuses the notice: {said}.", where=_WHERE, todo=todo), alone=status not in _CLOSED)


def _body(error: HTTPError) -> str:
    try:
        said = line(error.read1(8192).decode(errors="replace"), _SAID)
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return f" ({said})" if said else ""


def _fault(error: Exception, url: Secret, trusted: str) -> LevadaError:
    """Never in the words of urllib where these may hold the URL."""
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    who = f"the webhook of {url.name}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = f"The certificate of {who} is not good: {line(cause.verify_message, _SAID)}."
        return FixThis(what, where=_WHERE, todo=f"let {trusted} name the authority that signed it")
    if isinstance(cause, ValueError | http.client.InvalidURL):
        return _wrong(url, "is no URL")
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return TryLater(f"There was no answer from {who}: {line(why, _SAID)}.", where=_WHERE)


def _wrong(url: Secret, what: str) -> FixThis:
    todo = f"let {url.name} hold an https:// URL; http:// is for localhost alone"
    return FixThis(f"The webhook in {url.name} cannot be used: the value {what}.", where=url.name, todo=todo)
