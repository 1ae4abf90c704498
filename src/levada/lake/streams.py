"""Large objects in little memory: read by ranges, written in parts while they come."""

import hashlib
import io
import queue
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

from levada.errors import FixThis
from levada.lake.store import Written

__all__ = ["Ranged", "Upload"]

#: An object of up to so many bytes is copied in one step, which showing it needs (S3 and GCS alike).
_LARGEST = 5 * 1024**3
#: Pieces that wait for the store: few, because each may be as large as a caller's block.
_WAITING = 2
_GATHER = 1024 * 1024
_PULSE = 0.2
#: Seconds for which an upload that is given up is waited for.
_PARTING = 15.0


class Ranged(io.RawIOBase):
    """The bytes of an object, asked for range by range: nothing is lost where a connection is, however slow the reader.

    Args:
        size: Bytes of the object.
        part: Gives the bytes from a start to an end, which is not included.
    """

    def __init__(self, size: int, part: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size = size
        self._part = part
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` as far as there are bytes; how many."""
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0
        data = self._part(self._at, end)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Abandoned(Exception):
    """The writer will not come to its end."""


class Upload:
    """The Writer of an object store: small content is kept and put at once, large content leaves in parts.

    Args:
        send: Puts the pieces that an iterator gives; runs in a thread of its own.
        small: Bytes up to which content is kept.
    """

    def __init__(self, send: Callable[[Iterator[bytes]], None], small: int) -> None:
        self._send = send
        self._small = small
        self._size = 0
        self._hash = hashlib.sha256()
        self._gathered: list[bytes] = []
        self._waiting = 0
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._abandoned = False

    def write(self, data: bytes, /) -> int:
        """Append `data`; raises what the store refused meanwhile."""
        length = len(data)
        self._hash.update(data)
        self._size += length
        self._waiting += length
        if self._size > _LARGEST:
            what = f"a file of a lake on an object store can have {_LARGEST >> 30} GB, and this one has more"
            raise FixThis(what, todo="let the stream have more and smaller files, or keep the lake on a disk")
        self._gathered.append(bytes(data))
        if self._thread is None and self._waiting > self._small:
            self._begin()
        if self._thread is not None and self._waiting >= _GATHER:
            self._hand_on(self.kept())
        return length

    def flush(self) -> None:
        """Do nothing but satisfy libraries that call it."""

    def written(self) -> Written:
        """Size and SHA-256 of all that was written so far."""
        return Written(self._size, self._hash.hexdigest())

    @property
    def in_parts(self) -> bool:
        """Whether parts of it left already."""
        return self._thread is not None

    def kept(self) -> bytes:
        """What did not leave yet, which is then forgotten."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._waiting = 0
        return data

    def finish(self) -> None:
        """Hand on what is left and wait until the store has all of it; raises what it refused."""
        self._hand_on(self.kept())
        self._hand_on(None)
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Let the store forget the parts."""
        self._abandoned = True
        self._gathered.clear()
        if self._thread is not None:
            self._thread.join(_PARTING)

    def _begin(self) -> None:
        target = copy_context().run
        self._thread = threading.Thread(target=target, args=(self._run,), name="levada-upload", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._send(self._iterate())
        except _Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by whoever writes
            self._error = error

    def _iterate(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self._pieces.get(timeout=_PULSE)
            except queue.Empty:
                if self._abandoned:
                    raise _Abandoned from None
                continue
            if self._abandoned:
                raise _Abandoned
            if piece is None:
                return
            yield piece

    def _hand_on(self, piece: bytes | None) -> None:
        while self._thread is not None:
            if self._error is not None:
                raise self._error
            try:
                self._pieces.put(piece, timeout=_PULSE)
            except queue.Full:
                continue
            return
