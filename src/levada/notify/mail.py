"""Mail by SMTP (RFC 5321), over TLS: handed in to a server that knows this user. Standard library."""

import smtplib
import socket
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from levada.errors import FixThis
from levada.notify.login import log_in
from levada.notify.refusal import of_recipients, refusal
from levada.notify.sent import PATIENCE, Sent
from levada.notify.server import Server
from levada.notify.trust import authority, trust
from levada.spec.address import address

__all__ = ["Desk", "Envelope", "Words", "composed", "unsettled"]

#: Seconds for the answer to QUIT: the mail is taken by then.
_GOODBYE = 1.5
#: The command is done (RFC 5321, 4.2.3).
_DONE = 250


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


class Desk:
    """Where mails are handed in: one connection for all of them, opened when the first one comes.

    Args:
        environment: May name certificates to trust.
        patience: Seconds for each answer.
    """

    def __init__(self, environment: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._environment = environment
        self._patience = patience
        self._smtp: smtplib.SMTP | None = None
        self._left = False

    def hand_in(self, server: Server, message: EmailMessage) -> Sent:
        """Hand a mail in: to all that it is for, or to those of them that the server takes.

        Args:
            server: Where to, and as whom.
            message: Its sender and recipients are those of the headers.
        """
        to = [one.addr_spec for one in message["To"].addresses]
        try:
            refused = _say(self._open(server), message, to)
        except FixThis as error:
            return Sent(error)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return refusal(error, server, authority(self._environment))
        finally:
            if self._left:
                self.leave()
        return of_recipients(refused, to, server)

    def cut(self) -> None:
        """Have a mail that is being handed in by another thread end; nothing is to be handed in after that."""
        self._left = True
        if smtp := self._smtp:
            _shut(smtp)

    def leave(self) -> None:
        """Say goodbye; what was said counts whether or not it is heard, and who does not answer is left."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        thread = threading.Thread(target=_goodbye, args=(smtp,), name="levada-goodbye", daemon=True)
        thread.start()
        thread.join(_GOODBYE)
        if thread.is_alive():
            _shut(smtp)
            thread.join(_GOODBYE)

    def _open(self, server: Server) -> smtplib.SMTP:
        """The connection for the next mail: that of the one before, where it still answers."""
        if self._smtp and _is_well(self._smtp):
            return self._smtp
        self.leave()
        self._smtp = smtp = _connected(server, self._environment, self._patience)
        try:
            _begin(smtp, server, self._environment)
        except BaseException:
            self.leave()
            raise
        if self._left:
            raise smtplib.SMTPServerDisconnected("nobody waits for it any more")
        return smtp


def _is_well(smtp: smtplib.SMTP) -> bool:
    try:
        return smtp.rset()[0] == _DONE
    except (smtplib.SMTPException, OSError):
        return False


def _goodbye(smtp: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException, OSError, ValueError):
        smtp.quit()
    with suppress(OSError, ValueError):
        smtp.close()


def _shut(smtp: smtplib.SMTP) -> None:
    """End what any thread waits for."""
    if sock := smtp.sock:
        with suppress(OSError):  # closed meanwhile
            sock.shutdown(socket.SHUT_RDWR)


def _connected(server: Server, environment: Mapping[str, str], patience: float) -> smtplib.SMTP:
    where = (server.host, server.port)
    if server.tls == "whole":
        return smtplib.SMTP_SSL(*where, local_hostname=_own_name(), timeout=patience, context=trust(environment))
    return smtplib.SMTP(*where, local_hostname=_own_name(), timeout=patience)


def _own_name() -> str:
    """What smtplib would say, without asking the network, which takes seconds where this machine has no name."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _begin(smtp: smtplib.SMTP, server: Server, environment: Mapping[str, str]) -> None:
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
        log_in(smtp, server)


def _say(smtp: smtplib.SMTP, message: EmailMessage, to: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Hand the mail over; who was refused. Not by `send_message`: that writes `>From` where a line begins with From."""
    sender = message["From"].addresses[0].addr_spec
    if all(one.isascii() for one in (sender, *to)):
        return smtp.sendmail(sender, to, message.as_bytes(policy=policy.SMTP))
    if not smtp.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("SMTPUTF8")
    return smtp.sendmail(sender, to, message.as_bytes(policy=policy.SMTPUTF8), ["SMTPUTF8", "BODY=8BITMIME"])
