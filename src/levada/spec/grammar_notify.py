"""Notices: who is told of the end of the work, and when."""

from collections.abc import Iterator
from typing import get_args

from levada.spec.address import address, apart
from levada.spec.engine import Each, Given, Key, Reading, Rule, Section
from levada.spec.telling import Mail, Notify, Webhook, When
from levada.spec.tree import Mistake
from levada.spec.values import choice, text
from levada.spec.values_template import template
from levada.spec.values_web import secret

__all__ = ["NOTIFY"]

_WHEN = Key(
    "when",
    Each(choice(*get_args(When)), single=True),
    "after which ends: `success`, `partial` (with gaps), `failure`, `always`",
    "always",
    example="when: [partial, failure]",
)


def _mail(given: Given) -> Mail:
    found = dict(given.values)
    return Mail(place=given.place, sender=found.pop("from", None), to=apart(found.pop("to", ())), **found)


def _somebody(given: Given, _: Reading) -> Iterator[Mistake]:
    if "to" in given.places and not apart(given.get("to", ())):
        yield given.mistake("to", "the mail goes to nobody", 'write to: ["you@example.com"]')
    written = {"to": apart(given.get("to", ())), "from": tuple(filter(None, [given.get("from")]))}
    for key, addresses in written.items():
        for one in addresses:
            if "$" not in one and address(one) is None:
                yield given.mistake(key, f'"{one}" is no address', "write it as name@example.com")


def _never(given: Given, _: Reading) -> Iterator[Mistake]:
    if given.get("when") == () and "when" in given.places:
        yield given.mistake("when", "nobody is ever told", "name ends of the work, as in when: [partial, failure]")


MAIL = Section(
    "mail",
    "A mail after the work.",
    (
        Key(
            "server",
            secret,
            "the variable with the server: smtps://user:password@host:465 (TLS), or smtp://...:587 (STARTTLS)",
            required=True,
            example='server: "${SMTP_URL}"',
        ),
        Key(
            "to",
            Each(text(), single=True),
            "whom it goes to; one variable may hold several, with commas",
            required=True,
            example='to: ["ops@example.com"]',
        ),
        Key(
            "from",
            text(),
            "the sender",
            "the user of the server, if that is an address",
            example="from: levada@example.com",
        ),
        Key(
            "subject",
            template("pipeline", "partition", "outcome"),
            "the subject",
            "`{pipeline} {partition}: {outcome}`",
            example='subject: "Grader {partition}: {outcome}"',
        ),
        _WHEN,
    ),
    _mail,
    rules=(Rule(("to", "from"), _somebody), Rule(("when",), _never)),
    around='server: "${SMTP_URL}", to: ops@example.com',
)

WEBHOOK = Section(
    "webhook",
    "A POST with JSON after the work.",
    (
        Key("url", secret, "the variable with the URL", required=True, example='url: "${HOOK_URL}"'),
        Key(
            "form",
            choice("json", "slack"),
            "the facts, or a text as Slack and its like read it",
            "json",
            example="form: slack",
        ),
        _WHEN,
    ),
    lambda given: Webhook(place=given.place, **given.values),
    rules=(Rule(("when",), _never),),
    short="url",
    around='url: "${HOOK_URL}"',
)


def _nobody(given: Given, _: Reading) -> Iterator[Mistake]:
    if not given.places:
        yield Mistake(given.place, "nobody is notified", "add mail: {...} or webhook: ...")


NOTIFY = Section(
    "notify",
    "Who is told of the end of the work.",
    (
        Key("mail", MAIL, "a mail", "none", example='mail: {server: "${SMTP_URL}", to: ops@example.com}'),
        Key("webhook", WEBHOOK, "a POST with JSON", "none", example='webhook: "${HOOK_URL}"'),
    ),
    lambda given: Notify(place=given.place, **given.values),
    rules=(Rule((), _nobody),),
    around="",
)
