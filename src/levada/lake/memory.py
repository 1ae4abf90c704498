"""The store in memory: the fake that ships, for tests of pipelines and dry runs. Nothing outlives the process.

It keeps every promise of the Store protocol within one process, threads included; it does not know of folders, rights
or full disks. The same conformance tests run on it and on the disk.
"""

import hashlib
import io
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from levada.lake.refusal import refuse_subfolder
from levada.lake.store import Conflict, Entry, Exists, Held, Missing, Writer, Written, checked_folder, checked_key

__all__ = ["MemoryStore"]


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    changed: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """Bytes by key in a dict.

    Args:
        now: The clock that entries are stamped with.
    """

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._holders: dict[str, bytes] = {}
        self._guard = threading.Lock()

    #: A call costs less than a thread.
    abreast = 1

    def describe(self) -> str:
        """Says that it is memory."""
        return "memory"

    def read(self, key: str) -> bytes:
        """All bytes of `key`; raises Missing."""
        with self._guard:
            try:
                return self._kept[checked_key(key)].data
            except KeyError:
                raise Missing(key) from None

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes of `key`; raises Missing."""
        return io.BytesIO(self.read(key))

    def head(self, key: str) -> Entry | None:
        """The entry of `key`, None where there is none."""
        with self._guard:
            kept = self._kept.get(checked_key(key))
        return _entry(key, kept) if kept else None

    def list(self, prefix: str) -> Iterator[Entry]:
        """Entries of all keys below the folder `prefix`, sorted by key; "" is the whole store."""
        start = f"{checked_key(prefix)}/" if prefix else ""
        with self._guard:
            found = sorted(self._kept.items())
        return (_entry(key, kept) for key, kept in found if key.startswith(start))

    @contextmanager
    def writer(self, key: str, media: str = "") -> Iterator[Writer]:  # noqa: ARG002 - memory keeps none
        """Create `key` from a stream: whole under its name after a clean exit, not there at all otherwise."""
        checked_key(key)
        writer = _MemoryWriter()
        yield writer
        with self._guard:
            if key in self._kept:
                raise Exists(key)
            self._kept[key] = _Kept(writer.data(), self._now())

    def create(self, key: str, data: bytes, media: str = "") -> Written:  # noqa: ARG002 - memory keeps none
        """Create `key` at once; raises Exists."""
        with self.writer(key) as writer:
            writer.write(data)
        return writer.written()

    def replace(self, key: str, data: bytes, expected: str | None) -> str:
        """Put `data` under `key` if its tag is still `expected`; the new tag."""
        with self._guard:
            seen = self._kept.get(checked_key(key))
            if (_tag(seen.data) if seen else None) != expected:
                raise Conflict(key)
            self._kept[key] = _Kept(bytes(data), self._now())
        return _tag(data)

    def copy(self, source: str, target: str) -> None:
        """Show `source` under `target` too, whatever was there; raises Missing."""
        checked_key(target)
        with self._guard:
            if checked_key(source) not in self._kept:
                raise Missing(source)
            self._kept[target] = _Kept(self._kept[source].data, self._now())

    def delete(self, key: str) -> None:
        """Take `key` away; a missing key is fine."""
        with self._guard:
            self._kept.pop(checked_key(key), None)

    def entries(self, folder: str) -> tuple[Entry, ...]:
        """What lies in `folder` itself, sorted by key; raises FixThis where a folder lies in it."""
        found = tuple(self.list(checked_key(folder)))
        for seen in found:
            name, below, _ = seen.key[len(folder) + 1 :].partition("/")
            if below:
                refuse_subfolder(stat.S_IFDIR, name, folder)
        return found

    def replaceable(self, folder: str) -> None:
        """Do nothing if the whole content of `folder` may be replaced; else raise FixThis."""
        self.entries(checked_folder(folder))

    def replace_folder(self, folder: str, files: Mapping[str, str]) -> bool:
        """Make `files` (name -> key that is shown under it) all that `folder` holds; whether anything changed."""
        self.replaceable(folder)
        with self._guard:
            for key in files.values():
                if checked_key(key) not in self._kept:
                    raise Missing(key)
            old = {key for key in self._kept if key.startswith(f"{folder}/")}
            new = {f"{folder}/{name}": self._kept[key].data for name, key in files.items()}
            if old == new.keys() and all(self._kept[key].data == data for key, data in new.items()):
                return False
            for key in old:
                del self._kept[key]
            self._kept.update({key: _Kept(data, self._now()) for key, data in new.items()})
        return True

    def sync(self, keys: Iterable[str]) -> None:
        """Memory is as safe as it gets."""
        for key in keys:
            checked_key(key)

    @contextmanager
    def lock(self, key: str, holder: bytes) -> Iterator[None]:
        """Hold `key` alone while inside; raises Held."""
        with self._guard:
            if checked_key(key) in self._holders:
                raise Held(self._holders[key])
            self._holders[key] = holder
        try:
            yield
        finally:
            with self._guard:
                del self._holders[key]

    def holding(self) -> None:
        """Do nothing: nobody takes a lock away."""

    def held(self, key: str) -> bytes | None:
        """What the present holder of the lock `key` gave, None if nobody holds it."""
        with self._guard:
            return self._holders.get(checked_key(key))

    def tidy(self, before: datetime) -> None:
        """Nothing is ever half done here."""


class _MemoryWriter:
    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def data(self) -> bytes:
        return b"".join(self._parts)

    def written(self) -> Written:
        data = self.data()
        return Written(len(data), _tag(data))


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entry(key: str, kept: _Kept) -> Entry:
    return Entry(key, len(kept.data), _tag(kept.data), kept.changed)
