"""What answers say is left of a budget of requests, and until when: RateLimit-*, X-RateLimit-*. Reads no clock."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from levada.source.moments import reset_after
from levada.spec.model import Budget

__all__ = ["Budgets", "Left", "resets", "told"]

#: The usual names (draft-ietf-httpapi-ratelimit-headers-03, and what came before it), each a budget of its own.
_USUAL = tuple(
    Budget(f"{family}-remaining", f"{family}-reset") for family in ("ratelimit", "x-ratelimit", "x-rate-limit")
)
_COUNT = re.compile(r"\s*(\d{1,15})(\.\d+)?\s*")
#: One member of `RateLimit: "default";r=50;t=30, daily;r=0;t=9` and its parameters.
_MEMBER = re.compile(
    r'\s*("[^"]*"|[^",;=]+)((?:\s*;\s*[a-z][\w.*-]*(?:=(?:"[^"]*"|[^",;]*))?)*)\s*(?:,|$)', re.IGNORECASE
)
_PARAMETER = re.compile(r';\s*([a-z][\w.*-]*)=("[^"]*"|[^",;]*)', re.IGNORECASE)
#: `RateLimit: limit=100, remaining=50, reset=30`, of the drafts in between.
_PLAIN = re.compile(r"\b(remaining|reset)=(\d{1,15})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Left:
    """One budget as one answer tells it."""

    #: Which budget, of several that an API may keep.
    name: str
    #: None where the answer tells only the reset.
    remaining: int | None
    #: As it came.
    reset: str


def told(headers: Mapping[str, str], named: Iterable[Budget] = ()) -> Iterator[Left]:
    """The budgets in `headers` (names in lower case): the usual ones, and those that the spec has `named`."""
    for budget in dict.fromkeys((*_USUAL, *named)):
        reset = headers.get(budget.reset.lower())
        if reset is not None:
            remaining = headers.get(budget.remaining.lower())
            yield Left(budget.remaining.lower(), _count(remaining), reset)
    yield from _structured(headers.get("ratelimit", ""), headers.get("ratelimit-policy", ""))


def resets(headers: Mapping[str, str], named: Iterable[Budget] = ()) -> tuple[str, ...]:
    """The resets, as they came, of the budgets of which nothing is left, or of which it is not told what is left."""
    return tuple(left.reset for left in told(headers, named) if not left.remaining)


class Budgets:
    """What is left for all requests of one key, by the lowest that was told since the last reset.

    Answers that come out of order cannot raise it: what is lower was counted later. Every request under way may be one
    that no answer has counted yet.
    """

    def __init__(self) -> None:
        self._named: tuple[Budget, ...] = ()
        #: Name -> (lowest told, reset on the clock of `now`).
        self._left: dict[str, tuple[int, float]] = {}

    def add(self, named: Budget | None) -> None:
        """Look for these headers too."""
        self._named = tuple(dict.fromkeys((*self._named, *([named] if named else []))))

    def saw(self, headers: Mapping[str, str], now: float, at: datetime) -> None:
        """An answer came at `now`, which was `at`; header names in lower case."""
        self._forget(now)
        silent = set(self._left)
        for left in told(headers, self._named):
            seconds = reset_after(left.reset, at)
            if left.remaining is not None and seconds:
                lowest, until = self._left.get(left.name, (left.remaining, now + seconds))
                self._left[left.name] = (min(lowest, left.remaining), until)
                silent.discard(left.name)
        self._spend(silent)

    def lost(self) -> None:
        """A request ended without an answer; the API may have counted it."""
        self._spend(set(self._left))

    def delay(self, now: float) -> float:
        """Seconds until a budget of which nothing is left begins anew; 0 if there is something left of each."""
        self._forget(now)
        return max((until - now for lowest, until in self._left.values() if lowest <= 0), default=0.0)

    def room(self) -> int | None:
        """How many requests may be under way, those that are included; None: as many as one likes."""
        return min((lowest for lowest, _ in self._left.values()), default=None)

    def _spend(self, names: set[str]) -> None:
        for name in names:
            lowest, until = self._left[name]
            self._left[name] = (max(0, lowest - 1), until)

    def _forget(self, now: float) -> None:
        self._left = {name: left for name, left in self._left.items() if left[1] > now}


def _count(text: str | None) -> int | None:
    found = _COUNT.fullmatch(text) if text is not None else None
    return int(found[1]) if found else None


def _structured(text: str, policy: str) -> Iterator[Left]:
    """The budgets of a RateLimit header (draft-ietf-httpapi-ratelimit-headers, 08 and later; or 06 and 07).

    A member that tells no reset lasts for the window of its policy at most.
    """
    plain = {name.lower(): value for name, value in _PLAIN.findall(text)}
    if "reset" in plain:
        yield Left("ratelimit", _count(plain.get("remaining")), plain["reset"])
        return
    windows = {name: parameters.get("w") for name, parameters in _members(policy)}
    for name, parameters in _members(text):
        reset = parameters.get("t") or windows.get(name)
        if "r" in parameters and reset:
            yield Left(f"ratelimit {name}", _count(parameters["r"]), reset)


def _members(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for name, parameters in _MEMBER.findall(text):
        yield name.strip().strip('"'), {key.lower(): value.strip() for key, value in _PARAMETER.findall(parameters)}
