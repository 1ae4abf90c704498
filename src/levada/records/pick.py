"""One value out of a record."""

from typing import Any

import msgspec

from levada.records.raw import tree
from levada.records.select import nodes

__all__ = ["value_at"]


def value_at(record: bytes, path: str) -> Any:
    """The first value in a record, raw as `split` gives it, that a JSONPath matches; None where that is none, or null.

    Numbers that no float can hold come as their text.
    """
    found = nodes(msgspec.Raw(record), path)
    return tree(found[0]) if found else None
