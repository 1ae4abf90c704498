"""The channels of a spec: how its mail and its webhook are sent, with the variables that are set now."""

from collections.abc import Mapping
from contextlib import suppress

from levada.errors import FixThis, LevadaError
from levada.notify.mail import Envelope, Words, composed, hand_in, unsettled
from levada.notify.notice import Notice
from levada.notify.post import Channel
from levada.notify.sent import WHOLE, Sent, within
from levada.notify.server import Server, server_of
from levada.notify.webhook import post
from levada.spec.bind import require, secret
from levada.spec.model import Spec
from levada.spec.telling import Mail, Webhook

__all__ = ["channels", "know_secrets"]


def channels(spec: Spec, environment: Mapping[str, str]) -> tuple[Channel, ...]:
    """How each notice of a spec is sent. What is missing or wrong is told when one is."""
    notify = spec.notify
    found: list[Channel] = []
    if notify and (mail := notify.mail):
        found.append(Channel("mail", lambda notice: _mailed(spec, mail, notice, environment)))
    if notify and (webhook := notify.webhook):
        found.append(Channel("webhook", lambda notice: _posted(spec, webhook, notice, environment)))
    return tuple(found)


def know_secrets(spec: Spec, environment: Mapping[str, str]) -> None:
    """Have the secrets of the channels redacted from all that is written from now on."""
    notify = spec.notify
    with suppress(FixThis):
        if notify and notify.mail:
            server_of(secret(notify.mail.server, environment))
    with suppress(FixThis):
        if notify and notify.webhook:
            secret(notify.webhook.url, environment)


def _mailed(spec: Spec, mail: Mail, notice: Notice, environment: Mapping[str, str]) -> Sent:
    try:
        require(spec, ("notify.mail",))
        server = server_of(secret(mail.server, environment))
        to = unsettled(mail.to, notice.settled)
        if not to:
            return Sent()
        words = Words(notice.id, notice.made, notice.subject, notice.text, notice.html)
        message = composed(words, Envelope(mail.sender or _sender(server, mail), to))
    except LevadaError as error:
        return Sent(error)
    return within(WHOLE, lambda: hand_in(server, message, environment), f"The mail server {server}")


def _sender(server: Server, mail: Mail) -> str:
    """The user of the server, as an address."""
    if not server.user:
        todo = 'write notify: mail: from: "levada@example.com"'
        raise FixThis("The mail has no sender: its server knows no user.", where=str(mail.place), todo=todo)
    return server.user if "@" in server.user else f"{server.user}@{server.host}"


def _posted(spec: Spec, webhook: Webhook, notice: Notice, environment: Mapping[str, str]) -> Sent:
    try:
        require(spec, ("notify.webhook",))
        url = secret(webhook.url, environment)
    except LevadaError as error:
        return Sent(error)
    return within(WHOLE, lambda: post(url, notice.body.encode(), environment), f"The webhook of {url.name}")
