"""What a YAML parser's complaint means to a person: what is wrong, and what to write. Pure."""

import re
from dataclasses import dataclass, replace

from levada.nouns import Place
from levada.spec.tree import Mistake

__all__ = ["Complaint", "blame", "bracketed", "masked", "quoted", "unprintable"]

#: A plain value that holds a template: begins after `: `, `- `, `, ` or `[`, and holds `{...}` without a `: ` inside.
_BRACED = re.compile(
    r"""(?P<before>[:\-,]\s+|\[\s*)(?P<value>(?:(?:[^\s"'\[\]{},:#]|:(?!\s))(?:[^"'\[\]{},:]|:(?!\s))*?)?"""
    r"""(?:\{(?:[^{}\s,"']|\$\{[^{}]*\})+\}(?:[^"'\[\]{},:]|:(?!\s))*)+)"""
)
#: A plain value or key with brackets in it, which inside braces are no text: `$.data[*]`, `created[gte]`.
_BRACKETED = re.compile(
    r"""(?P<before>(?:[{,\[]|[:\-]\s)\s*)(?P<value>[$A-Za-z_][^\s"'\[\]{},:]*"""
    r"""(?:\[(?:'[^']*'|"[^"]*"|[^\[\]"']|\[[^\[\]]*\])*\][^\s"'\[\]{},:]*)+)"""
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
    (
        "end of stream|unexpected end|document separator",
        "a quote or bracket is opened here and never closed",
        "close it",
    ),
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


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a parser said: its words, where, and where what it was reading began."""

    text: str
    place: Place
    began: Place
    #: The line of `place`, and the last one before it that is not blank.
    line: str
    before: str


def blame(said: Complaint) -> Mistake:
    """The mistake behind a parser's complaint."""
    return _at_line(said) or _at_start(said) or _at_char(said) or _by_words(said)


def _at_line(said: Complaint) -> Mistake | None:
    """What the beginning of the line tells: tabs, indentation."""
    indent = said.line[: len(said.line) - len(said.line.lstrip())]
    if "\t" in indent:
        place = replace(said.place, column=indent.index("\t") + 1)
        return Mistake(place, "a tab, where YAML wants blanks", "indent with blanks")
    first = re.fullmatch(r"\s*[\w.-]+", said.line[: said.place.column - 1])
    if "mapping values are not allowed" not in said.text or not first:
        return None  # nothing, or a second colon in this line
    above = said.before.strip()
    if re.fullmatch(r"[\w-]+", above):
        return Mistake(said.place, f"not YAML: {above} in the line above lacks its colon", f"write {above}:")
    if len(indent) > len(said.before) - len(said.before.lstrip()) and re.match(r"[\w-]+:\s", above):
        what = "not YAML: this line is indented below a key that has its value already"
        return Mistake(replace(said.place, column=len(indent) + 1), what, "indent it as the line above")
    return None


def _at_start(said: Complaint) -> Mistake | None:
    """What was opened in an earlier line and not closed."""
    if said.began.line == said.place.line:
        return None
    if re.search("flow mapping", said.text):
        return Mistake(
            said.began, "not YAML: a { is opened here and not closed, or a comma is missing", "close it with }"
        )
    if re.search("flow sequence", said.text):
        return Mistake(
            said.began, "not YAML: a [ is opened here and not closed, or a comma is missing", "close it with ]"
        )
    if re.search("quoted scalar", said.text):
        return Mistake(said.began, "not YAML: a quote is opened here and never closed", "close it")
    return None


def _at_char(said: Complaint) -> Mistake | None:
    """What the character tells at which the parser stopped."""
    at = said.place.column - 1
    char = said.line[at : at + 1]
    if "cannot start any token" in said.text:
        return Mistake(said.place, f"a value must not begin with {char}", "put quotes around it")
    if "block mapping" in said.text and said.line[at : at + 2] == "- ":
        return Mistake(said.place, "not YAML: an item of a list, where a key belongs", "take the `- ` away")
    if "block mapping" in said.text and char in ("}", "]"):
        return Mistake(said.place, f"not YAML: a {char} that closes nothing", "take it away")
    return _in_flow(said, char, said.line[:at][-1:]) if re.search(r"',' or '[}\]]'", said.text) else None


def _in_flow(said: Complaint, char: str, last: str) -> Mistake | None:
    """What the character, and the one before it, tell inside braces or brackets."""
    if char == ":":
        todo = "write a comma before the key, or put quotes around the value"
        return Mistake(said.place, "not YAML: a second `: ` in one value, or a comma is missing", todo)
    if char in ("{", "["):
        return Mistake(
            said.place, f"not YAML: a {char} inside a value that has no quotes", "put quotes around the value"
        )
    if last in ("'", '"'):
        todo = "write a quote inside of it twice, or use the other kind around it"
        return Mistake(said.place, f"not YAML: the text ends at the {last} before this", todo)
    return None


def _by_words(said: Complaint) -> Mistake:
    for pattern, what, todo in _MEANINGS:
        if re.search(pattern, said.text):
            return Mistake(said.place, f"not YAML: {what}", todo)
    return Mistake(said.place, "not YAML: this line cannot be read", "compare it with the examples in docs/spec.md")


def bracketed(line: str) -> str:
    """`line` with quotes around plain values and keys with brackets in them, such as `$.data[*]`."""

    def mend(found: re.Match[str]) -> str:
        mark = "'" if '"' in found["value"] else '"'
        return f"{found['before']}{mark}{found['value']}{mark}"

    return _BRACKETED.sub(mend, line)


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
