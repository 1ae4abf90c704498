"""Kernel file locks (flock): a partition's lease on a disk, and the sign that the writer of a temporary file lives."""

import fcntl
import os
import time
from pathlib import Path

from levada.lake.store import Held

__all__ = ["abandoned", "holder_text", "lock_or_held", "locks"]

#: A `held` elsewhere has the lock for some microseconds, and a new holder needs as many to write who it is: tries, and
#: seconds between them. On a starved machine it may be a second before a holder comes to that.
_PATIENCE, _NAMELESS, _PAUSE = 10, 200, 0.01


def abandoned(path: Path) -> bool:
    """Whether no writer holds the temporary file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # not a file of ours
    try:
        return locks(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def locks(descriptor: int, how: int) -> bool:
    """Whether the lock could be taken, without waiting: `how` is LOCK_SH or LOCK_EX."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_or_held(descriptor: int) -> None:
    """Take the lock alone; raises Held with what its holder wrote."""
    for tried in range(_NAMELESS):
        if locks(descriptor, fcntl.LOCK_EX):
            return
        if tried >= _PATIENCE and (text := os.pread(descriptor, 4096, 0)):
            raise Held(text)
        time.sleep(_PAUSE)
    raise Held(b"")


def holder_text(descriptor: int) -> bytes:
    """What the holder of the lock wrote, perhaps nothing yet."""
    for _ in range(_NAMELESS):
        if text := os.pread(descriptor, 4096, 0):
            return text
        time.sleep(_PAUSE)
    return b""
