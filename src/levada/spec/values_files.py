"""How `files` is read: where files are taken from, as paths, globs and URLs. Pure."""

import re

from levada.secret import remember_url
from levada.spec.engine import Value, Wrong
from levada.spec.template import Template
from levada.spec.tree import Word
from levada.spec.values_template import template

__all__ = ["GLOB", "WEB", "file_name", "scheme", "several"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
#: The web's names are taken as they are; stores of objects can be listed.
WEB = ("http", "https")
_STORES = ("s3", "gs", "az")
_USER = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*@", re.IGNORECASE)
#: Characters of the shell's patterns, as Python's glob knows them.
GLOB = re.compile(r"[*?[]")


def file_name(*allowed: str) -> Value:
    """Kind of a path, a glob or a URL, with these variables."""
    kind = template(*allowed)

    def read(word: Word) -> Template:
        remember_url(word.text)
        found: Template = kind.parse(word)
        if word.text.startswith("~"):
            raise Wrong("a path that begins with ~ is not understood", "write ${HOME}/..., or the whole path")
        _known(word)
        return found

    return Value(read, "a path such as data/*.csv, or a URL", unset=kind.unset)


def scheme(name: str) -> str:
    """The scheme of a URL in lower case, "" for a path."""
    found = _SCHEME.match(name)
    return found[1].lower() if found else ""


def _known(word: Word) -> None:
    kind = scheme(word.text)
    if kind not in ("", *WEB, *_STORES):
        near = "leave file:// out" if kind == "file" else f"use a path, {', '.join(_STORES)} or https"
        raise Wrong(f"files of {kind}:// cannot be taken", near)
    if _USER.match(word.text):
        raise Wrong("a user or password in a URL is a secret in the open", "write it under source: auth")


def several(name: Template) -> bool:
    """Whether it may be the name of several files."""
    literal = "".join(part for part in name.parts if isinstance(part, str))
    if scheme(name.text) in WEB:
        return False
    return bool(GLOB.search(literal)) or name.text.endswith("/")
