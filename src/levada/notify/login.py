"""Logging in to a mail server (RFC 4954); what is said for that is known as secret before it is said."""

import base64
import hmac
import smtplib

from levada.errors import FixThis
from levada.notify.server import Server, log_in_parts
from levada.secret import remember

__all__ = ["log_in"]

#: Ways that are known, in the order in which they are tried: all goes over TLS, so the plainest come first.
_WAYS = ("PLAIN", "LOGIN", "CRAM-MD5")
#: Logged in; go on (RFC 4954, 4 and 6).
_IN, _MORE = 235, 334
#: Other ways may fare better where one is refused, not where the server asks to come back.
_FINAL = 500


def log_in(smtp: smtplib.SMTP, server: Server) -> None:
    """Say who asks, in the ways that the server offers.

    Raises:
        FixThis: it offers none that is known.
        SMTPException: it refuses them.
    """
    if not smtp.has_extn("auth"):
        raise smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")
    offered = smtp.esmtp_features["auth"].upper().split()
    ways = [way for way in _WAYS if way in offered]
    if not ways:
        what = f"The mail server {server} takes no password: it offers {' '.join(offered) or 'no way to log in'} alone."
        todo = "name a server that takes user and password (PLAIN, LOGIN); many services have one for programs"
        raise FixThis(what, where="notify.mail.server", todo=todo)
    for way in ways:
        code, said = _tried(smtp, server, way)
        if code == _IN:
            return
        if code < _FINAL:
            break
    raise smtplib.SMTPAuthenticationError(code, said)


def _tried(smtp: smtplib.SMTP, server: Server, way: str) -> tuple[int, bytes]:
    """In UTF-8, as PLAIN is by its definition; smtplib writes ASCII alone."""
    if way == "CRAM-MD5":
        return _cram(smtp, server)
    plain, *parts = log_in_parts(server.user, server.password)
    if way == "PLAIN":
        return smtp.docmd("AUTH", f"PLAIN {plain}")
    code, said = smtp.docmd("AUTH", "LOGIN")
    for part in parts:
        if code == _MORE:
            code, said = smtp.docmd(part)
    return code, said


def _cram(smtp: smtplib.SMTP, server: Server) -> tuple[int, bytes]:
    """RFC 2195."""
    code, said = smtp.docmd("AUTH", "CRAM-MD5")
    if code != _MORE:
        return code, said
    digest = hmac.new(server.password.encode(), base64.b64decode(said), "md5").hexdigest()
    token = base64.b64encode(f"{server.user} {digest}".encode()).decode()
    remember(token, lately=True)
    return smtp.docmd(token)
