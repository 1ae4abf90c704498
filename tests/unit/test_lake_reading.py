"""Raw files that are read back: whatever comes instead of what was written is told, however they are read."""

import hashlib
import io
import zipfile

import pytest

from levada.errors import ContractBroken, TryLater
from levada.lake.memory import MemoryStore
from levada.lake.reading import open_file, open_parts, read_bytes, read_file
from levada.nouns import LakeFile

KEY = "_levada/p/s/2022-08-09/runs/r/pages/1.body"
#: Three blocks and a bit.
BODY = bytes(number % 251 for number in range(3 * 1024 * 1024 + 7))


class Flipping(MemoryStore):
    """Gives another byte at a place, from the n-th time on that it is read."""

    def __init__(self, place: int | None, times: int = 1) -> None:
        super().__init__()
        self.create(KEY, BODY)
        self.place, self.left = place, times

    def _flip(self, data: bytes, first: int) -> bytes:
        if self.place is None or not first <= self.place < first + len(data):
            return data
        self.left -= 1
        at = self.place - first
        return data if self.left > 0 else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    def read(self, key):
        return self._flip(super().read(key), 0)

    def open(self, key):
        flip = self._flip

        class Stream(io.BytesIO):
            def read(self, size=-1, /):
                at = self.tell()
                return flip(super().read(size), at)

        return Stream(super().read(key))


FILE = LakeFile("page", KEY, None, len(BODY), hashlib.sha256(BODY).hexdigest(), 1)
DAMAGED = "what was read is not what was written"


def whole(store):
    with open_file(store, FILE) as stream:
        return stream.read()


def some(store):
    with open_file(store, FILE) as stream:
        return stream.read(10)


def parts(store):
    with open_parts(store, FILE) as stream:
        stream.seek(-20, io.SEEK_END)
        end = stream.read()
        stream.seek(1024 * 1024 - 5)
        return stream.read(1024 * 1024 + 10) + end


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda store: read_bytes(store, KEY, FILE.sha256), BODY),
        (lambda store: read_file(store, FILE), BODY),
        (whole, BODY),
        (some, BODY[:10]),
        (parts, BODY[1024 * 1024 - 5 : 2 * 1024 * 1024 + 5] + BODY[-20:]),
    ],
)
def test_what_was_written_comes_and_nothing_else(read, said):
    assert read(Flipping(None)) == said
    for place in (0, len(BODY) // 2, len(BODY) - 1):
        with pytest.raises(TryLater, match=DAMAGED) as caught:
            read(Flipping(place))
        assert caught.value.where.endswith(KEY)
        assert "fetch the partition again with `levada run`" in caught.value.todo


def test_parts_are_proven_again_when_they_are_read():
    with pytest.raises(TryLater, match=DAMAGED):
        parts(Flipping(1024 * 1024, times=2))


def test_a_file_that_is_longer_or_shorter_is_told():
    for body in (BODY[:-1], BODY + b"x", b""):
        store = MemoryStore()
        store.create(KEY, body)
        for read in (whole, some, parts):
            with pytest.raises(TryLater, match=DAMAGED):
                read(store)


def read_and_refuse(store):
    with open_file(store, FILE) as stream:
        stream.read(1)
        raise ContractBroken("no CSV")


def test_what_a_reader_finds_wrong_is_told_only_of_the_right_bytes():
    with pytest.raises(ContractBroken, match="no CSV"):
        read_and_refuse(Flipping(None))
    with pytest.raises(TryLater, match=DAMAGED):
        read_and_refuse(Flipping(len(BODY) - 1))


def test_a_zip_is_read_from_its_end():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x.bin", BODY)
    store, file = MemoryStore(), packed.getvalue()
    store.create(KEY, file)
    lake_file = LakeFile("page", KEY, None, len(file), hashlib.sha256(file).hexdigest(), 1)
    with open_parts(store, lake_file) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.read("x.bin") == BODY
