"""Where rounds are remembered, in words. Pure."""

from levada.spec.telling import History
from levada.spec.words_units import span

__all__ = ["remembered"]


def remembered(history: History) -> str:
    """Where they are, and for how long."""
    if history.off:
        return "none"
    place = "SQLite, in the lake if that is on a disk, else nowhere"
    if history.postgres:
        place = f"PostgreSQL, at {' or '.join(history.postgres.names)}"
    elif history.file:
        place = f"SQLite, {history.file}"
    return f"{place}; rounds are kept for {span(history.keep)}" if history.keep else f"{place}; all rounds are kept"
