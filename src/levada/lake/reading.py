"""Raw files read back: what comes is what was written, by its SHA-256, or an error is told.

A file may be larger than memory. Read once from its beginning, it is proven when its end is reached; where any part of
it may be looked at, each block is proven before it is given.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from levada.errors import ContractBroken, TryLater
from levada.lake.store import Conflict, Missing, Store
from levada.lake.streams import Ranged
from levada.nouns import LakeFile

__all__ = ["open_file", "open_parts", "read_bytes", "read_file"]

_BLOCK = 1024 * 1024


def read_bytes(store: Store, key: str, sha256: str) -> bytes:
    """All bytes of a key, whose SHA-256 is known; raises Missing.

    Raises:
        TryLater: other bytes came back than were written.
    """
    data = store.read(key)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _damaged(store, key)
    return data


def read_file(store: Store, file: LakeFile) -> bytes:
    """The kept bytes of a file; raises as `read_bytes` does."""
    return read_bytes(store, file.key, file.sha256)


@contextmanager
def open_file(store: Store, file: LakeFile) -> Iterator[BinaryIO]:
    """The kept bytes of a file as a stream, to be read from its beginning; raises Missing.

    Nothing of it may count before the block is left: only then is it proven, and what was not read is read for that. An
    error that its reader tells may come from other bytes, too: then that is told instead.

    Raises:
        TryLater: other bytes came back than were written.
    """
    with store.open(file.key) as stream:
        hashed = _Hashed(_Bytes(store, file, stream))
        try:
            yield io.BufferedReader(hashed, _BLOCK)
        except ContractBroken:
            hashed.prove()
            raise
        hashed.prove()


@contextmanager
def open_parts(store: Store, file: LakeFile) -> Iterator[BinaryIO]:
    """The same to be read in any order, and no further than wanted. All of it is read once before; raises Missing.

    Raises:
        TryLater: other bytes came back than were written.
    """
    with store.open(file.key) as stream:
        blocks = _Blocks(_Bytes(store, file, stream))
        yield io.BufferedReader(Ranged(file.size, blocks.part), _BLOCK)


class _Bytes:
    """The bytes of a file as the store gives them."""

    def __init__(self, store: Store, file: LakeFile, stream: BinaryIO) -> None:
        self._store, self._file, self._stream = store, file, stream

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (Conflict, Missing):
            raise self.damaged() from None

    def seek(self, place: int) -> None:
        self._stream.seek(place)

    def damaged(self) -> TryLater:
        return _damaged(self._store, self._file.key)

    def prove(self, sha256: str) -> None:
        if sha256 != self._file.sha256:
            raise self.damaged()


class _Hashed(io.RawIOBase):
    """A stream that hashes what is read of it."""

    def __init__(self, source: _Bytes) -> None:
        super().__init__()
        self._source = source
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # the base takes more kinds of buffers
        data = self._source.read(len(buffer))
        self._hash.update(data)
        buffer[: len(data)] = data
        return len(data)

    def prove(self) -> None:
        """Read what was not read yet, and do nothing if all of it is what was written."""
        while data := self._source.read(_BLOCK):
            self._hash.update(data)
        self._source.prove(self._hash.hexdigest())


class _Blocks:
    """A file block by block, each as it was when all of them were proven."""

    def __init__(self, source: _Bytes) -> None:
        self._source = source
        whole = hashlib.sha256()
        self._digests: list[bytes] = []
        while data := source.read(_BLOCK):
            whole.update(data)
            self._digests.append(hashlib.sha256(data).digest())
        source.prove(whole.hexdigest())

    def part(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, which is not included."""
        first = start // _BLOCK
        self._source.seek(first * _BLOCK)
        blocks = []
        for digest in self._digests[first : -(-end // _BLOCK)]:
            blocks.append(self._source.read(_BLOCK))
            if hashlib.sha256(blocks[-1]).digest() != digest:
                raise self._source.damaged()
        return b"".join(blocks)[start - first * _BLOCK : end - first * _BLOCK]


def _damaged(store: Store, key: str) -> TryLater:
    return TryLater(
        f"{key}: what was read is not what was written (its SHA-256 is another).",
        where=f"{store.describe()}/{key}",
        todo="run again; if it happens twice, the file is damaged: fetch the partition again with `levada run`",
    )
