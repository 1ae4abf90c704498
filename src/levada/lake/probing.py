"""Whether an object store honours conditional puts: without them two runs of one partition could both commit.

Some servers that speak S3 take a conditional put for a plain one, and say nothing. So the first process to lock
anything asks: six small requests.
"""

import contextlib
import secrets
from datetime import UTC, datetime

from levada.errors import FixThis
from levada.lake.fault import Fault
from levada.lake.listing import TEMPORARY
from levada.lake.objects import Objects

__all__ = ["probe"]

_MEDIA = "text/plain"
_TODO = "use a store with conditional puts (docs/stores.md has some), or keep the lake on a disk"


def probe(objects: Objects) -> datetime:
    """What time it is by the store's clock; nothing stays behind.

    Raises:
        FixThis: the store ignores conditions, or refuses those that hold; the text says which.
        Fault: another one.
    """
    key = f"{TEMPORARY}/probe-{secrets.token_hex(8)}"
    try:
        tag = objects.put(key, key.encode(), _MEDIA, None)
        seen = objects.head(key)
        time = seen.changed if seen else datetime.now(UTC)
        _refuse_ignoring(objects, key, tag)
        _refuse_refusing(objects, key, tag)
    finally:
        with contextlib.suppress(Fault):
            objects.delete(key)
    return time


def _refuse_ignoring(objects: Objects, key: str, tag: str) -> None:
    for header, expected in (("If-None-Match", None), ("If-Match", _other(tag))):
        try:
            objects.put(key, b"second", _MEDIA, expected)
        except Fault as fault:
            if fault.kind in {"exists", "changed", "missing"}:
                continue
            raise
        raise FixThis(
            f"the object store ignores conditional puts ({header}): it wrote over a key that it should have kept, and "
            "two runs of one partition could both commit",
            where=str(objects.place),
            todo=_TODO,
        )


def _refuse_refusing(objects: Objects, key: str, tag: str) -> None:
    try:
        objects.put(key, b"third", _MEDIA, tag)
    except Fault as fault:
        if fault.kind not in {"changed", "missing"}:
            raise
        raise FixThis(
            f"the object store refuses a conditional put (If-Match) whose condition holds ({fault.text})",
            where=str(objects.place),
            todo=_TODO,
        ) from None


def _other(tag: str) -> str:
    """A tag that the object does not have: its own with the digits in another order, as the store would write it."""
    return tag.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
