"""Levada carries records from HTTP APIs and files into a lake and a warehouse without losing a drop.

Importing it is light: the rooms behind these names are imported when a name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from levada.version import __version__

if TYPE_CHECKING:
    from levada.errors import ContractBroken, FixThis, LeaseHeld, LevadaError, TryLater
    from levada.nouns import Run
    from levada.pipeline import Pipeline, load

__all__ = [
    "ContractBroken",
    "FixThis",
    "LeaseHeld",
    "LevadaError",
    "Pipeline",
    "Run",
    "TryLater",
    "__version__",
    "load",
]

_HOMES = {
    "ContractBroken": "levada.errors",
    "FixThis": "levada.errors",
    "LeaseHeld": "levada.errors",
    "LevadaError": "levada.errors",
    "TryLater": "levada.errors",
    "Run": "levada.nouns",
    "Pipeline": "levada.pipeline",
    "load": "levada.pipeline",
}


def __getattr__(name: str) -> Any:
    """The public name, from its room (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'levada' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
