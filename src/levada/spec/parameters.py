"""Parameters in SQL, `$name`: found outside of quoted names, texts and comments, and written as a database wants them.

A value never becomes a part of the SQL. Texts are known as PostgreSQL writes them (18, 4.1 Lexical Structure): '...',
E'...', $$...$$ and $tag$...$tag$. DuckDB reads them alike. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["OF_PARTITION", "bare", "heads", "named", "numbered", "words"]

#: What a partition has and the pipeline has not.
OF_PARTITION = frozenset({"partition", "date", "start", "end", "tick"})
_NO_TYPES: Mapping[str, str] = {}
_PIECE = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?P<quoted>(?:[^"]|"")*)"
    | --[^\n\r]*
    | (?P<comment>/\*)
    | \$\$.*?\$\$
    | \$(?P<tag>[^\W\d]\w*)\$.*?\$(?P=tag)\$
    | \$(?P<name>\w+)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = re.compile(r"/\*|\*/")


def _pieces(sql: str) -> Iterator[re.Match[str]]:
    """What is no text and no comment, and where it stands."""
    return (found for found, _ in _spans(sql))


def _spans(sql: str) -> Iterator[tuple[re.Match[str], int]]:
    """The pieces of which a name could be one, and where each ends."""
    at = 0
    while found := _PIECE.search(sql, at):
        at = _after_comment(sql, found.end()) if found["comment"] else found.end()
        yield found, at


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


def heads(sql: str) -> tuple[str, ...]:
    """The first word of each statement, in upper case: what kind it is."""
    found, begins = list[str](), True
    for piece in _pieces(sql):
        if piece["word"] and begins:
            found.append(piece["word"].upper())
        begins = bool(piece["end"]) or (begins and not piece["word"])
    return tuple(found)


def bare(sql: str) -> str:
    """`sql` without the comments and the `;` at its end."""
    kept = at = 0
    for found, end in _spans(sql):
        kept = found.start() if sql[at : found.start()].strip() else kept
        at = end
        if not (found["end"] or found["comment"] or found.group().startswith("--")):
            kept = end
    return sql if sql[at:].strip() else sql[:kept]
