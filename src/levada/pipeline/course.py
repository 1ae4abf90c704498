"""A spec at work, whatever is done with it: what it says, its lake, the edges."""

from dataclasses import dataclass

from levada.edges import Edges
from levada.lake.store import Store
from levada.spec.model import Spec

__all__ = ["Course"]


@dataclass(frozen=True, slots=True)
class Course:
    """What is the same for all partitions and all rounds of a pipeline."""

    spec: Spec
    store: Store
    edges: Edges
