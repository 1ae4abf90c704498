"""The key that a simulator takes."""

from collections.abc import Mapping, Sequence

__all__ = ["key_in"]


def key_in(environment: Mapping[str, str], names: Sequence[str], default: str) -> tuple[str, str]:
    """The key that counts and where it comes from: the first of these variables that is set, or else the default."""
    for name in names:
        value = environment.get(name, "").strip()
        if value:
            return value, name
    return default, f"the default, {default}"
