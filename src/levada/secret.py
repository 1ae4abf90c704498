"""Secrets: values that are used but never shown.

A spec names secrets (`${AUTH_TOKEN}`), it never holds them. Their values are known to this module from the moment they
are first revealed, so `redact` finds them in any text: messages, facts of answers, logs. What can be nothing else by
its place in a URL, a user and password or the signature of a signed URL, it finds unknown. Landed pages are data and
are not redacted.
"""

import base64
import re
import string
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

__all__ = ["Secret", "is_token", "redact", "redacted", "remember", "remember_url", "shown_url"]

#: Shorter values are not redacted: a secret "a" would black out every text. The design promises 4 characters.
SHORTEST = 4
SHOWN_AS = "[secret]"

#: Written alike in URLs, JSON and Python: RFC 3986, 2.3.
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
#: Query parameters whose values are not shown, whatever they are: lower case, without `-`, `_` and `.`.
_SECRET_NAMES = frozenset(
    """accesskey accesskeyid accesstoken apikey apitoken appkey assertion auth authkey authorization authtoken
    awsaccesskeyid bearer clientassertion clientsecret consumersecret credential credentials hapikey idtoken jwt key
    oauthtoken passphrase passwd password privatekey privatetoken pwd refreshtoken secret secretkey securitytoken
    sessionid sessiontoken sig signature subscriptionkey token usertoken xamzcredential xamzsecuritytoken
    xamzsignature xapikey xgoogcredential xgoogsignature""".split()  # noqa: SIM905 - 45 quotes and commas would hide the names
)
_USER = re.compile(r"^((?:[A-Za-z][\w+.-]*:)?//)([^/?#]*)@")
#: What stands in a text where a URL has user and password, and where a signed URL has its signature.
_PLACED = re.compile(
    r"""(?<=://)[^\s/?\#"'<>\\]+(?=@)
    |(?<=[?&;])((?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|awsaccesskeyid)=)[^\s&\#"'<>\\]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
#: Shorter values of parameters may be words of every text, as in `?key=sales`: they are hidden in the URL alone.
_SURE = 8
#: Characters from which on a part of a URL is taken for a token, whatever it is made of.
_LONG = 16
#: Forms of values known lately that are kept: tokens come by the hour, and a job server lives for months.
RECENT = 256
#: What is known for good and what lately, oldest first, and a pattern for the ways in which it may be written.
_known: dict[str, re.Pattern[str]] = {}
_lately: dict[str, re.Pattern[str]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value and the variable it came from. Neither `repr` nor `str` shows the value."""

    name: str
    value: str
    #: For how long `redact` knows the value: tokens that come and go "lately", what is good for one request "never".
    known: Literal["always", "lately", "never"] = "always"

    def __post_init__(self) -> None:
        if self.known != "never":
            remember(self.value, lately=self.known == "lately")

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    __str__ = __repr__


def remember(value: str, *, lately: bool = False) -> None:
    """Redact `value`, and the forms it takes in URLs, JSON and Basic auth, from now on.

    Args:
        value: What is secret; shorter than four characters it stays in texts.
        lately: Only until some hundred others were remembered lately.
    """
    if len(value) < SHORTEST:
        return
    # The third: many servers read a header as Latin-1 (RFC 9110, 5.5), and quote it so.
    forms = {value, base64.b64encode(value.encode()).decode(), value.encode().decode("latin-1")}
    with _lock:
        for form in forms - _known.keys():
            pattern = _lately.pop(form, None) or re.compile("".join(map(_any_form, form)))
            (_lately if lately else _known)[form] = pattern
        for form in list(_lately)[:-RECENT]:
            del _lately[form]


def _any_form(character: str) -> str:
    """A pattern for a character as it is, in a URL, and escaped (twice: a `repr` within JSON) in JSON or Python.

    Senders disagree on which characters they encode and on the case of the hex digits, so each may come in each form.
    """
    if character in _UNRESERVED:
        return re.escape(character)
    encoded = character.encode()
    units = character.encode("utf-16-be").hex(" ", 2).split()
    escapes = (
        [f"u{unit}" for unit in units],
        [f"x{byte:02x}" for byte in encoded],
        [f"x{ord(character):02x}"],
        [f"U{ord(character):08x}"],
    )
    forms = [
        *("".join(rf"\\{{1,2}}(?i:{part})" for part in escape) for escape in escapes),
        "".join(f"(?i:%{byte:02x})" for byte in encoded),
        r"\\{1,4}" if character == "\\" else r"\\{0,3}" + re.escape(character),
        *([r"\+"] if character == " " else []),
    ]
    return f"(?:{'|'.join(forms)})"


def redact(text: str) -> str:
    """`text` with every known secret value replaced by `[secret]`, longest first; then what is one by its place."""
    with _lock:
        known = sorted([*_known.items(), *_lately.items()], key=lambda item: len(item[0]), reverse=True)
    for _, pattern in known:
        text = pattern.sub(SHOWN_AS, text)
    return _PLACED.sub(lambda found: f"{found[1] or ''}{SHOWN_AS}", text)


def redacted(value: Any) -> Any:
    """A value as the json module reads and writes them, every text in it redacted; names stay as they are."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redacted(item) for key, item in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list | tuple) else value


def is_token(text: str) -> bool:
    """Whether a text is taken for a secret by its looks: long, or of letters and digits; `notifications` is a word."""
    if "@" in text:
        return False
    mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return len(text) >= _LONG or (len(text) >= _SURE and mixed)


def shown_url(url: str) -> str:
    """`url` for people and records: what is secret in it is `[secret]`, all else stays byte for byte.

    That is known values (see `redact`), user and password, and the values of parameters with names like `api_key`,
    empty ones too. The fragment is kept.
    """
    address, hash_, fragment = redact(url).partition("#")
    base, mark, query = _USER.sub(rf"\1{SHOWN_AS}@", address).partition("?")
    return f"{base}{mark}{'&'.join(map(_shown, query.split('&')))}{hash_}{fragment}"


def remember_url(url: str) -> None:
    """Redact what `shown_url` hides of `url`, wherever it stands, from now on: servers repeat what they were sent."""
    address = url.partition("#")[0]
    base, _, query = address.partition("?")
    if found := _USER.match(base):
        user, sign, password = found[2].partition(":")
        remember(unquote(password if sign else user))
    for value in (value for part in query.split("&") for _, value in _parted(part)):
        if len(value) >= _SURE:
            remember(unquote(value))


def _shown(part: str) -> str:
    for begin, _ in _parted(part):
        return f"{begin}{SHOWN_AS}"
    return part


def _parted(part: str) -> Iterator[tuple[str, str]]:
    """What stands between two `&`, where a secret's name is in it: all up to its value, and the value.

    From that name on all is its value, though some take `;` for a `&`.
    """
    pieces = part.split(";")
    for number, piece in enumerate(pieces):
        name, sign, value = piece.partition("=")
        if sign and _looks_secret(name):
            yield ";".join([*pieces[:number], f"{name}="]), ";".join([value, *pieces[number + 1 :]])
            return


def _looks_secret(name: str) -> bool:
    """By the whole name, or by what stands in brackets at its end: `auth[token]`."""
    bare = re.sub(r"[-_.]", "", unquote_plus(name).lower())
    return bare in _SECRET_NAMES or bare.rpartition("[")[2].rstrip("]") in _SECRET_NAMES
