"""How one value of a spec is read: durations, sizes, numbers, choices, names, texts. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from levada.charsets import known
from levada.contract.model import MaxBad
from levada.jsonpath import problem
from levada.spec.engine import ABSENT, Value, Wrong
from levada.spec.meant import nearest
from levada.spec.model import Rate
from levada.spec.tree import Plain, Word, show

__all__ = [
    "CONTROL",
    "LINES",
    "anything",
    "charset",
    "choice",
    "class_name",
    "constant",
    "duration",
    "field_name",
    "flag",
    "folder",
    "identifier",
    "integer",
    "json_path",
    "max_bad",
    "name_problem",
    "number",
    "one_character",
    "plain_text",
    "rate",
    "seconds",
    "size",
    "statuses",
    "text",
    "tolerance",
    "zone",
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_LONGEST = timedelta(days=3650).total_seconds()
_SIZES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"([0-9]{1,9})(B|KB|MB|GB)")
_RATE = re.compile(r"([0-9]{1,9})/([0-9]{1,9}(?:\.[0-9]{1,6})?)?(ms|s|m|h|d)")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_STATUS = re.compile(r"([1-5])([0-9xX]{2})")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*")
#: Characters that no name and no header may hold; tabs and line breaks stand in LINES.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
LINES = re.compile(r"[\t\n\r\u2028\u2029]")


def seconds(written: str) -> float:
    """Seconds in a duration such as `500ms`, `1s`, `5m`, `2h`, `7d`; `0` is none.

    Raises:
        ValueError: the text is no duration.
    """
    found = _DURATION.fullmatch(written)
    if written == "0":
        return 0.0
    if not found or float(found[1]) * _UNITS[found[2]] > _LONGEST:
        raise ValueError("no duration")
    return float(found[1]) * _UNITS[found[2]]


def duration(*, zero: bool = False) -> Value:
    """Kind of a duration; the value is in seconds."""

    def read(word: Word) -> float:
        try:
            value = seconds(word.text)
        except ValueError:
            raise Wrong(f"{word.shown} is no duration", "write a number with its unit: 500ms, 1s, 5m, 2h, 7d") from None
        if value or zero:
            return value
        raise Wrong(f"{word.shown} is no time at all", "write a duration above 0")

    return Value(read, "a duration such as 30s")


def _size(word: Word) -> int:
    found = _SIZE.fullmatch(word.text)
    if found and int(found[1]):
        return int(found[1]) * _SIZES[found[2]]
    raise Wrong(f"{word.shown} is no size", "write a whole number with its unit: 512KB, 256MB, 1GB")


size = Value(_size, "a size such as 256MB")


def integer(low: int, high: int) -> Value:
    """Kind of a whole number between two bounds, both included."""

    def read(word: Word) -> int:
        value = word.value
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{word.shown} is no whole number", f"write a number from {low} to {high}, without quotes")
        if not low <= value <= high:
            raise Wrong(f"{word.shown} is out of range", f"write a number from {low} to {high}")
        return value

    return Value(read, f"a whole number from {low} to {high}")


def number(low: float, high: float) -> Value:
    """Kind of a number between two bounds, both included."""

    def read(word: Word) -> float:
        value = word.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Wrong(f"{word.shown} is no number from {low:g} to {high:g}", "write one, without quotes")
        return float(value)

    return Value(read, f"a number from {low:g} to {high:g}")


def flag(*, off: bool = False) -> Value:
    """Kind of true and false; with `off`, the words on and off mean the same."""

    def read(word: Word) -> bool:
        if isinstance(word.value, bool):
            return word.value
        if off and word.text in ("on", "off"):
            return word.text == "on"
        near = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word.text.lower())
        todo = f"write {'off or true' if off else near or 'true or false'}, without quotes"
        raise Wrong(f"{word.shown} is neither true nor false", todo)

    return Value(read, "true or false", choices=("true", "false"))


def choice(
    *words: str, later: Mapping[str, str] | None = None, null: bool = False, others: Mapping[str, str] | None = None
) -> Value:
    """Kind of one word out of several; words of `later` are refused as not built yet.

    `others` are words of other tools, and what to do about them.
    """
    coming = later or {}

    def read(word: Word) -> str:
        if word.text in words:
            return word.text
        if word.text in coming:
            raise Wrong(f"{word.shown} is not built yet ({coming[word.text]})", f"built today: {', '.join(words)}")
        if others and word.text.lower() in others:
            raise Wrong(f"{word.shown} is not known here", others[word.text.lower()])
        near = None if word.origin else nearest(word.text, words) or nearest(word.text, coming)
        raise Wrong(f"{word.shown} is not known here", f"did you mean {near}?" if near else f"use {', '.join(words)}")

    return Value(read, " or ".join(words), null=null, choices=words)


def name_problem(noun: str) -> Callable[..., str | None]:
    """What is wrong with the name of a pipeline or stream: it becomes a folder."""

    def find(name: str, _: object = None) -> str | None:
        if _IDENTIFIER.fullmatch(name) and name != "tmp":
            return None
        said = (
            f'"{name}" is a name that Levada keeps for itself'
            if name == "tmp"
            else f'"{show(name)}" is no name for a {noun}'
        )
        return f"{said}: use a-z, 0-9, _ and -, beginning with a letter or digit, at most 100"

    return find


#: A prefix of a bucket, or the memory of the process; the store itself has more to say about their names.
_ELSEWHERE = re.compile(r"(s3|gs|az)://[a-z0-9][a-z0-9._-]+(/[^\\]*)?|memory:")


def is_elsewhere(lake: str) -> bool:
    """Whether a lake is no folder: a URL that means the same wherever the spec lies."""
    return _ELSEWHERE.fullmatch(lake) is not None


def _folder(word: Word) -> str:
    if is_elsewhere(word.text):
        return _text(word)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", word.text)
    if scheme:
        known = scheme[1] in {"s3", "gs", "az"}
        what = f"{word.text} names no bucket" if known else f"there are no lakes at {scheme[1]}://"
        raise Wrong(what, "give a folder such as ./lake, or s3://bucket/prefix (gs://, az://)")
    if word.text.startswith("~"):
        raise Wrong("a lake that begins with ~ is not understood", "write ${HOME}/... in the spec, or the whole path")
    return _text(word)


def _unset_folder(word: Word) -> Any:
    # Which bucket is not known: whatever uses the lake says so before it is opened.
    return ABSENT if "://" in word.text else _folder(word)


#: Kind of the lake's folder.
folder = Value(_folder, "a folder such as ./lake, or s3://bucket/prefix", unset=_unset_folder)


def identifier(noun: str) -> Value:
    """Kind of a name that becomes a folder; never from the environment."""

    def read(word: Word) -> str:
        if problem := name_problem(noun)(word.text):
            raise Wrong(problem, "write a short name such as sales")
        return word.text

    return Value(read, "a name such as sales", fills=False)


def _text(word: Word, *, lines: bool = False) -> str:
    if not word.text:
        raise Wrong("the text is empty", "write some text, or leave the key out")
    if CONTROL.search(word.text) or (not lines and LINES.search(word.text)):
        raise Wrong(f"{word.shown} holds a line break or another control character", "write it without")
    return word.text


def text(*, lines: bool = False) -> Value:
    """Kind of a text that is used as it is; with `lines`, it may hold line breaks and tabs."""
    return Value(lambda word: _text(word, lines=lines), "some text", unset=lambda word: word.text)


def _anything(word: Word) -> Word:
    return word


#: Kind of a value whose type another key decides: the word itself.
anything = Value(_anything, "one value")


def field_name(name: str, _: object = None) -> str | None:
    """What is wrong with the name of a field, or None."""
    if not name or CONTROL.search(name) or LINES.search(name):
        return "a field needs a name, without control characters"
    if name == "_unknown" or name.startswith("_levada"):
        return f"{show(name)} is a name that Levada keeps for itself"
    return None


def _json_path(word: Word) -> str:
    if not word.text.startswith("$"):
        raise Wrong(f"{word.shown} is no JSONPath: they begin with $", f"did you mean {_rooted(word)}?")
    if wrong := problem(word.text):
        raise Wrong(f"{word.shown} is no JSONPath: {wrong}", "write one such as $.data[*] (RFC 9535)")
    return word.text


def _rooted(word: Word) -> str:
    bare = word.text.strip("\u201c\u201d\u2018\u2019\"' ")  # of another editor
    path = bare if bare.startswith("$") else f"$.{bare.lstrip('.')}"
    return "$.data[*]" if word.origin or problem(path) else show(path)


json_path = Value(_json_path, "a JSONPath such as $.data[*]")


def _rate(word: Word) -> Rate:
    found = _RATE.fullmatch(word.text)
    if found and int(found[1]) and float(found[2] or 1):
        return Rate(int(found[1]), float(found[2] or 1) * _UNITS[found[3]])
    raise Wrong(f"{word.shown} is no rate", "write requests and a time: 10/s, 40/10s, 5000/h")


rate = Value(_rate, "a rate such as 10/s or 40/10s")


def _share(text: str) -> float | None:
    """What a percentage is as a share, at most 1; None for what is none."""
    found = _SHARE.fullmatch(text)
    share = float(Decimal(found[1]) / 100) if found else math.inf
    return share if share <= 1 else None


def _tolerance(word: Word) -> float:
    value, share = word.value, _share(word.text)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if share is not None and share < 1:
        return share
    raise Wrong(f"{word.shown} is neither a count nor a share", "write a count such as 5, or a share below 100%")


tolerance = Value(_tolerance, "a count such as 5, or a share such as 1%")


def _statuses(word: Word) -> tuple[int, int]:
    found = _STATUS.fullmatch(word.text)
    wild = found[2].lower() if found else ""
    if found and (wild.isdigit() or wild == "xx" or (wild[0].isdigit() and wild[1] == "x")):
        return int(found[1] + wild.replace("x", "0")), int(found[1] + wild.replace("x", "9"))
    raise Wrong(f"{word.shown} is no status", "write a number from 100 to 599, or 5xx for all that begin with 5")


#: Kind of one status or of all that begin alike; the value is a range, both ends included.
statuses = Value(_statuses, "a status such as 404, or 5xx")


def _zone(word: Word) -> str:
    try:
        ZoneInfo(word.text)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError, but odd names raise these
        known = False
    except KeyError:
        known = False
    else:
        known = True
    if known:
        return word.text
    raise Wrong(f"{word.shown} is no time zone", "write its IANA name, such as UTC or Europe/Lisbon")


zone = Value(_zone, "a time zone such as Europe/Lisbon")


def _charset(word: Word) -> str:
    if known(word.text) is None:
        raise Wrong(f"{word.shown} is no charset known here", "write one such as utf-8 or latin-1")
    return word.text


charset = Value(_charset, "a charset such as latin-1")


def _one_character(word: Word) -> str:
    if len(word.text) == 1 and not CONTROL.search(word.text) and word.text not in "\r\n":
        return word.text
    raise Wrong(f"{word.shown} is not one character", 'write one, in quotes: ";"')


one_character = Value(_one_character, 'one character such as ";"')


def _class_name(word: Word) -> str:
    if _CLASS.fullmatch(word.text):
        return word.text
    raise Wrong(f"{word.shown} names no class or function of a module", "write module:name, such as mymodule:Signer")


class_name = Value(_class_name, "module:name", fills=False)


def _constant(word: Word) -> Plain:
    if isinstance(word.value, str) and CONTROL.search(word.value):
        raise Wrong(f"{word.shown} holds a control character", "write it without")
    return word.value


#: Kind of a text, a number, true, false or null, as YAML types it.
constant = Value(_constant, "a text, a number, true or false", null=True)


def _plain_text(word: Word) -> str:
    return _text(word) if word.text else ""


#: Kind of a text that may be empty.
plain_text = Value(_plain_text, "some text", unset=lambda word: word.text)


def _max_bad(word: Word) -> MaxBad:
    value = word.value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return MaxBad(count=value)
    share = _share(word.text)
    if share is not None:
        return MaxBad(share=share)
    raise Wrong(f"{word.shown} is neither a count nor a share", "write a count such as 10, or a share such as 5%")


max_bad = Value(_max_bad, "a count such as 10, or a share such as 5%")
