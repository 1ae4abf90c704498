"""What a request asks for: bytes in, the parameters of a job out, or what is wrong with them. Pure."""

import json
from difflib import get_close_matches
from typing import Any, NoReturn

from levada.errors import FixThis
from levada.serve.jobs import JobKind
from levada.spec.partition import parse_day

__all__ = ["parameters"]

_JSON = "application/json"
_EXAMPLE = {
    "date": "2022-08-09",
    "raw_dir": "/path/to/raw/sales/2022-08-09",
    "stg_dir": "/path/to/stg/sales/2022-08-09",
}
_KINDS: dict[type, str] = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a text",
    type(None): "null",
}
#: Names of the request among which one is looked for that was meant: 64 kB can hold thousands.
_LOOKED_AT = 20


def parameters(kind: JobKind, content_type: str, body: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """The parameters of a job, and the names of members that it has no use for.

    Raises:
        FixThis: the body is no JSON object with all of them as text. For one that is not there, the text is the
            sales course's: `date parameter missed`.
    """
    # A web page of another origin can send anything but JSON without being asked, so nothing else is taken.
    if content_type != _JSON:
        came = f"as {content_type[:60]}" if content_type else "without a type"
        what = f"the body must be sent as {_JSON}, and came {came}"
        raise FixThis(what, where="Content-Type", todo=f"add the header Content-Type: {_JSON}")
    given = _object(kind, body)
    found = {name: _text(kind, given, name) for name in kind.parameters}
    if "date" in found:
        _refuse_no_day(found["date"])
    return found, tuple(name for name in given if name not in found)


def _object(kind: JobKind, body: bytes) -> dict[str, Any]:
    try:
        # int has a limit of digits, told in words for programmers; numbers are of no use to any job.
        given = json.loads(body, object_pairs_hook=_once, parse_int=float, parse_constant=_refuse_no_value)
    except FixThis as error:
        error.todo = _example(kind)
        raise
    except (ValueError, RecursionError) as error:
        why = "too deep" if isinstance(error, RecursionError) else str(error)
        raise FixThis(f"the body is no JSON: {why}", where="body", todo=_example(kind)) from None
    if not isinstance(given, dict):
        raise FixThis(f"the body must be a JSON object, not {_KINDS[type(given)]}", where="body", todo=_example(kind))
    return given


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object each of whose names comes once: which of two folders is meant is nobody's to guess."""
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise FixThis(f"{name[:60]} is in the body twice", where="body")
        given[name] = value
    return given


def _refuse_no_value(name: str) -> NoReturn:
    """Python reads NaN and Infinity, which JSON does not have (RFC 8259, 6)."""
    raise ValueError(f"{name} is no value of JSON")


def _text(kind: JobKind, given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None or value == "":
        raise FixThis(f"{name} parameter missed", where="body", todo=f"{_meant(kind, given, name)}{_example(kind)}")
    if not isinstance(value, str):
        what = f"{name} parameter must be a text, not {_KINDS[type(value)]}"
        raise FixThis(what, where=f"body.{name}", todo=_example(kind))
    return value


def _meant(kind: JobKind, given: dict[str, Any], name: str) -> str:
    others = {other.casefold(): other for other in given if other not in kind.parameters}
    close = get_close_matches(name, list(others)[:_LOOKED_AT], n=1)
    return f"write {name} instead of {others[close[0]]}; " if close else ""


def _refuse_no_day(date: str) -> None:
    try:
        parse_day(date)
    except FixThis as error:
        raise FixThis(f"date parameter malformed: {error.what}", where="body.date", todo=error.todo) from None


def _example(kind: JobKind) -> str:
    return f"send {json.dumps({name: _EXAMPLE[name] for name in kind.parameters})}"
