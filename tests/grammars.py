"""The sections of the spec language, for the tests that hold something to all of them."""

from levada.spec.engine import Again, Free, Section, Value
from levada.spec.grammar import DEFAULTS, SPEC


def sections(kind=SPEC):
    """Every section of the grammar."""
    if isinstance(kind, Section):
        yield kind
        if kind is DEFAULTS:  # the keys of a stream again
            return
        for key in kind.keys:
            yield from sections(key.kind)
    elif not isinstance(kind, Value | Free | Again):
        yield from sections(kind.of)
