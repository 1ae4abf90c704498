"""Mail by SMTP (RFC 5321), over TLS: handed in to a server that knows this user. Standard library."""

import base64
import smtplib
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from levada.errors import FixThis
from levada.notify.refusal import of_recipients, refusal
from levada.notify.sent import Sent
from levada.notify.server import Server
from levada.notify.trust import trust
from levada.spec.address import address

__all__ = ["PATIENCE", "Envelope", "Words", "composed", "hand_in", "unsettled"]

#: Seconds for each answer of a server.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom; addresses as `name@example.com` or `Name <name@example.com>`."""

    sender: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says; the same mail has the same id, however often it is sent."""

    id: str
    at: datetime
    subject: str
    text: str
    html: str


def composed(words: Words, envelope: Envelope) -> EmailMessage:
    """The mail, in text and HTML.

    Raises:
        FixThis: an address is none.
    """
    message = EmailMessage()
    message["From"] = _address(envelope.sender)
    message["To"] = [_address(one) for one in envelope.to]
    message["Subject"] = " ".join(words.subject.split())  # a line break would begin another header
    message["Date"] = format_datetime(words.at)
    message["Message-ID"] = f"<{words.id}@notices.levada>"
    # No answer by absence notes and the like: RFC 3834, 5.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")
    return message


def _address(text: str) -> Address:
    found = address(text)
    if found is None:
        raise _no_address(text)
    try:
        # Servers know names of hosts in ASCII alone (RFC 5890); the part before the @ is theirs to take or not.
        host = found.host if found.host.isascii() else found.host.encode("idna").decode()
        return Address(found.name, found.user, host)
    except (ValueError, IndexError) as error:
        raise _no_address(text) from error


def _no_address(text: str) -> FixThis:
    return FixThis(f"{text!r} is no address of a mail.", where="notify.mail", todo="write it as name@example.com")


def unsettled(to: Iterable[str], settled: Collection[str]) -> tuple[str, ...]:
    """Those of the recipients who are still to get it."""
    return tuple(one for one in to if _address(one).addr_spec not in settled)


def hand_in(server: Server, message: EmailMessage, environment: Mapping[str, str], patience: float = PATIENCE) -> Sent:
    """Hand a mail to a server: to all that it is for, or to those of them that the server takes.

    Args:
        server: Where to, and as whom.
        message: Its sender and recipients are those of the headers.
        environment: May name certificates to trust.
        patience: Seconds for each answer.
    """
    to = [one.addr_spec for one in message["To"].addresses]
    try:
        smtp = _connected(server, environment, patience)
    except FixThis as error:
        return Sent(error)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return refusal(error, server)
    try:
        _open(smtp, server, environment)
        refused = _say(smtp, message, to)
    except FixThis as error:
        return Sent(error)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        return refusal(error, server)
    finally:
        _leave(smtp)
    return of_recipients(refused, to, server)


def _connected(server: Server, environment: Mapping[str, str], patience: float) -> smtplib.SMTP:
    where = (server.host, server.port)
    if server.tls == "whole":
        return smtplib.SMTP_SSL(*where, local_hostname=_own_name(), timeout=patience, context=trust(environment))
    return smtplib.SMTP(*where, local_hostname=_own_name(), timeout=patience)


def _own_name() -> str:
    """What smtplib would say, without asking the network, which takes seconds where this machine has no name."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _open(smtp: smtplib.SMTP, server: Server, environment: Mapping[str, str]) -> None:
    """Close the way to others, then say who asks."""
    smtp.ehlo_or_helo_if_needed()
    if server.tls == "starttls":
        if not smtp.has_extn("starttls"):
            raise FixThis(
                f"The mail server {server} offers no TLS (STARTTLS), and nothing is sent in the clear.",
                where="notify.mail.server",
                todo="name a port with TLS: smtps://...:465 or smtp://...:587; ?tls=none is for localhost alone",
            )
        smtp.starttls(context=trust(environment))
        smtp.ehlo()
    if server.password:
        _log_in(smtp, server)


def _log_in(smtp: smtplib.SMTP, server: Server) -> None:
    if server.user.isascii() and server.password.isascii():
        smtp.login(server.user, server.password)
        return
    # smtplib writes ASCII alone; PLAIN is UTF-8 by its definition (RFC 4616).
    token = base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
    code, said = smtp.docmd("AUTH", f"PLAIN {token}")
    if code != 235:  # noqa: PLR2004 - authentication succeeded (RFC 4954, 6)
        raise smtplib.SMTPAuthenticationError(code, said)


def _say(smtp: smtplib.SMTP, message: EmailMessage, to: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Hand the mail over; who was refused. Not by `send_message`: that writes `>From` where a line begins with From."""
    sender = message["From"].addresses[0].addr_spec
    if all(one.isascii() for one in (sender, *to)):
        return smtp.sendmail(sender, to, message.as_bytes(policy=policy.SMTP))
    if not smtp.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("SMTPUTF8")
    return smtp.sendmail(sender, to, message.as_bytes(policy=policy.SMTPUTF8), ["SMTPUTF8", "BODY=8BITMIME"])


def _leave(smtp: smtplib.SMTP) -> None:
    """Say goodbye; what was said counts whether or not it is heard."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()
    with suppress(OSError):
        smtp.close()
