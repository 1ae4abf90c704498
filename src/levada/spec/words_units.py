"""Amounts as people write them: 90s, 1h, 256MB, 1 %. Pure."""

from collections.abc import Iterable

__all__ = ["listed", "share", "size", "span"]

_UNITS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0))


def span(seconds: float) -> str:
    """`90` as 90s, `3600` as 1h: the largest unit that gives a whole number."""
    for unit, length in _UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def size(count: int) -> str:
    """Bytes in the largest unit that gives a whole number."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}B"


def share(amount: float) -> str:
    """A count as it is, a share below 1 as a percentage."""
    return f"{amount * 100:g} %" if 0 < amount < 1 else f"{amount:g}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *head, tail = names
    return f"{', '.join(head)} {last} {tail}" if head else tail
