"""The parts that a partition is asked for in: all at once, its windows, or the rows of other streams."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from levada.spec.template import Value

__all__ = ["Slice"]


@dataclass(frozen=True, slots=True)
class Slice:
    """One sequence of pages."""

    #: Its place in the order of the partition, from 0.
    index: int = 0
    #: What it adds to the values of templates: `start` and `end` of a window, `row` and `row.id` of a row.
    values: Mapping[str, Value] = field(default_factory=dict)
    #: The same in a form that JSON carries: goes into `PageFacts.fills`.
    fills: Mapping[str, Any] = field(default_factory=dict)
    #: What people call it: "row 3 (id=7)"; "" for all at once.
    label: str = ""
    #: Whether it is a row: `{page}` counts from 1 in it.
    of_row: bool = False
    #: Whether it becomes a gap when it fails for good.
    may_fail: bool = False
