"""Parameters in SQL, `$name`: found outside of quoted names, texts and comments, and written as a database wants them.

A value never becomes a part of the SQL. Texts are known as PostgreSQL writes them (18, 4.1 Lexical Structure): '...',
E'...', $$...$$ and $tag$...$tag$. DuckDB reads them alike. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["named", "numbered", "words"]

_NO_TYPES: Mapping[str, str] = {}
_PIECE = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?P<quoted>(?:[^"]|"")*)"
    | --[^\n]*
    | (?P<comment>/\*)
    | \$\$.*?\$\$
    | \$(?P<tag>[^\W\d]\w*)\$.*?\$(?P=tag)\$
    | \$(?P<name>\w+)
    | (?P<word>[^\W\d][\w$]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = re.compile(r"/\*|\*/")


def _pieces(sql: str) -> Iterator[re.Match[str]]:
    """What is no text and no comment, and where it stands."""
    at = 0
    while found := _PIECE.search(sql, at):
        at = _after_comment(sql, found.end()) if found["comment"] else found.end()
        yield found


def _after_comment(sql: str, at: int) -> int:
    """Where a comment ends that has begun; comments stand in comments."""
    depth = 1
    for mark in _ENDS.finditer(sql, at):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(sql)


def named(sql: str) -> tuple[str, ...]:
    """The names of the parameters, each once, in the order in which they come."""
    return tuple(dict.fromkeys(found["name"] for found in _pieces(sql) if found["name"]))


def numbered(sql: str, names: Sequence[str], types: Mapping[str, str] = _NO_TYPES) -> str:
    """`sql` with $1, $2... for the parameters, by their places in `names`; all of them are among these.

    Args:
        sql: One statement.
        names: Of its parameters.
        types: What the values of some are to be cast to.
    """
    parts, at = list[str](), 0
    for found in _pieces(sql):
        if name := found["name"]:
            number = f"${names.index(name) + 1}"
            parts += [sql[at : found.start()], f"({number}::{types[name]})" if name in types else number]
            at = found.end()
    return "".join([*parts, sql[at:]])


def words(sql: str) -> frozenset[str]:
    """The names that stand in it and the words of the language, in lower case."""
    told = (found["word"] or (found["quoted"] or "").replace('""', '"') for found in _pieces(sql))
    return frozenset(word.lower() for word in told if word)
