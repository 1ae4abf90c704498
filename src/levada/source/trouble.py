"""What stands in the way of a page, told for people: pure functions from a fault or an answer to a Trouble."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from levada.edges import Answer, Call, WireFault, WireFaultKind
from levada.errors import ApiRefused, ContractBroken, LevadaError, TimedOut, TryLater
from levada.secret import redact
from levada.source.auth.fixed import Fixed
from levada.source.budget import resets
from levada.source.classify import Verdict
from levada.source.denied import advice
from levada.source.message import KEPT, excerpt, readable, said
from levada.source.request import Plan

__all__ = ["KEPT", "Trouble", "excerpt", "from_answer", "from_body", "from_fault"]

_UNAUTHORIZED = 401
_SERVER_ERROR = 500


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
    #: A rule says to wait: it is asked again without end, but for `max_wait`.
    wait: bool = False
    #: When the budgets begin anew of which nothing is left, as it came; for waits.
    resets: tuple[str, ...] = ()
    #: What authenticates may have expired: once it is fetched anew, the same request may bring the page.
    refresh: bool = False
    #: The API may have done what the call asks for, so that asking again would do it twice.
    doubtful: bool = False

    def error(self, where: str, attempts: int = 1) -> LevadaError:
        """The error that this trouble is when it is final."""
        tried = f" (asked {attempts} times)" if attempts > 1 else ""
        return self.kind(f"{self.what}{tried}", where=where, todo=self.todo)


def from_answer(plan: Plan, answer: Answer, verdict: Verdict, tree: Callable[[], Any], who: str = "The API") -> Trouble:
    """The trouble with an answer that `verdict` calls retry, wait, fail, refresh_auth, denied or unknown.

    `tree` gives the body as dicts, lists, texts, numbers; it raises ContractBroken or ValueError where it is none.
    `who` answers, where it is not the API.
    """
    if verdict.means in ("denied", "refresh_auth"):
        return _denied(plan, answer, verdict, tree)
    if verdict.means in ("retry", "wait"):
        return _passing(plan, answer, verdict, tree, who)
    if verdict.means == "fail":
        return _failed(answer, verdict, tree)
    return _unknown(plan, answer)


def from_body(error: ContractBroken) -> Trouble:
    """The trouble with a 200 that is no page of records; it may be a cut answer, so it is asked for again."""
    return Trouble(ContractBroken, error.what, error.todo, again=True, doubtful=True)


def from_fault(plan: Plan, fault: WireFault, token: Call | None = None) -> Trouble:
    """The trouble with a call that got no complete answer; `token` is that call where `auth` made it."""
    fatal = _FATAL if token is None else _FATAL | _FATAL_FOR_TOKENS
    if fault.kind in fatal:
        what, todo = fatal[fault.kind]
        return Trouble(ApiRefused, _filled(what, plan, fault, token), _filled(todo, plan, fault, token), again=False)
    what, todo = _PASSING[fault.kind]
    kind = TimedOut if fault.kind == "timeout" else TryLater
    doubtful = fault.kind not in _NOT_SENT
    what, todo = (_filled(text, plan, fault, token) for text in (what, todo))
    return Trouble(kind, what, todo, again=True, doubtful=doubtful)


_LATER = "Try again later; the pages that came are kept."
_NOT_SENT: set[WireFaultKind] = {"refused", "dns"}
_FATAL: dict[WireFaultKind, tuple[str, str]] = {
    "no_such_host": ("The host name does not exist: {text}.", "Check {url}."),
    "tls": (
        "No trusted connection to {host}: {text}.",
        "Check that {url} names the right host and that this machine knows its certificate's issuer.",
    ),
    "too_large": (
        "The page is larger than `page_size` allows ({limit} bytes): {text}.",
        "Ask for smaller pages, or raise `limits: page_size` ({place}).",
    ),
    "redirects": (
        "The redirects lead nowhere: {text}.",
        "Check {url} and the stream's path: the API may want https, another host or a log-in.",
    ),
    "coding": (
        "The body cannot be decoded: {text}.",
        "Tell the API's keeper: only gzip and deflate were asked for.",
    ),
}
_FATAL_FOR_TOKENS: dict[WireFaultKind, tuple[str, str]] = {
    "too_large": ("The answer of {host} is too large for one with a token: {text}.", "Check {url}."),
    "redirects": ("The redirects of {host} lead nowhere: {text}.", "Check {url}: it may want https, or another host."),
}
_PASSING: dict[WireFaultKind, tuple[str, str]] = {
    "timeout": ("No whole answer within {timeout:g} s: {text}.", "Run again later, or raise `timeout` ({place})."),
    "refused": (
        "{host} does not take connections: {text}.",
        "Check that it runs and that {url} names the right port; then try again.",
    ),
    "dns": ("The name of {host} could not be looked up now: {text}.", "Check the network; then run again."),
    "cut": ("The answer was cut short: {text}.", _LATER),
    "reset": ("The connection broke off: {text}.", _LATER),
}


def _filled(text: str, plan: Plan, fault: WireFault, token: Call | None) -> str:
    source, auth = plan.source, plan.source.auth
    of_auth = f"the URL of `auth` ({auth.place if auth else source.place})"
    return text.format(
        host=urlsplit(token.url if token else source.url).hostname,
        url=of_auth if token else f"`source.url` ({source.place})",
        text=redact(fault.text).rstrip("."),
        place=source.place,
        limit=source.limits.page_size,
        timeout=source.timeout,
    )


def _denied(plan: Plan, answer: Answer, verdict: Verdict, tree: Callable[[], Any]) -> Trouble:
    words = _ended(said(readable(answer), tree))
    if verdict.rule is not None:
        what = f"The API answers {_status(answer)}, which {verdict.rule.place} calls a refused key{words}"
    else:
        what = f"The API refuses the key with {_status(answer)}{words}"
    refresh = verdict.means == "refresh_auth" or answer.status == _UNAUTHORIZED
    return Trouble(ApiRefused, what, advice(plan.source, answer, _used(plan)), again=False, refresh=refresh)


def _used(plan: Plan) -> str:
    """The variable of a key that is sent as it is; the spec may name several."""
    return plan.signer.credentials[0].secret.name if isinstance(plan.signer, Fixed) and plan.signer.credentials else ""


def _passing(plan: Plan, answer: Answer, verdict: Verdict, tree: Callable[[], Any], who: str) -> Trouble:
    budget = plan.source.limits.budget
    wait = verdict.means == "wait"
    return Trouble(
        TryLater,
        f"{who} answers {_status(answer)}{_ended(said(readable(answer), tree))}",
        _LATER,
        again=True,
        retry_after=answer.headers.get("retry-after"),
        wait=wait,
        resets=resets(answer.headers, [budget] if budget else []) if wait else (),
        doubtful=verdict.rule is None and answer.status >= _SERVER_ERROR,
    )


def _failed(answer: Answer, verdict: Verdict, tree: Callable[[], Any]) -> Trouble:
    words = _ended(said(readable(answer), tree))
    called = f", which {verdict.rule.place} calls a failure" if verdict.rule else " with errors of GraphQL"
    todo = "See what the API says, and change the request."
    return Trouble(ApiRefused, f"The API answers {_status(answer)}{called}{words}", todo, again=False)


def _unknown(plan: Plan, answer: Answer) -> Trouble:
    # The body as it is: whoever writes a rule for it needs its words.
    what = f"The API answers {_status(answer)}, and no rule says what that means{_ended(said(readable(answer)))}"
    asked = plan.stream.request.place if plan.stream.request else plan.stream.place
    todo = (
        f"Check the request of stream {plan.stream.name} ({asked}). If the answer is meant to be "
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


def _ended(words: str) -> str:
    return f": {words}" if words else "."
