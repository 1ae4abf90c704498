"""The store on a local disk: with `calls.py`, the system calls below it, the only one that touches a lake's files.

A new file is written under `_levada/tmp/` and linked to its name once it is whole; a shown file is a second hard link
to the same bytes; the record is renamed into place. Where the file system has no hard links, creating checks and
renames (only the holder of a partition's lock creates there), and showing copies the bytes.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from levada.errors import FixThis
from levada.lake import folder as folders
from levada.lake.calls import NO_LINKS, READING, Calls, Temporary, seen, write_all
from levada.lake.flocks import abandoned, holder_text, lock_or_held, locks
from levada.lake.listing import FOLDER_MARK, TEMPORARY, entry, temporary_files, walk
from levada.lake.refusal import explained
from levada.lake.store import CONTROL, Conflict, Entry, Exists, Missing, Writer, Written, checked_folder, checked_key

__all__ = ["Calls", "DiskStore"]

_Result = TypeVar("_Result")
#: Tries to write into a folder that other runs remove whenever it is empty.
_PATIENCE = 10


class DiskStore:
    """Bytes by key below one folder, which is made when the first key is written.

    Args:
        root: The lake's folder.
        calls: The system calls that change the disk.
    """

    def __init__(self, root: str | Path, calls: Calls | None = None) -> None:
        self._root = Path(root).resolve()
        self._calls = calls or Calls()
        #: Control folders found inside the lake: finding out costs 0.1 ms, a run of 200 pages asks 3,400 times.
        self._known: set[Path] = set()

    def describe(self) -> str:
        """The absolute folder."""
        return str(self._root)

    # -- reading

    def read(self, key: str) -> bytes:
        """All bytes of `key`; raises Missing."""
        with self.open(key) as stream, self._told(self._root / key):
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes of `key`; raises Missing. A link, or what is no file, is refused as FixThis."""
        path = self._path(key)
        with self._told(path):
            try:
                seen(path)
                return os.fdopen(os.open(path, READING), "rb")
            except FileNotFoundError:
                raise Missing(key) from None

    def head(self, key: str) -> Entry | None:
        """The entry of `key`, None where there is none; what is neither file nor link is refused as FixThis."""
        path = self._path(key)
        with self._told(path):
            try:
                return entry(key, seen(path))
            except FileNotFoundError:
                return None

    def list(self, prefix: str) -> Iterator[Entry]:
        """Entries of all keys below the folder `prefix`, sorted by key; links and temporary files are left out."""
        folder = self._path(prefix) if prefix else self._root
        self._inside(folder, prefix)
        with self._told(folder):
            yield from walk(folder, f"{prefix}/" if prefix else "")

    # -- writing

    @contextmanager
    def writer(self, key: str) -> Iterator[Writer]:
        """Create `key` from a stream: whole under its name after a clean exit, not there at all otherwise."""
        path = self._path(key)
        # Read-only from the start: the bytes are shared with the public name, and an editor should notice.
        with self._temporary(0o444) as temp:
            yield temp
            temp.drain()
            with self._told(path):
                self._create_only(temp, path, key)

    def create(self, key: str, data: bytes) -> Written:
        """Create `key` at once; raises Exists."""
        with self.writer(key) as writer:
            writer.write(data)
        return writer.written()

    def replace(self, key: str, data: bytes, expected: str | None) -> str:
        """Put `data` under `key` if its tag is still `expected`, durably; the new tag. The caller holds the lock."""
        path = self._path(key)
        seen = self.head(key)
        if (seen.tag if seen else None) != expected:
            raise Conflict(key)
        with self._temporary(0o644) as temp, self._told(path):
            temp.write(data)
            tag = temp.durable()
            new_folder = not path.parent.is_dir()
            self._move(temp, path)
            self._sync_folders(_up_to(self._root, path.parent) if new_folder else {path.parent})
        return tag

    def copy(self, source: str, target: str) -> None:
        """Show `source` under `target` too, whatever was there, in one step; raises Missing."""
        origin, aim = self._path(source), self._path(target)
        found = self.head(source)
        if found is None or found.link:
            raise Missing(source)
        with self._told(aim):
            try:
                self._link_over(origin, aim)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                self._copy_over(origin, aim)

    def delete(self, key: str) -> None:
        """Take `key` away, and folders that it leaves empty; a missing key is fine."""
        path = self._path(key)
        with self._told(path):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._calls.unlink(path)
            # Also for a missing key: whoever deleted it may have died before its folder went.
            for folder in path.parents[: len(path.relative_to(self._root).parts) - 1]:
                try:
                    self._calls.rmdir(folder)
                except FileNotFoundError:
                    continue
                except OSError:
                    return

    # -- whole folders

    def entries(self, folder: str) -> tuple[Entry, ...]:
        """What lies in `folder` itself, links included, sorted by key; none where there is no such folder."""
        with self._told(self._root / checked_key(folder)):
            return folders.entries(self._root, folder)

    def replaceable(self, folder: str) -> None:
        """Do nothing if the whole content of `folder`, which need not exist, may be replaced; else raise FixThis."""
        with self._told(self._root / checked_folder(folder)):
            folders.refuse_unfit(self._root, folder)

    def replace_folder(self, folder: str, files: Mapping[str, str]) -> bool:
        """Make `files` (name -> key that is shown under it) all that `folder` holds, in one step; if it changed."""
        self.replaceable(folder)
        aim = self._root / folder
        shown = {name: self._path(key) for name, key in files.items()}
        for key in files.values():
            if self.head(key) is None:
                raise Missing(key)
        with self._told(aim):
            if folders.holds(self._root, folder, shown) and aim.is_dir():
                return False
            with self._folder_in_the_making(aim) as new:
                self._gather(new, shown)
                self._in_folder(new, lambda: folders.replace(self._calls, self._root, folder, new))
        return True

    @contextmanager
    def _folder_in_the_making(self, aim: Path) -> Iterator[Path]:
        """A temporary folder, with the rights of the one that it is to replace; cleared away after an error."""
        new = self._temporary_name(FOLDER_MARK)
        self._in_folder(new, lambda: self._calls.mkdir(new))
        descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Says to `tidy` that its maker lives.
            locks(descriptor, fcntl.LOCK_SH)
            with contextlib.suppress(FileNotFoundError):
                mode = stat.S_IMODE(aim.stat().st_mode)
                if mode != stat.S_IMODE(os.fstat(descriptor).st_mode):
                    self._calls.chmod(new, mode)
            yield new
        except BaseException:
            folders.clear(self._calls, new)
            raise
        finally:
            os.close(descriptor)

    def _gather(self, new: Path, files: Mapping[str, Path]) -> None:
        for name, origin in files.items():
            try:
                self._calls.link(origin, new / name)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                self._copy_over(origin, new / name)
        self._sync_folders({new})

    def sync(self, keys: Iterable[str]) -> None:
        """Make these keys (present, or just deleted) safe from power loss, each folder above them once."""
        folders: set[Path] = set()
        for key in keys:
            path = self._path(key)
            with self._told(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
                folders |= _up_to(self._root, path.parent)
                if path.is_dir():
                    folders.add(path)
                else:
                    self._sync(path)
        with self._told(self._root):
            self._sync_folders(folders)

    def tidy(self, before: datetime) -> None:
        """Remove temporary files and folders that nobody has touched since `before` and no writer holds."""
        folder = self._root / TEMPORARY
        with self._told(folder):
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
        return self._lock(key, self._path(key), holder)

    @contextmanager
    def _lock(self, key: str, path: Path, holder: bytes) -> Iterator[None]:
        self.head(key)  # refuses what is no file
        with self._told(path):
            # The file is never deleted: a lock on a name that comes and goes could be held twice.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            descriptor = self._in_folder(path, lambda: self._calls.open(path, flags, 0o644))
        try:
            with self._told(path):
                lock_or_held(descriptor)
                self._calls.truncate(descriptor)
                write_all(self._calls, descriptor, holder)
            yield
        finally:
            # By name, not only by close: a child of fork would keep the lock alive.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def held(self, key: str) -> bytes | None:
        """What the present holder of the lock `key` wrote, None if nobody holds it."""
        path = self._path(key)
        with self._told(path):
            try:
                seen(path)
                descriptor = os.open(path, READING)
            except FileNotFoundError:
                return None
            try:
                return None if locks(descriptor, fcntl.LOCK_SH) else holder_text(descriptor)
            finally:
                os.close(descriptor)

    # -- paths and errors

    def _path(self, key: str) -> Path:
        path = self._root / checked_key(key)
        if path.parent not in self._known:
            self._inside(path.parent, key)
            if key.startswith(f"{CONTROL}/"):  # public folders are other people's too, who may put links there
                self._known.add(path.parent)
        return path

    def _inside(self, path: Path, key: str) -> None:
        try:
            real = path.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise FixThis(f"{error}", where=str(path), todo="remove the link") from error
        if not real.is_relative_to(self._root):
            raise FixThis(
                f"the lake name {key} leads out of the lake, to {real}",
                where=str(path),
                todo="replace the symbolic link by a folder, or make the place it leads to the lake",
            )

    @contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # os.path: Path.is_file raises where a folder may not be looked into, or a name is too long.
            blocker = next((str(p) for p in path.parents if os.path.isfile(p)), "")  # noqa: PTH113 - see above
            raise explained(error, str(path), str(self._root), blocker) from error

    def _in_folder(self, path: Path, act: Callable[[], _Result]) -> _Result:
        """The result of `act`, the folder of `path` made if it has none: another run may remove it when it is empty."""
        for _ in range(_PATIENCE):
            try:
                return act()
            except FileNotFoundError:
                self._make_folders(path.parent)
        return act()

    def _make_folders(self, folder: Path) -> None:
        missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
        for path in reversed(missing):
            # There already, perhaps as a file (the next call says so), or its parent was removed just now (next try).
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                self._calls.mkdir(path)
        if self._root in missing:
            self._sync_folders({path.parent for path in missing if self._root.is_relative_to(path)})

    # -- temporary files

    @contextmanager
    def _temporary(self, mode: int) -> Iterator[Temporary]:
        path = self._temporary_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with self._told(path):
            descriptor = self._in_folder(path, lambda: self._calls.open(path, flags, mode))
            # Says to `tidy` that its writer lives: a file may wait for hours for the next bad row.
            locks(descriptor, fcntl.LOCK_SH)
        temp = Temporary(self._calls, self._told, path, descriptor)
        try:
            yield temp
        finally:
            temp.close_quietly()
            if not temp.moved:
                with contextlib.suppress(OSError):
                    self._calls.unlink(path)

    def _temporary_name(self, mark: str = "") -> Path:
        return self._root / TEMPORARY / f"{mark}{os.getpid()}-{secrets.token_hex(8)}"

    def _create_only(self, temp: Temporary, path: Path, key: str) -> None:
        try:
            self._in_folder(path, lambda: self._calls.link(temp.path, path))
        except FileExistsError:
            raise Exists(key) from None
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if os.path.lexists(path):
                raise Exists(key) from None
            self._move(temp, path)

    def _move(self, temp: Temporary, path: Path) -> None:
        self._in_folder(path, lambda: self._calls.rename(temp.path, path))
        temp.moved = True

    def _link_over(self, origin: Path, aim: Path) -> None:
        temp = self._temporary_name()
        try:
            self._in_folder(temp, lambda: self._calls.link(origin, temp))
            self._in_folder(aim, lambda: self._calls.rename(temp, aim))
        finally:
            # Renaming between two names of one file does nothing, so the temporary name may still be there.
            with contextlib.suppress(OSError):
                self._calls.unlink(temp)

    def _copy_over(self, origin: Path, aim: Path) -> None:
        with self._temporary(0o444) as temp, origin.open("rb") as stream:
            shutil.copyfileobj(stream, temp)
            temp.durable()
            self._move(temp, aim)

    def _sync(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._calls.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_folders(self, folders: Iterable[Path]) -> None:
        for folder in sorted(folders, key=lambda path: (-len(path.parts), path)):
            try:
                self._sync(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno != errno.EINVAL:  # some network file systems sync no folders
                    raise


def _up_to(root: Path, folder: Path) -> set[Path]:
    return {folder, *(path for path in folder.parents if path.is_relative_to(root))}
