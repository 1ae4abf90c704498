"""A notice: what is sent over one channel about one round, ready to go. Frozen; holds no secrets."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from levada.errors import LevadaError
from levada.notify.facts import body_of
from levada.notify.html import html_of
from levada.notify.letter import Facts, Letter, line
from levada.notify.message import letter
from levada.notify.slack import slack_of
from levada.notify.text import text_of
from levada.round import Ending, Round
from levada.spec.telling import Mail, Webhook, When

__all__ = [
    "Kind",
    "Notice",
    "failed",
    "from_json",
    "is_due",
    "is_over",
    "mail_notice",
    "to_json",
    "trial_notice",
    "webhook_notice",
]

Kind = Literal["mail", "webhook"]
#: When a notice is given up: after so long, or after so many tries if these took more than a day. A server may well be
#: down for an hour in which a schedule tries sixty times.
_AGE, _TRIES, _TRIED_FOR = timedelta(days=7), 20, timedelta(days=1)

#: What the fields of a notice that waits are.
_KINDS: dict[str, type] = {
    **dict.fromkeys(("id", "subject", "text", "html", "body", "error"), str),
    "attempts": int,
    "over": bool,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be sent, and what came of trying."""

    #: Of the round and the channel: the same whenever it is sent.
    id: str
    kind: Kind
    made: datetime
    subject: str
    #: Of a mail.
    text: str = ""
    html: str = ""
    #: Of a webhook: JSON.
    body: str = ""
    #: Tries so far, when the last one was, and why it failed.
    attempts: int = 0
    tried: datetime | None = None
    error: str = ""
    #: Recipients who are not tried again.
    settled: tuple[str, ...] = ()
    #: Whether it is done with, and lies there only because the lake did not let it be deleted.
    over: bool = False


def is_due(when: Sequence[When], ending: Ending) -> bool:
    """Whether people are told of a round that ended so."""
    return "always" in when or ending in when


def mail_notice(done: Round, mail: Mail) -> Notice:
    """The mail about a round."""
    said = letter(done, mail.subject)
    return _mail(f"{done.id}.mail", done.ended, said)


def webhook_notice(done: Round, webhook: Webhook) -> Notice:
    """The POST about a round."""
    said = letter(done)
    body = json.dumps(slack_of(said)) if webhook.form == "slack" else body_of(done)
    return Notice(f"{done.id}.webhook", "webhook", done.ended, said.subject, body=body)


def trial_notice(kind: Kind, pipeline: str, name: str, at: datetime, form: str = "json") -> Notice:
    """A notice about nothing, for a person who tries a server."""
    subject = f"{pipeline}: a test of {kind}"
    said = Letter(subject, (Facts((("Pipeline", pipeline), ("What", "a test: no round was made"), ("Round", name))),))
    if kind == "mail":
        return _mail(f"{name}.mail", at, said)
    facts = {"version": 1, "kind": "levada.test", "id": name, "pipeline": pipeline}
    body = json.dumps(slack_of(said) if form == "slack" else facts)
    return Notice(f"{name}.webhook", "webhook", at, subject, body=body)


def failed(notice: Notice, error: LevadaError, settled: Sequence[str], at: datetime) -> Notice:
    """The notice after a try that failed."""
    told = line("; ".join(text for text in (error.what, error.todo) if text))
    known = tuple(dict.fromkeys((*notice.settled, *settled)))
    return replace(notice, attempts=notice.attempts + 1, tried=at, error=told, settled=known)


def is_over(notice: Notice, now: datetime) -> bool:
    """Whether it is given up."""
    age = now - notice.made
    return age >= _AGE or (notice.attempts >= _TRIES and age >= _TRIED_FOR)


def to_json(notice: Notice) -> bytes:
    """The notice as it waits in the lake."""
    return json.dumps({"version": 1, **asdict(notice)}, default=datetime.isoformat, indent=1).encode()


def from_json(data: bytes) -> Notice:
    """The notice again.

    Raises:
        ValueError: it is none, or is damaged.
    """
    try:
        found: dict[str, Any] = json.loads(data)
        version = found.pop("version")
        found["made"] = _moment(found["made"])
        found["tried"] = _moment(found["tried"]) if found["tried"] else None
        found["settled"] = tuple(found["settled"])
        notice = Notice(**found)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no notice: {error}") from None
    if version != 1:
        raise ValueError(f"a notice of version {version}")
    if odd := [name for name, kind in _KINDS.items() if not isinstance(getattr(notice, name), kind)]:
        raise ValueError(f"no notice: {odd[0]} is none")
    if notice.kind not in get_args(Kind) or not all(isinstance(one, str) for one in notice.settled):
        raise ValueError("no notice: kind or settled is none")
    return notice


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return found


def _mail(name: str, at: datetime, said: Letter) -> Notice:
    return Notice(name, "mail", at, said.subject, text=text_of(said), html=html_of(said))
