"""What a YAML parser's complaint means to a person: what is wrong, and what to write. Pure."""

import re

from levada.nouns import Place
from levada.spec.tree import Mistake

__all__ = ["blame", "masked", "quoted", "unprintable"]

#: A plain value that holds a template: begins after `: `, `- `, `, ` or `[`, and holds `{...}` without a `: ` inside.
_BRACED = re.compile(
    r"""(?P<before>[:\-,]\s+|\[\s*)(?P<value>(?:(?:[^\s"'\[\]{},:#]|:(?!\s))(?:[^"'\[\]{},:]|:(?!\s))*?)?"""
    r"""(?:\{(?:[^{}\s,"']|\$\{[^{}]*\})+\}(?:[^"'\[\]{},:]|:(?!\s))*)+)"""
)
_SECRET = re.compile(
    r"""(?i)(\b\w*(?:key|token|secret|passw)\w*["']?\s*:\s*)(?!["']?\$\{)("[^"]*"?|'[^']*'?|\{[^}]*\}?|[^\s,}]+)"""
)
_USERINFO = re.compile(r"//[^/\s@]*@")
#: What YAML calls printable (1.2.2, section 5.1); the rest is refused by every parser in its own words.
_UNPRINTABLE = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]|\\ufeff")

#: A part of the parser's complaint, what it means, what to do. Both of PyYAML's parsers are covered; first match wins.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a second `: ` in one value, or wrong indentation",
        "put quotes around the value, or mend the indentation",
    ),
    ("end of stream|unexpected end|document separator", "a quote or bracket is opened and never closed", "close it"),
    ("',' or '}'", "a mapping in braces is not closed, or lacks a comma", "write {key: value, key: value}"),
    ("',' or '\\]'", "a list in brackets is not closed, or lacks a comma", "write [one, two]"),
    ("expected ':'", "a key without `: `", "write key: value"),
    ("escape character", "a backslash in double quotes begins no escape of YAML", "use single quotes, or \\\\"),
    (
        "scanning an? (alias|anchor)",
        "* and & are anchors to YAML, which specs do not have",
        "put quotes around the value",
    ),
    ("tag", "! is a tag to YAML, which specs do not have", "put quotes around the value"),
    ("block scalar|chomping", "a | or > must end its line", "begin the text on the next line, indented"),
    (
        "expected key|<block end>|'-' indicator",
        "the indentation or the quotes of this line are wrong",
        "indent the keys of one section alike; close quotes at the end of the value",
    ),
    ("nesting|depth", "brackets are nested too deeply", "write it flatter"),
)


def blame(complaint: str, place: Place, line: str) -> Mistake:
    """The mistake behind a parser's complaint about `line`."""
    char = line[place.column - 1 : place.column]
    if "cannot start any token" in complaint:
        if char == "\t":
            return Mistake(place, "a tab, where YAML wants blanks", "indent with blanks")
        return Mistake(place, f"a value must not begin with {char}", "put quotes around it")
    for pattern, what, todo in _MEANINGS:
        if re.search(pattern, complaint):
            return Mistake(place, f"not YAML: {what}", todo)
    return Mistake(place, "not YAML: this line cannot be read", "compare it with the examples in docs/spec.md")


def quoted(line: str) -> str:
    """`line` with quotes around plain values that hold a template such as `raw/{date}.json`."""

    def mend(found: re.Match[str]) -> str:
        value = found["value"].rstrip()
        return f'{found["before"]}"{value}"{found["value"][len(value) :]}'

    return _BRACED.sub(mend, line)


def masked(line: str) -> str:
    """`line` without what may be a secret: to show it in a message."""
    return _USERINFO.sub("//[secret]@", _SECRET.sub(r"\1[secret]", line)).strip()


def unprintable(text: str) -> tuple[int, int, str] | None:
    """Line, column and code point of the first character that YAML does not take, or None."""
    found = _UNPRINTABLE.search(text)
    if not found:
        return None
    before = text[: found.start()]
    line = before.count("\n") + 1
    return line, found.start() - (before.rfind("\n") + 1) + 1, f"U+{ord(found.group()):04X}"
