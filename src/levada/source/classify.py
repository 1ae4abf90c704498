"""What an answer says: pure, by the spec's `responses` first, by its status otherwise. Looks into no record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from levada.edges import Answer
from levada.spec.model import ResponseRule

__all__ = ["Meaning", "Verdict", "classify"]

#: The words of `responses`, and: records may be inside; the key was refused; nothing that is known.
Meaning = Literal["page", "empty", "end", "no_data", "retry", "fail", "denied", "unknown"]

_DENIED = {401, 403, 407}
#: 408 and 429 ask for another try by their definitions (RFC 9110, 15.5.9; RFC 6585, 4), 425 too (RFC 8470, 5.2).
_AGAIN = {408, 425, 429}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says, and the rule that says so, if one does."""

    means: Meaning
    rule: ResponseRule | None = None


def classify(rules: Sequence[ResponseRule], answer: Answer) -> Verdict:
    """The meaning of `answer`: the first rule that fits, else what its status stands for."""
    for rule in rules:
        if _fits(rule, answer):
            return Verdict(rule.means, rule)
    return Verdict(_by_status(answer))


def _fits(rule: ResponseRule, answer: Answer) -> bool:
    if rule.statuses and not any(low <= answer.status <= high for low, high in rule.statuses):
        return False
    return rule.text is None or rule.text.encode() in answer.body


def _by_status(answer: Answer) -> Meaning:
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses
        return "page" if answer.body.strip() and status != 204 else "empty"  # noqa: PLR2004
    if status in _DENIED:
        return "denied"
    return "retry" if status in _AGAIN or 500 <= status < 600 else "unknown"  # noqa: PLR2004 - the class of statuses
