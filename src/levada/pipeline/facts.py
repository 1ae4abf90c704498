"""The facts of pages that are files, as far as they are those of every file."""

from datetime import datetime

from levada.lake.store import Written
from levada.nouns import PageFacts

__all__ = ["facts_of"]


def facts_of(number: int, url: str, found: Written, at: datetime) -> PageFacts:
    """The facts of a page that nobody was asked for: status, headers, rows and what names are filled with may be more.

    Args:
        number: Its place among the files, from 1.
        url: Where the file is.
        found: Its size and SHA-256.
        at: When it was read or last changed (aware).
    """
    return PageFacts(
        number=number,
        position=number,
        means="page",
        url=url,
        status=0,
        headers={},
        rows=0,
        size=found.size,
        sha256=found.sha256,
        at=at,
        fills={"page": number},
    )
