"""The store on a local disk: with the modules below it, the only one that touches a lake's files.

A new file gets its name once it is whole (`making.py`); a shown file is a second hard link to the same bytes; the
record is renamed into place. Where the file system has no hard links, creating checks and renames (only the holder of
a partition's lock creates there), and showing copies the bytes.
"""

# Paths are strings here: making a Path costs as much as the system call that it is made for.
# ruff: noqa: PTH112, PTH120
import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from levada.lake import folder as folders
from levada.lake import making, whole
from levada.lake.calls import READING, Calls, seen, write_all
from levada.lake.durable import sync_files, sync_folders
from levada.lake.flocks import abandoned, holder_text, lock_or_held, locks
from levada.lake.listing import FOLDER_MARK, TEMPORARY, entry, temporary_files, walk
from levada.lake.place import Place, folders_up_to
from levada.lake.store import Conflict, Entry, Exists, Missing, Writer, Written

__all__ = ["Calls", "DiskStore"]


class DiskStore:
    """Bytes by key below one folder, which is made when the first key is written.

    Args:
        root: The lake's folder.
        calls: The system calls that change the disk.
    """

    def __init__(self, root: str | Path, calls: Calls | None = None) -> None:
        self._calls = calls or Calls()
        self._place = Place(str(Path(root).resolve()), self._calls)
        self._nameless = bool(making.NAMELESS)
        #: Tags of the files that were synced last: under a second name their bytes need not be synced again.
        self._safe: frozenset[str] = frozenset()

    #: A call costs less than a thread.
    abreast = 1

    def describe(self) -> str:
        """The absolute folder."""
        return self._place.root

    # -- reading

    def read(self, key: str) -> bytes:
        """All bytes of `key`; raises Missing."""
        with self.open(key) as stream, self._place.told(stream.name):
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes of `key`; raises Missing. A link, or what is no file, is refused as FixThis."""
        path = self._place.path(key)
        try:
            seen(path)
            return os.fdopen(os.open(path, READING), "rb")
        except FileNotFoundError:
            raise Missing(key) from None
        except OSError as error:
            raise self._place.explained(error, path) from error

    def head(self, key: str) -> Entry | None:
        """The entry of `key`, None where there is none; what is neither file nor link is refused as FixThis."""
        path = self._place.path(key)
        try:
            return entry(key, seen(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._place.explained(error, path) from error

    def list(self, prefix: str) -> Iterator[Entry]:
        """Entries of all keys below the folder `prefix`, sorted by key; links and temporary files are left out."""
        folder = self._place.path(prefix) if prefix else self._place.root
        self._place.inside(folder, prefix)
        with self._place.told(folder):
            yield from walk(Path(folder), f"{prefix}/" if prefix else "")

    # -- writing

    @contextmanager
    def writer(self, key: str, media: str = "") -> Iterator[Writer]:  # noqa: ARG002 - a disk keeps none
        """Create `key` from a stream: whole under its name after a clean exit, not there at all otherwise."""
        path = self._place.path(key)
        with making.temporary(self._place) as temp:
            yield temp
            temp.drain()
            with self._place.told(path):
                making.create_only(self._place, temp, path, key)

    def create(self, key: str, data: bytes, media: str = "") -> Written:  # noqa: ARG002 - a disk keeps none
        """Create `key` at once; raises Exists."""
        if not (self._nameless and self._created(key, data)):
            with self.writer(key) as writer:
                writer.write(data)
            # That this way could be gone, and the other could not, says that the file system does not know the other.
            self._nameless = False
        return Written(len(data), hashlib.sha256(data).hexdigest())

    def _created(self, key: str, data: bytes) -> bool:
        """Whether a file without a name became `key`; what is wrong, if not, the other way of creating tells."""
        try:
            making.create_nameless(self._place, self._place.path(key), data)
        except FileExistsError:
            raise Exists(key) from None
        except OSError:
            return False
        return True

    def replace(self, key: str, data: bytes, expected: str | None) -> str:
        """Put `data` under `key` if its tag is still `expected`, durably; the new tag. The caller holds the lock."""
        path = self._place.path(key)
        seen = self.head(key)
        if (seen.tag if seen else None) != expected:
            raise Conflict(key)
        folder = os.path.dirname(path)
        with making.temporary(self._place, 0o644) as temp, self._place.told(path):
            temp.write(data)
            tag = temp.durable()
            new_folder = not os.path.isdir(folder)
            making.move(self._place, temp, path)
            sync_folders(self._calls, folders_up_to(self._place.root, folder) if new_folder else {folder})
        return tag

    def copy(self, source: str, target: str) -> None:
        """Show `source` under `target` too, whatever was there, in one step; raises Missing."""
        origin, aim = self._place.path(source), self._place.path(target)
        found = self.head(source)
        if found is None or found.link:
            raise Missing(source)
        with self._place.told(aim):
            making.put_over(self._place, origin, aim)

    def delete(self, key: str) -> None:
        """Take `key` away, and folders that it leaves empty; a missing key is fine."""
        path = self._place.path(key)
        with self._place.told(path):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._calls.unlink(path)
            # Also for a missing key: whoever deleted it may have died before its folder went.
            for _ in range(key.count("/")):
                path = os.path.dirname(path)
                try:
                    self._calls.rmdir(path)
                except FileNotFoundError:
                    continue
                except OSError:
                    return

    # -- whole folders

    def entries(self, folder: str) -> tuple[Entry, ...]:
        """What lies in `folder` itself, links included, sorted by key; none where there is no such folder."""
        return whole.entries(self._place, folder)

    def replaceable(self, folder: str) -> None:
        """Do nothing if the whole content of `folder`, which need not exist, may be replaced; else raise FixThis."""
        whole.replaceable(self._place, folder)

    def replace_folder(self, folder: str, files: Mapping[str, str]) -> bool:
        """Make `files` (name -> key that is shown under it) all that `folder` holds, in one step; if it changed."""
        self.replaceable(folder)
        shown = {name: self._place.path(key) for name, key in files.items()}
        for key in files.values():
            if self.head(key) is None:
                raise Missing(key)
        return whole.replace(self._place, folder, shown)

    # -- durability and leftovers

    def sync(self, keys: Iterable[str]) -> None:
        """Make these keys (present, or just deleted) safe from power loss, each folder above them once."""
        root = self._place.root
        paths = self._place.paths(keys)
        found = sync_files(self._calls, paths, self._safe, self._place.told)
        self._safe = frozenset(found.values())
        above = {os.path.dirname(path) for path in paths} | {path for path, tag in found.items() if not tag}
        with self._place.told(root):
            sync_folders(self._calls, set().union(*(folders_up_to(root, folder) for folder in above)))

    def tidy(self, before: datetime) -> None:
        """Remove temporary files and folders that nobody has touched since `before` and no writer holds."""
        folder = Path(self._place.root, TEMPORARY)
        with self._place.told(folder):
            for path in temporary_files(folder):
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_ctime < before.timestamp() and abandoned(path):
                        self._calls.unlink(path)
            for path in folder.glob(f"{FOLDER_MARK}*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_ctime < before.timestamp() and abandoned(path):
                        folders.clear(self._calls, path)

    # -- locking

    def lock(self, key: str, holder: bytes) -> AbstractContextManager[None]:
        """Hold `key` alone while inside; freed by the death of the process. Raises Held on entering."""
        return self._lock(key, self._place.path(key), holder)

    @contextmanager
    def _lock(self, key: str, path: str, holder: bytes) -> Iterator[None]:
        self.head(key)  # refuses what is no file
        with self._place.told(path):
            # The file is never deleted: a lock on a name that comes and goes could be held twice.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            descriptor = self._place.in_folder(path, lambda: self._calls.open(path, flags, 0o644))
        try:
            with self._place.told(path):
                lock_or_held(descriptor)
                self._calls.truncate(descriptor)
                write_all(self._calls, descriptor, holder)
            yield
        finally:
            # By name, not only by close: a child of fork would keep the lock alive.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def holding(self) -> None:
        """Do nothing: the kernel takes a lock away only with the process."""

    def held(self, key: str) -> bytes | None:
        """What the present holder of the lock `key` wrote, None if nobody holds it."""
        path = self._place.path(key)
        with self._place.told(path):
            try:
                seen(path)
                descriptor = os.open(path, READING)
            except FileNotFoundError:
                return None
            try:
                return None if locks(descriptor, fcntl.LOCK_SH) else holder_text(descriptor)
            finally:
                os.close(descriptor)
