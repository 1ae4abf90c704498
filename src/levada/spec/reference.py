"""The tables of docs/spec.md, made from the grammar: `python -m levada.spec.reference docs/spec.md`.

In the page each table stands between `<!-- keys: NOUN -->` and `<!-- end -->`; what is around it is written by hand.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from levada.spec.engine import Again, Free, Key, Kind, Section, Value
from levada.spec.grammar import DEFAULTS, SPEC

__all__ = ["page", "sections"]

_BLOCK = re.compile(r"(?P<head><!-- keys: (?P<noun>[^>]+) -->\n).*?(?P<tail><!-- end -->)", re.DOTALL)
#: What holds where a key is left out, as words; other defaults are values.
_WORDS = {"none", "any", "all"}


def sections(kind: Kind = SPEC) -> Iterator[Section]:
    """Every section of the grammar, in the order in which a spec has them; some stand in several places."""
    match kind:
        case Section():
            yield kind
            for key in kind.keys if kind is not DEFAULTS else ():
                yield from sections(key.kind)
        case Value() | Free() | Again():
            return
        case _:
            yield from sections(kind.of)


def page(text: str) -> str:
    """`text`, each of its tables written anew.

    Raises:
        KeyError: a table of a section that there is not.
    """
    known = {section.noun: section for section in sections()}
    return _BLOCK.sub(lambda found: f"{found['head']}{_table(known[found['noun']])}{found['tail']}", text)


def _table(section: Section) -> str:
    lines = [f"{section.doc}", ""]
    if section is not DEFAULTS:
        lines += ["| key | meaning | left out | example |", "| --- | --- | --- | --- |", *map(_row, section.keys), ""]
        if section.later:
            lines += [f"Not built yet: {', '.join(f'`{name}`' for name in section.later)}.", ""]
    return "\n".join(lines)


def _row(key: Key) -> str:
    left_out = "a mistake" if key.required else _default(key.default)
    cells = (f"`{key.name}`", key.doc, left_out, f"`{key.example}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(text: str) -> str:
    return text if text in _WORDS or " " in text or "`" in text else f"`{text}`"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text(encoding="utf-8")), encoding="utf-8")
