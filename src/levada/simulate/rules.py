"""The language of faults: which requests a rule matches, how often, and what goes wrong with their answers.

Pure: this module reads rules and picks one; `faults` acts on it.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from levada.errors import FixThis

__all__ = ["Book", "Fault", "Rule", "parse"]

_RULE_KEYS: Final = ("match", "times", "fault")
#: Faults that are switched on by `true`.
_SWITCHES: Final = ("wrong_length", "reset", "html", "invalid_json", "gzip", "gzip_truncated")
_KINDS: Final = (*_SWITCHES, "cut_body", "repeat_page", "status", "body")
_FAULT_KEYS: Final = ("delay", "retry_after", *_KINDS)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one answer."""

    #: One of the fault's names ("reset", "status"...); "" for the right answer, only late.
    kind: str
    #: What `kind` was given: bytes for cut_body, a page for repeat_page, JSON for body; True for switches.
    value: Any
    #: Seconds to wait before anything else happens.
    delay: float
    status: int
    #: Seconds, {"date_in": seconds}, a text that is sent as it is, or None.
    retry_after: Any
    #: The fault as it was written.
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault, the requests it is for, and how many of them it strikes (None: all)."""

    #: Query values, and the path under "path", that must be equal as text; empty: every request.
    match: Mapping[str, str]
    times: int | None
    fault: Fault

    def matches(self, query: Mapping[str, str], path: str) -> bool:
        """Whether a request with these query values and this path is meant."""
        asked = {**query, "path": path}
        return all(asked.get(name) == wanted for name, wanted in self.match.items())


class Book:
    """The rules that are set, and what is left of each. Not thread-safe: it lives in one event loop."""

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = ()
        self._used: list[int] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Forget the old rules; these count from now on."""
        self._rules = tuple(rules)
        self._used = [0] * len(rules)

    def take(self, query: Mapping[str, str], path: str) -> Fault | None:
        """The fault of the first rule that matches and is not used up; it counts as used once more."""
        for place, rule in enumerate(self._rules):
            if self._left(place) != 0 and rule.matches(query, path):
                self._used[place] += 1
                return rule.fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        """The rules as JSON, used ones included; `left` is null for rules without an end."""
        return [
            {"match": dict(rule.match), "times": rule.times, "left": self._left(place), "fault": dict(rule.fault.given)}
            for place, rule in enumerate(self._rules)
        ]

    def _left(self, place: int) -> int | None:
        times = self._rules[place].times
        return None if times is None else times - self._used[place]


def parse(text: bytes) -> tuple[Rule, ...]:
    """Rules from a JSON text: one object `{match, times, fault}` or a list of them.

    Raises:
        FixThis: It is no JSON, or a key or value is not known; names it and says what is.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise FixThis(
            f"The faults are no JSON: {error}.", where="the body", todo='send {"match", "times", "fault"}'
        ) from None
    rules = given if isinstance(given, list) else [given]
    return tuple(_rule(rule, f"rule {number}") for number, rule in enumerate(rules, start=1))


def _rule(given: Any, where: str) -> Rule:
    keys = _object(given, where)
    _known(keys, _RULE_KEYS, where)
    if "fault" not in keys:
        raise FixThis("There is no `fault`.", where=where, todo='add one, as in "fault": {"status": 503}')
    match = _match(keys.get("match", {}), f"{where}, match")
    times = keys.get("times", 1)
    if times is not None and (not _is_whole(times) or times < 1):
        raise FixThis(f"`times` is {json.dumps(times)}.", where=where, todo="give a number from 1, or null for always")
    return Rule(match=match, times=times, fault=_fault(keys["fault"], f"{where}, fault"))


def _match(given: Any, where: str) -> dict[str, str]:
    keys = _object(given, where)
    for name, value in keys.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise FixThis(f"`{name}` is {json.dumps(value)}.", where=where, todo="give a text or a whole number")
    return {name: str(value) for name, value in keys.items()}


def _fault(given: Any, where: str) -> Fault:
    keys = _object(given, where)
    _known(keys, _FAULT_KEYS, where)
    kind = _kind(keys, where)
    _check_values(keys, where)
    return Fault(
        kind=kind,
        value=keys.get(kind),
        delay=keys.get("delay", 0.0),
        status=keys.get("status", 200),
        retry_after=keys.get("retry_after"),
        given=keys,
    )


def _kind(keys: Mapping[str, Any], where: str) -> str:
    """The one thing that goes wrong; `status` goes with `body`, `delay` with all."""
    kinds = [name for name in _KINDS if name in keys and not (name == "status" and "body" in keys)]
    if len(kinds) > 1:
        raise FixThis(
            f"{' and '.join(f'`{name}`' for name in kinds)} cannot both happen to one answer.",
            where=where,
            todo="give each its own rule; only `delay` goes with all, and `status` with `body` and `retry_after`",
        )
    if "retry_after" in keys and not {"status", "body"} & set(keys):
        raise FixThis("`retry_after` needs a `status`.", where=where, todo='add one, as in "status": 503')
    if not kinds and "delay" not in keys:
        raise FixThis("Nothing goes wrong in it.", where=where, todo=f"give one of {', '.join(_FAULT_KEYS)}")
    return kinds[0] if kinds else ""


def _check_values(keys: Mapping[str, Any], where: str) -> None:
    for name, value in keys.items():
        holds, todo = _VALUES.get(name, _ANYTHING)
        if not holds(value):
            raise FixThis(f"`{name}` is {json.dumps(value)}.", where=where, todo=todo)


def _is_on(value: Any) -> bool:
    return value is True


def _is_number(value: Any) -> bool:
    # The bound keeps out infinity, NaN and numbers that no clock can add.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST


def _is_wait(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _is_status(value: Any) -> bool:
    # 1xx is no final answer, and HTTP clients know nothing above 599.
    return _is_whole(value) and 200 <= value <= 599  # noqa: PLR2004 - RFC 9110, section 15


def _is_retry_after(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    if isinstance(value, dict):
        return set(value) == {"date_in"} and _is_number(value["date_in"]) and abs(value["date_in"]) <= _YEAR
    return _is_number(value)


_MOST: Final = 1e9
#: HTTP dates end with the year 9999; no test needs more than a year.
_YEAR: Final = 366 * 86400
_ANYTHING: Final[tuple[Callable[[Any], bool], str]] = (lambda _: True, "")
#: What each key of a fault may be given, and what to say otherwise.
_VALUES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    **dict.fromkeys(_SWITCHES, (_is_on, "give true, or leave it out")),
    "delay": (_is_wait, "give seconds, 0 or more"),
    "cut_body": (_is_size, "give the bytes to send before the cut, 0 or more"),
    "repeat_page": (_is_whole, "give the page to send instead"),
    "status": (_is_status, "give a number from 200 to 599"),
    "retry_after": (_is_retry_after, 'give seconds, {"date_in": seconds}, or a text of printable ASCII'),
}


def _object(given: Any, where: str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    raise FixThis(f"{json.dumps(given)[:80]} is no JSON object.", where=where, todo="give an object, {...}")


def _known(keys: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for name in keys:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            guess = f"did you mean `{near[0]}`? " if near else ""
            raise FixThis(f"`{name}` is no known key.", where=where, todo=f"{guess}known: {', '.join(names)}")
