"""How values of the web are read: URLs, names of headers and parameters, and secrets, which are never written. Pure."""

import re
from urllib.parse import urlsplit

from levada.spec.auth import SecretRef
from levada.spec.engine import Value, Wrong
from levada.spec.tree import Node, Plain, Word, show
from levada.spec.values import CONTROL, LINES
from levada.spec.variables import secret_names

__all__ = [
    "TOKEN",
    "answer_header",
    "body_name",
    "cookie_name",
    "header_match",
    "header_name",
    "param",
    "param_name",
    "secret",
    "sent",
    "sent_name",
    "token",
    "token_url",
    "url",
]

#: RFC 9110, section 5.6.2.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USERINFO = re.compile(r"//[^/?#]*@")
#: Headers that carry credentials, and headers that each request gets from Levada itself.
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}
_CREDENTIAL = re.compile(r"(?i)(api|app|access|auth|client)[_-]?(key|token|secret)|passw|secret")
#: What a log-in sends under these names is a secret, whatever it looks like.
_SECRET_NAME = re.compile(r"(?i)passw|pwd|secret|token|api[_-]?key|^key$")
_OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
_ASTRAY = "the url holds a user or a password (there is an @ before the host)"
_BY_AUTH = "give credentials by auth, from variables; a url never holds them"


def _url(word: Word) -> str:
    if _USERINFO.search(word.text) or _USERINFO.search(word.written):
        raise Wrong(_ASTRAY, _BY_AUTH)
    try:
        parts = urlsplit(_printable(word))
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


def _token_url(word: Word) -> str:
    _url(word)
    return word.text


def _url_without(word: Word) -> str:
    """A url with a variable that is not set: stays as written, if it does not show a password."""
    if _USERINFO.search(word.text):
        raise Wrong(_ASTRAY, _BY_AUTH)
    return word.text


def _printable(word: Word) -> str:
    if CONTROL.search(word.text) or LINES.search(word.text):
        raise Wrong(f"{word.shown} holds a line break or another control character", "write it without")
    return word.text


url = Value(_url, "a URL such as https://api.example.com", unset=_url_without)
#: The same, its last slash kept: another address to some token endpoints.
token_url = Value(_token_url, "a URL such as https://id.example.com/token", unset=_url_without)


def _secret(word: Word) -> SecretRef:
    try:
        names = secret_names(word.text)
    except ValueError:  # its text would show what was written
        names = None
    if names is None:
        raise Wrong(
            "a secret is not written in the spec; it comes from a variable, whole and without a literal default",
            _secret_todo(word.text),
        )
    return SecretRef(names, word.place)


def _secret_todo(text: str) -> str:
    """What to write instead; shows nothing of the text but the names of variables."""
    if found := re.fullmatch(r"(?i:bearer) (\$\{\w+\})", text):
        return f'write auth: {{bearer: "{found[1]}"}}, which sends the word Bearer itself'
    if re.fullmatch(r"\$[A-Z_][A-Z0-9_]*", text):
        return 'put braces around the name of the variable: "${NAME}"'
    return 'write "${AUTH_TOKEN}" (or "${AUTH_TOKEN:-${OTHER}}") and put the value into the environment or .env'


secret = Value(_secret, 'a variable such as "${AUTH_TOKEN}"', fills=False)


def header_name(name: str, _: object = None) -> str | None:
    """What is wrong with the name of a header to send, or None."""
    if not TOKEN.fullmatch(name):
        return f'"{show(name)}" is no name of an HTTP header: use letters, digits and -'
    if name.lower() in _CREDENTIALS or _CREDENTIAL.search(name):
        return f"{name} carries a credential: give it by auth, which keeps it secret"
    return f"{name} is set by Levada for each request: leave it out" if name.lower() in _OURS else None


def _token(word: Word) -> str:
    if not TOKEN.fullmatch(word.text) or word.text.lower() in _OURS:
        raise Wrong(f"{word.shown} is no HTTP header to send a credential in", "write one such as Authorization")
    return word.text


token = Value(_token, "the name of a header such as Authorization", fills=False)


def _answer_header(word: Word) -> str:
    if TOKEN.fullmatch(word.text):
        return word.text
    raise Wrong(f"{word.shown} is no name of an HTTP header", "write one such as X-Total-Count")


#: Kind of the name of a header that answers have.
answer_header = Value(_answer_header, "the name of a header such as X-Total-Count")


def _header_match(word: Word) -> tuple[str, str | None]:
    name, colon, value = word.text.partition(":")
    if TOKEN.fullmatch(name) and (value.strip() or not colon):
        return name.lower(), value.strip() if colon else None
    raise Wrong(f"{word.shown} is no header", 'write "X-Status" for one that is there, or "X-Status: done" for a value')


#: Kind of a header that an answer must have, perhaps with a value.
header_match = Value(_header_match, '"Name" or "Name: value"')


def param_name(name: str, node: Node) -> str | None:
    """What is wrong with the name of a query parameter, or None.

    Params are shown in plans and facts. So one that looks like a credential is refused, rather than shown.
    """
    todo = f'give it by auth: {{query: {show(name)}, key: "${{NAME}}"}}, which keeps it secret'
    return _name_problem(name, node, "parameter", todo)


def body_name(name: str, node: Node) -> str | None:
    """What is wrong with a name in a body, or None; bodies hold no credentials, and no templates in names."""
    if "{" in name and "}" in name:
        return f"{show(name)}: a name in a body holds no template"
    return _name_problem(name, node, "value", "credentials go by auth, which keeps them secret")


def _name_problem(name: str, node: Node, noun: str, todo: str) -> str | None:
    if not name or CONTROL.search(name) or LINES.search(name):
        return f"a {noun} needs a name, without control characters"
    from_variable = isinstance(node, Word) and "${" in node.text
    if _CREDENTIAL.search(name) or (from_variable and name.lower() in ("key", "token")):
        return f"{show(name)} looks like a credential: {todo}"
    return None


def _param(word: Word) -> str:
    if word.text and not CONTROL.search(word.text) and not LINES.search(word.text):
        return word.text
    raise Wrong("the name is empty, or holds a control character", "write the name that the API reads")


#: Kind of the name of a parameter that carries a credential or a page.
param = Value(_param, "the name of a parameter", unset=lambda word: word.text)


def _cookie_name(word: Word) -> str:
    if TOKEN.fullmatch(word.text):
        return word.text
    raise Wrong(f"{word.shown} is no name of a cookie", "write one such as session")


cookie_name = Value(_cookie_name, "the name of a cookie", fills=False)


def sent_name(name: str, node: Node) -> str | None:
    """What is wrong with a name in what a log-in sends: a secret under it must be a variable."""
    if not name or CONTROL.search(name) or LINES.search(name):
        return "a value needs a name, without control characters"
    if isinstance(node, Word) and _SECRET_NAME.search(name) and "${" not in node.text:
        return f'{show(name)} looks like a secret, which is not written in the spec: write {show(name)}: "${{NAME}}"'
    return None


def _sent(word: Word) -> SecretRef | Plain:
    if "${" in word.text:
        return _secret(word)
    return _printable(word) if isinstance(word.value, str) else word.value


#: Kind of what a log-in sends: a secret where it is a variable, else the value itself.
sent = Value(_sent, 'a variable such as "${PASSWORD}", or a plain value', fills=False)
