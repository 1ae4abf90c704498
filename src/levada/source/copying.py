"""The bytes of a file, from disk, store or web -> into a writer, in pieces. A file that changes meanwhile is refused.

Decides nothing of what is in the file; whoever takes the pieces may look at them, and may stop the copying.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from levada.errors import TryLater
from levada.source.files import Found

__all__ = ["Opener", "Sink", "copy"]

#: Bytes read at once: larger pieces are no faster.
PIECE = 1024 * 1024


class Sink(Protocol):
    """Takes bytes in order."""

    def write(self, data: bytes, /) -> int:
        """Append `data`."""
        ...


#: Begins anew with an empty sink, whose bytes count only once it is left without an error.
Opener = Callable[[], AbstractContextManager[Sink]]


def copy(file: Found, opener: Opener) -> Mapping[str, str]:
    """Write all bytes of a file of a disk or a store; returns headers worth keeping.

    Raises:
        FixThis: it cannot be read.
        TryLater: it changed while it was read.
    """
    assert file.open  # noqa: S101 - what the web sends is downloaded
    with opener() as out, file.open() as stream:
        if file.kind == "disk":
            _refuse_changed(file, stream)
        while piece := stream.read(PIECE):
            out.write(piece)
        if file.kind == "disk":
            _refuse_changed(file, stream)
    return {"last-modified": file.changed.isoformat()} if file.changed else {}


def _refuse_changed(file: Found, stream: BinaryIO) -> None:
    seen = os.fstat(stream.fileno())
    if f"{seen.st_size}-{seen.st_mtime_ns}-{seen.st_ino}" != file.tag:
        raise TryLater(
            f"{file} changed while it was read: somebody is still writing it.",
            where=str(file),
            todo="run again when it is whole; whoever writes it may write beside and rename",
        )
