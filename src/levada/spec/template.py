"""Templates: `{date}`, `{date:%Y/%m/%d}`, `{page}` in names, requests and `equals`.

Filled values are percent-encoded for names and URLs by whoever fills them, so a value can never add a folder.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

__all__ = ["Hole", "Template", "Value", "fill", "parse", "variables"]

Value = str | int | date


@dataclass(frozen=True, slots=True)
class Hole:
    """A place to fill: variable name and optional format (strftime for dates; `%-m` is ours on every platform)."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal text and holes in order; `text` is what the spec says."""

    text: str
    parts: tuple[str | Hole, ...]


def parse(text: str) -> Template:
    """Parse `text`; `{{` and `}}` are literal braces.

    Raises:
        ValueError: a brace is not closed, a name is empty or malformed, a format is unknown. The text says which.
    """
    raise NotImplementedError


def variables(template: Template) -> frozenset[str]:
    """The names of the holes."""
    return frozenset(part.name for part in template.parts if isinstance(part, Hole))


def fill(template: Template, values: Mapping[str, Value], encode: Callable[[str], str] = str) -> str:
    """The text with each hole filled by `encode(value as text)`; literal parts are left as they are.

    Raises:
        KeyError: a variable that `values` lacks.
    """
    raise NotImplementedError
