"""What stands in the way of a page, told for people: pure functions from a fault or an answer to a Trouble."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from levada.edges import Answer, WireFault, WireFaultKind
from levada.errors import ApiRefused, ContractBroken, LevadaError, TimedOut, TryLater
from levada.secret import redact
from levada.source.classify import Verdict
from levada.source.request import Plan

__all__ = ["Trouble", "excerpt", "from_answer", "from_body", "from_fault"]

#: Bytes of an answer that are kept and characters of it that a message shows.
KEPT = 8192
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """An attempt that brought no page: what kind of error it becomes, and whether asking again may help."""

    kind: type[ApiRefused | ContractBroken | TryLater]
    what: str
    todo: str
    again: bool
    #: The API's Retry-After, as it came.
    retry_after: str | None = None
    #: The status of an answer that no rule and no standard meaning covers.
    unnamed: int | None = None

    def error(self, where: str, attempts: int = 1) -> LevadaError:
        """The error that this trouble is when it is final."""
        tried = f" (asked {attempts} times)" if attempts > 1 else ""
        return self.kind(f"{self.what}{tried}", where=where, todo=self.todo)


def excerpt(body: bytes, length: int = KEPT) -> str:
    """The first `length` characters as text; whole secrets are blacked out before the cut, so none shows in part."""
    return redact(body[: 8 * length].decode("utf-8", "replace"))[:length]


def from_answer(plan: Plan, answer: Answer, verdict: Verdict) -> Trouble:
    """The trouble with an answer that `verdict` calls retry, fail, denied or unknown."""
    if verdict.means == "denied":
        return _denied(plan, answer)
    if verdict.means == "retry":
        return Trouble(
            TryLater,
            f"The API answers {_status(answer)}{_said(answer)}",
            _LATER,
            again=True,
            retry_after=answer.headers.get("retry-after"),
        )
    if verdict.rule is not None:
        what = f"The API answers {_status(answer)}, which {verdict.rule.place} calls a failure{_said(answer)}"
        return Trouble(ApiRefused, what, "See what the API says, and change the request.", again=False)
    return _unknown(plan, answer)


def from_body(error: ContractBroken) -> Trouble:
    """The trouble with a 200 that is no page of records; it may be a cut answer, so it is asked for again."""
    return Trouble(ContractBroken, error.what, error.todo, again=True)


def from_fault(plan: Plan, fault: WireFault) -> Trouble:
    """The trouble with a call that got no complete answer."""
    if fault.kind in _FATAL:
        what, todo = _FATAL[fault.kind]
        return Trouble(ApiRefused, _filled(what, plan, fault), _filled(todo, plan, fault), again=False)
    what, todo = _PASSING[fault.kind]
    kind = TimedOut if fault.kind == "timeout" else TryLater
    return Trouble(kind, _filled(what, plan, fault), _filled(todo, plan, fault), again=True)


_LATER = "Try again later; the pages that came are kept."
_FATAL: dict[WireFaultKind, tuple[str, str]] = {
    "no_such_host": ("The host name {host} does not exist: {text}.", "Check `source.url` ({place})."),
    "tls": (
        "No trusted connection to {host}: {text}.",
        "Check that `source.url` ({place}) names the right host and that this machine knows its certificate's issuer.",
    ),
    "too_large": (
        "The page is larger than `page_size` allows ({limit} bytes): {text}.",
        "Ask for smaller pages, or raise `limits: page_size` ({place}).",
    ),
    "redirects": (
        "The redirects lead nowhere: {text}.",
        "Check `source.url` ({place}) and the stream's path: the API may want https, another host or a log-in.",
    ),
    "coding": (
        "The body cannot be decoded: {text}.",
        "Tell the API's keeper: only gzip and deflate were asked for.",
    ),
}
_PASSING: dict[WireFaultKind, tuple[str, str]] = {
    "timeout": ("No whole answer within {timeout:g} s: {text}.", "Run again later, or raise `timeout` ({place})."),
    "refused": (
        "{host} does not take connections: {text}.",
        "Check that it runs and that `source.url` ({place}) names the right port; then try again.",
    ),
    "dns": ("The name of {host} could not be looked up now: {text}.", "Check the network; then run again."),
    "cut": ("The answer was cut short: {text}.", _LATER),
    "reset": ("The connection broke off: {text}.", _LATER),
}


def _filled(text: str, plan: Plan, fault: WireFault) -> str:
    source = plan.source
    return text.format(
        host=urlsplit(source.url).hostname,
        text=redact(fault.text).rstrip("."),
        place=source.place,
        limit=source.limits.page_size,
        timeout=source.timeout,
    )


def _denied(plan: Plan, answer: Answer) -> Trouble:
    auth = plan.source.auth
    if auth is None:
        todo = f"The API wants a key: add `auth` to `source` ({plan.source.place})."
    else:
        names = " or ".join(auth.key.names)
        used = f" (used: {plan.key.name})" if plan.key and len(auth.key.names) > 1 else ""
        todo = f"Check {names}{used}: the key may be wrong, expired, or not meant for this."
    return Trouble(ApiRefused, f"The API refuses the key with {_status(answer)}{_said(answer)}", todo, again=False)


def _unknown(plan: Plan, answer: Answer) -> Trouble:
    what = f"The API answers {_status(answer)}, and no rule says what that means{_said(answer)}"
    todo = (
        f"Check the request of stream {plan.stream.name} ({plan.stream.request.place}). If the answer is meant to be "
        f"the end of the pages or no data, add a rule to `responses`, such as "
        f"`- {{status: {answer.status}, text: ..., means: end}}`."
    )
    if 300 <= answer.status < 400:  # noqa: PLR2004 - the class of statuses
        todo = f"Check `source.url` ({plan.source.place}): the answer points elsewhere, but not to where."
    return Trouble(ApiRefused, what, todo, again=False, unnamed=answer.status)


def _status(answer: Answer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


def _said(answer: Answer) -> str:
    text = " ".join(excerpt(answer.body, SHOWN).split())
    return f": {text}" if text else "."
