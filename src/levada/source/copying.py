"""The bytes of a file of a disk or a store -> into a writer, in pieces. A file that changes meanwhile is refused.

Decides nothing of what is in the file; whoever takes the pieces may look at them, and may stop the copying.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from levada.errors import TryLater
from levada.lake.store import Conflict, Missing
from levada.source.files import Found

__all__ = ["Opener", "Sink", "copy"]

#: Bytes read at once: larger pieces are no faster.
PIECE = 1024 * 1024


class Sink(Protocol):
    """Takes bytes in order."""

    def begin(self, headers: Mapping[str, str], /) -> None:
        """Take the headers worth keeping that come with the bytes: they come first."""
        ...

    def write(self, data: bytes, /) -> int:
        """Append `data`."""
        ...


#: Begins anew with an empty sink, whose bytes count only once it is left without an error.
Opener = Callable[[], AbstractContextManager[Sink]]


def copy(file: Found, opener: Opener) -> None:
    """Write all bytes of a file of a disk or a store.

    Raises:
        FixThis: it cannot be read.
        TryLater: it changed or went away while it was read; what was read of it is none of the sink's then.
    """
    assert file.open  # noqa: S101 - what the web sends is downloaded
    with opener() as out, file.open() as stream:
        out.begin({"last-modified": file.changed.isoformat()} if file.changed else {})
        for piece in _pieces(file, stream):
            out.write(piece)


def _pieces(file: Found, stream: BinaryIO) -> Iterator[bytes]:
    try:
        while piece := stream.read(PIECE):
            yield piece
        # After the last piece: what is the same then has been the same all the time.
        same = file.unchanged is None or file.unchanged(stream)
    except (Conflict, Missing):
        same = False
    except OSError as error:
        what = f"{file} cannot be read to its end: {error.strerror or type(error).__name__}."
        raise TryLater(what, where=str(file), todo="see whether its disk is well and still there; run again") from None
    if not same:
        raise TryLater(
            f"{file} changed while it was read: somebody is still writing it.",
            where=str(file),
            todo="run again when it is whole; whoever writes it may write beside and rename",
        )
