"""What an answer says: pure, by the spec's `responses` first, by its status otherwise. Decides not what follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from levada.edges import Answer
from levada.errors import ContractBroken
from levada.jsonpath import values
from levada.source.message import readable
from levada.spec.model import ResponseRule

__all__ = ["Meaning", "Verdict", "classify"]

#: The words of `responses`, and: records may be inside; the key was refused; nothing that is known.
Meaning = Literal[
    "page",
    "empty",
    "end",
    "no_data",
    "retry",
    "wait",
    "skip",
    "refresh_auth",
    "fail",
    "denied",
    "unknown",
]

_DENIED = {401, 403, 407}
#: 408 and 429 ask for another try by their definitions (RFC 9110, 15.5.9; RFC 6585, 4), 425 too (RFC 8470, 5.2).
_AGAIN = {408, 425, 429}
#: By definition without a body (RFC 9110, 15.3.5 and 15.3.6).
_EMPTY = {204, 205}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says, and the rule that says so, if one does."""

    means: Meaning
    rule: ResponseRule | None = None


def classify(
    rules: Sequence[ResponseRule], answer: Answer, tree: Callable[[], Any], *, graphql: bool = False
) -> Verdict:
    """The meaning of `answer`: the first rule that fits, else what its status stands for.

    Args:
        rules: The stream's `responses`, in order.
        answer: Complete.
        tree: The body as dicts, lists, texts, numbers; raises ContractBroken or ValueError where it is none. Called
            only if a rule, or GraphQL, asks what is in the body.
        graphql: Whether the call was a GraphQL query: they fail with a 200 that holds `errors`
            (https://spec.graphql.org/October2021/#sec-Errors).
    """
    for rule in rules:
        if _fits(rule, answer, tree):
            return Verdict(rule.means, rule)
    means = _by_status(answer)
    if graphql and means == "page" and _found("$.errors", tree):
        return Verdict("fail")
    return Verdict(means)


def _fits(rule: ResponseRule, answer: Answer, tree: Callable[[], Any]) -> bool:
    if rule.statuses and not any(low <= answer.status <= high for low, high in rule.statuses):
        return False
    if rule.header is not None and not _has(answer, *rule.header):
        return False
    if rule.text is not None and rule.text.encode() not in readable(answer):
        return False
    return rule.json is None or _found(rule.json, tree)


def _has(answer: Answer, name: str, wanted: str | None) -> bool:
    value = answer.headers.get(name.lower())
    return value is not None and (wanted is None or value.strip() == wanted.strip())


def _found(path: str, tree: Callable[[], Any]) -> bool:
    """Whether `path` finds something that says anything; a body that is no JSON holds nothing."""
    try:
        matches = values(path, tree())
    except (ContractBroken, ValueError, RecursionError):
        return False
    return any(match is not None and match is not False and match not in ("", [], {}) for match in matches)


def _by_status(answer: Answer) -> Meaning:
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses
        return "page" if answer.body.strip() and status not in _EMPTY else "empty"
    if status in _DENIED:
        return "denied"
    return "retry" if status in _AGAIN or 500 <= status < 600 else "unknown"  # noqa: PLR2004 - the class of statuses
