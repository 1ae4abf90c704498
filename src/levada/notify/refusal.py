"""Why a mail was not taken, as the error that says who has to do something about it. Pure."""

import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence

from levada.errors import FixThis, LevadaError, TryLater
from levada.notify.letter import line
from levada.notify.sent import Sent
from levada.notify.server import Server

__all__ = ["of_recipients", "refusal"]

_WHERE = "notify.mail"
#: From here on an answer is final; those from 400 ask for another try (RFC 5321, 4.2.1).
_FINAL = 500
#: The server closes the connection (RFC 5321, 4.2.3).
_CLOSING = 421
_UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_SAID = 300


def refusal(error: Exception, server: Server, authority: str) -> Sent:
    """What an error of the mail's way means; `authority` is the variable with certificates to trust."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return of_recipients(error.recipients, list(error.recipients), server)
        case smtplib.SMTPNotSupportedError():
            return _not_supported(error, server)
        case smtplib.SMTPResponseException():
            return _answered(error, server)
        case ssl.SSLError():
            return Sent(_tls(error, server, authority))
    return Sent(_unreached(error, server))


def of_recipients(refused: Mapping[str, tuple[int, bytes]], to: Sequence[str], server: Server) -> Sent:
    """What came of a mail of which the server took some recipients, or none."""
    final = {one for one, (code, _) in refused.items() if code >= _FINAL}
    later = [one for one in refused if one not in final]
    notes = tuple(f"{one} was refused: {_quoted(*refused[one])}" for one in refused if one in final)
    alone = all(code != _CLOSING for code, _ in refused.values())
    if len(final) == len(to):
        what = f"The mail server {server} takes none of the recipients: {'; '.join(notes)}."
        error = FixThis(what, where=f"{_WHERE}.to", todo="mend the addresses")
        return Sent(error, alone=True, notes=notes, hopeless=True)
    settled = tuple(one for one in to if one not in later) if len(refused) < len(to) else ()
    if not later:
        return Sent(settled=settled, notes=notes)
    what = f"The mail server {server} takes the mail later for {', '.join(later)}: {_quoted(*refused[later[0]])}."
    return Sent(TryLater(what, where=f"{_WHERE}.to"), alone=alone, settled=settled, notes=notes)


def _not_supported(error: smtplib.SMTPNotSupportedError, server: Server) -> Sent:
    if "SMTPUTF8" in str(error):
        what = f"The mail server {server} takes ASCII alone before the @ of an address."
        return Sent(FixThis(what, where=_WHERE, todo="write addresses without accents before the @"), alone=True)
    what = f"The mail server {server} knows no log-in: {line(error, _SAID)}."
    return Sent(FixThis(what, where=_WHERE, todo="leave user and password out of the URL of the server"))


def _answered(error: smtplib.SMTPResponseException, server: Server) -> Sent:
    said = _quoted(error.smtp_code, error.smtp_error)
    alone = isinstance(error, smtplib.SMTPDataError) and error.smtp_code != _CLOSING
    if error.smtp_code < _FINAL:
        return Sent(TryLater(f"The mail server {server} asks to try later: {said}.", where=_WHERE), alone=alone)
    match error:
        case smtplib.SMTPAuthenticationError():
            what, todo = "refuses the log-in", "mend user and password in the URL; many servers want an app password"
        case smtplib.SMTPSenderRefused():
            what, todo = f"refuses the sender {line(error.sender, _SAID)}", "write an address of this user as `from`"
        case smtplib.SMTPDataError():
            what, todo = "refuses the mail", "do as the server says"
        case _:
            what, todo = "refuses to talk", "do as the server says"
    return Sent(_fix(f"The mail server {server} {what}: {said}.", todo), alone=alone)


def _unreached(error: Exception, server: Server) -> LevadaError:
    if isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno in _UNKNOWN):
        return _fix(f"There is no mail server {server.host}.", "mend the host in the URL of the server")
    why = line(getattr(error, "strerror", None) or error, _SAID) or type(error).__name__
    return TryLater(f"The mail server {server} gave no answer: {why}.", where=_WHERE)


def _tls(error: ssl.SSLError, server: Server, authority: str) -> LevadaError:
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"The certificate of the mail server {server} is not good: {line(error.verify_message, _SAID)}."
        return _fix(what, f"mend the host in the URL; or let {authority} name the authority that signed it")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return TryLater(f"The mail server {server} ended the connection.", where=_WHERE)
    what = f"The mail server {server} speaks no TLS as it was asked: {line(error.reason or error, _SAID)}."
    return _fix(what, "write smtps:// where TLS begins at once (465), smtp:// where it comes by STARTTLS (587)")


def _fix(what: str, todo: str) -> LevadaError:
    return FixThis(what, where=_WHERE, todo=todo)


def _quoted(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return f"{code} {line(text, _SAID)}".rstrip(" .")
