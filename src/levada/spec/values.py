"""How one value of a spec is read: durations, sizes, numbers, choices, names, URLs, templates, secrets. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from levada.contract.model import MaxBad
from levada.spec.auth import SecretRef
from levada.spec.engine import Value, Wrong, nearest
from levada.spec.template import Hole, Template, parse
from levada.spec.tree import Word, show
from levada.spec.variables import secret_names

__all__ = [
    "anything",
    "choice",
    "duration",
    "field_name",
    "flag",
    "folder",
    "header_name",
    "identifier",
    "integer",
    "json_path",
    "max_bad",
    "name_problem",
    "param_name",
    "seconds",
    "secret",
    "size",
    "template",
    "template_or_none",
    "template_word",
    "text",
    "token",
    "url",
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_LONGEST = 3650 * 86400.0
_SIZES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"([0-9]{1,9})(B|KB|MB|GB)")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
#: RFC 9110, section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINES = re.compile(r"[\t\n\r\u2028\u2029]")
_USERINFO = re.compile(r"//[^/?#]*@")
#: Headers that carry credentials, and headers that each request gets from Levada itself.
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}
#: Variables that templates will have.
_LATER = {"row": "a request for each row of another stream", "tick": "other partitions", "today": "log files"}
_CREDENTIAL = re.compile(r"(?i)(api|app|access|auth|client)[_-]?(key|token|secret)|passw|secret")
_OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
_ASTRAY = "the url holds a user or a password (there is an @ before the host)"
_BY_AUTH = "give credentials by auth, from variables; a url never holds them"


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


def flag(*, off: bool = False) -> Value:
    """Kind of true and false; with `off`, the words on and off mean the same."""

    def read(word: Word) -> bool:
        if isinstance(word.value, bool):
            return word.value
        if off and word.text in ("on", "off"):
            return word.text == "on"
        raise Wrong(f"{word.shown} is neither true nor false", "write true or false, without quotes")

    return Value(read, "true or false", choices=("true", "false"))


def choice(*words: str, later: Mapping[str, str] | None = None, null: bool = False) -> Value:
    """Kind of one word out of several; words of `later` are refused as not built yet."""
    coming = later or {}

    def read(word: Word) -> str:
        if word.text in words:
            return word.text
        if word.text in coming:
            raise Wrong(f"{word.shown} is not built yet ({coming[word.text]})", f"built today: {', '.join(words)}")
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


def _folder(word: Word) -> str:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", word.text)
    if scheme:
        raise Wrong(f"a lake at {scheme[1]}:// is not built yet", "give a folder such as ./lake")
    if word.text.startswith("~"):
        raise Wrong("a lake that begins with ~ is not understood", "write ${HOME}/... in the spec, or the whole path")
    return _text(word)


#: Kind of the lake's folder.
folder = Value(_folder, "a folder such as ./lake", unset=_folder)


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
    if _CONTROL.search(word.text) or (not lines and _LINES.search(word.text)):
        raise Wrong(f"{word.shown} holds a line break or another control character", "write it without")
    return word.text


def text(*, lines: bool = False) -> Value:
    """Kind of a text that is used as it is; with `lines`, it may hold line breaks and tabs."""
    return Value(lambda word: _text(word, lines=lines), "some text", unset=lambda word: word.text)


def _anything(word: Word) -> Word:
    return word


#: Kind of a value whose type another key decides: the word itself.
anything = Value(_anything, "one value")


def _url(word: Word) -> str:
    if _USERINFO.search(word.text) or _USERINFO.search(word.written):
        raise Wrong(_ASTRAY, _BY_AUTH)
    try:
        parts = urlsplit(_text(word))
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Wrong(f"{word.shown} is no URL", "write one such as https://api.example.com") from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or re.search(r"[\s\\]", word.text):
        raise Wrong(f"{word.shown} is no http or https URL with a host", "write one such as https://api.example.com")
    if "?" in word.text or "#" in word.text:
        raise Wrong(f"{word.shown} has a query or a fragment", "write the query under params, and no fragment")
    if "{" in word.literal.replace("{{", ""):
        raise Wrong(f"{word.shown} has a template", "templates belong in the path and params of a request")
    return word.text.rstrip("/")


def _url_without(word: Word) -> str:
    """A url with a variable that is not set: stays as written, if it does not show a password."""
    if _USERINFO.search(word.text):
        raise Wrong(_ASTRAY, _BY_AUTH)
    return word.text


url = Value(_url, "a URL such as https://api.example.com", unset=_url_without)


def _secret(word: Word) -> SecretRef:
    try:
        names = secret_names(word.text)
    except ValueError:  # its text would show what was written
        names = None
    if names is None:
        raise Wrong(
            "a secret is not written in the spec; it comes from a variable, whole and without a literal default",
            'write "${AUTH_TOKEN}" (or "${AUTH_TOKEN:-${OTHER}}") and put the value into the environment or .env',
        )
    return SecretRef(names, word.place)


secret = Value(_secret, 'a variable such as "${AUTH_TOKEN}"', fills=False)


def template(*allowed: str, check: Callable[[Template], None] = lambda _: None, empty: bool = False) -> Value:
    """Kind of a template with these variables; `check` raises Wrong for what else the place demands."""

    def read(word: Word) -> Template:
        if word.text or not empty:
            _text(word)
        try:
            found = parse(word.literal)
        except ValueError as error:
            raise Wrong(str(error)) from None
        for part in found.parts:
            if isinstance(part, Hole):
                _known(part, allowed)
        check(found)
        return found

    known = ", ".join(f"{{{name}}}" for name in allowed)
    return Value(read, f"text, with {known} where they are wanted", unset=read)


def _known(hole: Hole, allowed: tuple[str, ...]) -> None:
    if hole.name.partition(".")[0] in _LATER:
        raise Wrong(f"{{{hole.name}}} is not built yet ({_LATER[hole.name.partition('.')[0]]})", "leave it out for now")
    if hole.name not in allowed:
        near = nearest(hole.name, allowed)
        todo = f"did you mean {{{near}}}?" if near else f"known here: {', '.join(f'{{{name}}}' for name in allowed)}"
        raise Wrong(f"{{{hole.name}}} is no variable here", todo)
    if hole.format and hole.name != "date":
        raise Wrong(f"{{{hole.name}:{hole.format}}}: only {{date}} takes a format", f"write {{{hole.name}}}")


def template_or_none(kind: Value) -> Value:
    """Kind of a template that may be the word none instead; the value is None then."""

    def read(word: Word) -> Template | None:
        return None if word.text == "none" else kind.parse(word)

    return Value(read, f"{kind.says}; or none", unset=kind.unset)


def template_word(*allowed: str) -> Value:
    """Kind of a value that may be a template, whose type another key decides: the word itself."""
    kind = template(*allowed, empty=True)

    def read(word: Word) -> Word:
        kind.parse(word)
        return word

    return Value(read, "one value, or a text with {date}", unset=read)


def header_name(name: str, _: object = None) -> str | None:
    """What is wrong with the name of a header to send, or None."""
    if not _TOKEN.fullmatch(name):
        return f'"{show(name)}" is no name of an HTTP header: use letters, digits and -'
    if name.lower() in _CREDENTIALS or _CREDENTIAL.search(name):
        return f"{name} carries a credential: give it by auth, which keeps it secret"
    return f"{name} is set by Levada for each request: leave it out" if name.lower() in _OURS else None


def _token(word: Word) -> str:
    if not _TOKEN.fullmatch(word.text) or word.text.lower() in _OURS:
        raise Wrong(f"{word.shown} is no HTTP header to send a credential in", "write one such as Authorization")
    return word.text


token = Value(_token, "the name of a header such as Authorization", fills=False)


def param_name(name: str, node: object) -> str | None:
    """What is wrong with the name of a query parameter, or None.

    Params are shown in plans and facts. So one that looks like a credential is refused, rather than shown.
    """
    if not name or _CONTROL.search(name) or _LINES.search(name):
        return "a parameter needs a name, without control characters"
    from_variable = isinstance(node, Word) and "${" in node.text
    if _CREDENTIAL.search(name) or (from_variable and name.lower() in ("key", "token")):
        return (
            f"{show(name)} looks like a credential, and auth in the query is not built yet: params are not kept secret"
        )
    return None


def field_name(name: str, _: object = None) -> str | None:
    """What is wrong with the name of a field, or None."""
    if not name or _CONTROL.search(name) or _LINES.search(name):
        return "a field needs a name, without control characters"
    if name == "_unknown" or name.startswith("_levada"):
        return f"{show(name)} is a name that Levada keeps for itself"
    return None


def _json_path(word: Word) -> str:
    if word.text == "$":
        return "$"
    if word.text.startswith("$"):
        raise Wrong(
            f"{word.shown} is not built yet (records at a path)", "today: $ for one record, or no such key for a list"
        )
    raise Wrong(
        f"{word.shown} is no path: they begin with $", "write $ if the body is one record; leave it out for a list"
    )


json_path = Value(_json_path, "$")


def _max_bad(word: Word) -> MaxBad:
    value = word.value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return MaxBad(count=value)
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%", word.text)
    if found and math.isfinite(share := float(found[1]) / 100) and share <= 1:
        return MaxBad(share=share)
    raise Wrong(f"{word.shown} is neither a count nor a share", "write a count such as 10, or a share such as 5%")


max_bad = Value(_max_bad, "a count such as 10, or a share such as 5%")
