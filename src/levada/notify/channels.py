"""The channels of a spec: how its mail and its webhook are sent, with the variables that are set now."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from levada.errors import FixThis, LevadaError
from levada.notify.mail import Desk, Envelope, Words, composed, unsettled
from levada.notify.notice import Notice
from levada.notify.post import Channel
from levada.notify.sent import Sent, within
from levada.notify.server import Server, server_of
from levada.notify.webhook import checked, post
from levada.spec.address import address
from levada.spec.bind import require, secret
from levada.spec.model import Spec
from levada.spec.telling import Mail, Webhook

__all__ = ["channels", "know_secrets", "unusable"]


@contextmanager
def channels(spec: Spec, environment: Mapping[str, str]) -> Iterator[tuple[Channel, ...]]:
    """How each notice of a spec is sent. What is missing or wrong is told when one is.

    Inside, all mails go over one connection, which ends with the block.
    """
    notify, found = spec.notify, list[Channel]()
    with ExitStack() as stack:
        if notify and notify.mail:
            mailing = _Mailing(spec, notify.mail, environment)
            stack.callback(mailing.leave)
            found.append(Channel("mail", mailing.send))
        if notify and (webhook := notify.webhook):
            found.append(Channel("webhook", lambda notice, most: _posted(spec, webhook, notice, (environment, most))))
        yield tuple(found)


def know_secrets(spec: Spec, environment: Mapping[str, str]) -> None:
    """Have the secrets of the channels redacted from all that is written from now on."""
    for _ in unusable(spec, environment):
        pass


def unusable(spec: Spec, environment: Mapping[str, str]) -> Iterator[FixThis]:
    """What is wrong with the variables of the channels that are set."""
    notify = spec.notify
    if notify and (mail := notify.mail) and _is_set(mail.server.names, environment):
        yield from _wrong(lambda: _sender(server_of(secret(mail.server, environment)), mail))
    if notify and (webhook := notify.webhook) and _is_set(webhook.url.names, environment):
        yield from _wrong(lambda: checked(secret(webhook.url, environment)))


def _is_set(names: Iterable[str], environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in names)


def _wrong(look: Callable[[], object]) -> Iterator[FixThis]:
    try:
        look()
    except FixThis as error:
        yield error


class _Mailing:
    """Sends mails over one connection."""

    def __init__(self, spec: Spec, mail: Mail, environment: Mapping[str, str]) -> None:
        self._spec = spec
        self._mail = mail
        self._environment = environment
        self._desk = Desk(environment)

    def send(self, notice: Notice, most: float) -> Sent:
        """Send a notice, in so many seconds at most."""
        mail, environment = self._mail, self._environment
        try:
            require(self._spec, ("notify.mail",))
            server = server_of(secret(mail.server, environment))
            to = unsettled(mail.to, notice.settled)
            if not to:
                return Sent()
            words = Words(notice.id, notice.made, notice.subject, notice.text, notice.html)
            message = composed(words, Envelope(_sender(server, mail), to))
        except LevadaError as error:
            return Sent(error)
        desk = self._desk
        sent = within(most, lambda: desk.hand_in(server, message), f"The mail server {server}", self._cut)
        if not sent.hopeless:
            return sent
        # What the others have is sent: those who were put off, and are refused by now, do not keep it waiting.
        return Sent(settled=to, notes=sent.notes) if notice.settled else replace(sent, notes=())

    def leave(self) -> None:
        """Close the connection."""
        self._desk.leave()

    def _cut(self) -> None:
        self._desk.cut()
        self._desk = Desk(self._environment)


def _sender(server: Server, mail: Mail) -> str:
    """What the spec says, or the user of the server, where that is an address."""
    if mail.sender:
        return mail.sender
    if address(server.user):
        return server.user
    todo = 'write notify: mail: from: "levada@example.com"'
    why = "its server knows no user" if not server.user else "the user of its server is no address"
    raise FixThis(f"The mail has no sender: {why}.", where=str(mail.place), todo=todo)


def _posted(spec: Spec, webhook: Webhook, notice: Notice, how: tuple[Mapping[str, str], float]) -> Sent:
    """Send a notice with the variables of this environment, in so many seconds at most."""
    environment, most = how
    try:
        require(spec, ("notify.webhook",))
        url = secret(webhook.url, environment)
    except LevadaError as error:
        return Sent(error)
    return within(most, lambda: post(url, notice.body.encode(), environment), f"The webhook of {url.name}")
