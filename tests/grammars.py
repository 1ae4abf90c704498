"""The sections of the spec language, for the tests that hold something to all of them."""

from levada.spec.engine import Section, Value
from levada.spec.grammar import SPEC


def sections(kind=SPEC):
    """Every section of the grammar."""
    if isinstance(kind, Section):
        yield kind
        for key in kind.keys:
            yield from sections(key.kind)
    elif not isinstance(kind, Value):
        yield from sections(kind.of)
