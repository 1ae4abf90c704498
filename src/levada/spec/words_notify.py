"""Notices in words: to whom, over what, after which ends. Pure."""

from collections.abc import Iterator, Sequence

from levada.spec.telling import Notify, When
from levada.spec.words_units import listed

__all__ = ["notices"]


def notices(notify: Notify) -> Iterator[str]:
    """A title, and a line for each way."""
    yield "Notices"
    if mail := notify.mail:
        sender = f", from {mail.sender}" if mail.sender else ""
        subject = f', subject "{mail.subject.text}"' if mail.subject else ""
        server = f"by the server in {' or '.join(mail.server.names)}"
        yield f"  A mail to {listed(mail.to)}{sender}, {server}{subject}, {_after(mail.when)}"
    if webhook := notify.webhook:
        form = "in Slack's form" if webhook.form == "slack" else "with the facts as JSON"
        yield f"  A POST {form} to the URL in {' or '.join(webhook.url.names)}, {_after(webhook.when)}"
    yield "  What cannot be sent fails nothing: it waits in the lake for the next round, or for `levada notify`."


def _after(when: Sequence[When]) -> str:
    return "after every end" if "always" in when else f"after {listed(dict.fromkeys(when), 'or')}"
