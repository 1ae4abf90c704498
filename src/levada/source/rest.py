"""How a file that broke off goes on: which bytes are asked for, on what condition, and whether just those come. Pure.

RFC 9110: 8.8 (validators), 13.1.5 (If-Range), 14 (ranges).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["asking", "follows", "validator"]

#: Below this age a date of seconds may name two contents.
_SETTLED = timedelta(seconds=60)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def validator(headers: Mapping[str, str]) -> str | None:
    """What names the very bytes of an answer: its strong ETag, else its Last-Modified if that was settled.

    None where nothing does, where the server gives no parts, or where the bytes were coded on their way.
    """
    if "bytes" not in headers.get("accept-ranges", "") or headers.get("content-encoding", "identity") != "identity":
        return None
    if tag := headers.get("etag"):
        return tag if tag.startswith('"') else None
    modified, sent = _moment(headers.get("last-modified")), _moment(headers.get("date"))
    return headers["last-modified"] if modified and sent and sent - modified >= _SETTLED else None


def asking(size: int, valid: str) -> tuple[tuple[str, str], ...]:
    """The headers that ask for all but the first `size` bytes, if the file is still the one that `valid` names."""
    return (("Range", f"bytes={size}-"), ("If-Range", valid))


def follows(size: int, before: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether the body of a 206 is all that lacks after `size` bytes of the answer that had the headers `before`.

    It has to bring back the validator that was sent: servers and caches are about that do not look at If-Range.
    """
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if found is None:
        return False
    first, last, total = map(int, found.groups())
    whole = first == size and last + 1 == total and before.get("content-length", str(total)) == str(total)
    return whole and _same(before, headers)


def _same(before: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    valid = validator(before)
    named = valid is not None and headers.get("etag" if before.get("etag") else "last-modified") == valid
    return named and all(
        headers.get(name, before.get(name)) == before.get(name) for name in ("etag", "content-encoding")
    )


def _moment(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
