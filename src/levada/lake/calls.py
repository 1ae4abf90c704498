"""The system calls that change a disk, and the file being written: what `disk.py` is made of."""

# Paths are strings here: making a Path costs as much as the system call that it is made for.
# ruff: noqa: PTH101, PTH104, PTH106, PTH108
import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from levada.lake.exchange import exchange
from levada.lake.refusal import refuse_odd
from levada.lake.store import Written

__all__ = ["NO_LINKS", "READING", "Calls", "Name", "Temporary", "seen", "tag_of", "write_all"]

Name = str | Path

#: Neither through a symbolic link, nor waiting for whoever may write into a pipe.
READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

#: Links that a file system does not make, or makes no more of (EMLINK).
NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

#: Small writes (an Avro block is three) are gathered up to here before they become a system call.
_GATHER = 256 * 1024


class Calls:
    """The system calls that change a disk, one method each: a test counts them, and dies before any of them."""

    def open(self, path: Name, flags: int, mode: int) -> int:
        """Open or create a file; its descriptor."""
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of `data`; how much."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int) -> None:
        """Empty a file."""
        os.ftruncate(descriptor, 0)

    def fsync(self, descriptor: int) -> None:
        """Wait until a file or folder is on the disk."""
        os.fsync(descriptor)

    def link(self, source: Name | int, target: Name) -> None:
        """Give a file a second name; one that has none and is open as the descriptor `source`, its first (Linux)."""
        if isinstance(source, int):
            # A descriptor of a folder makes Python call linkat, which alone follows the link; the path is absolute.
            os.link(f"/proc/self/fd/{source}", target, src_dir_fd=source, follow_symlinks=True)
        else:
            os.link(source, target)

    def rename(self, source: Name, target: Name) -> None:
        """Move a file over whatever is there."""
        os.rename(source, target)

    def move_in(self, source: Path, parent: int, name: str) -> None:
        """Move a folder into the open folder `parent`, where nothing, or an empty folder, has that name."""
        os.rename(source, name, dst_dir_fd=parent)

    def move_out(self, parent: int, name: str, target: Path) -> None:
        """Move a folder out of the open folder `parent`."""
        os.rename(name, target, src_dir_fd=parent)

    def exchange(self, source: Path, parent: int, name: str) -> None:
        """Give a folder and an entry of the open folder `parent` each other's name, in one step."""
        exchange(source, parent, name)

    def chmod(self, path: Name, mode: int) -> None:
        """Set the rights of a folder."""
        os.chmod(path, mode)

    def unlink(self, path: Name) -> None:
        """Take a name away."""
        os.unlink(path)

    def mkdir(self, path: Name, parent: int | None = None) -> None:
        """Make one folder, in the open folder `parent` where one is given."""
        os.mkdir(path, dir_fd=parent)

    def rmdir(self, path: Name) -> None:
        """Remove one empty folder."""
        os.rmdir(path)


class Temporary:
    """A file being written, not yet under its name; the Writer that the lake hands out."""

    def __init__(
        self,
        calls: Calls,
        told: Callable[[Name], AbstractContextManager[None]],
        path: str,
        descriptor: int,
    ) -> None:
        self.path = path
        self.moved = False
        self._calls = calls
        self._told = told
        self._descriptor: int | None = descriptor
        self._gathered: list[bytes] = []
        self._waiting = 0
        self._size = 0
        self._hash = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        """Append `data`."""
        self._hash.update(data)
        self._size += len(data)
        self._waiting += len(data)
        self._gathered.append(bytes(data))
        if self._waiting >= _GATHER:
            self.drain()
        return len(data)

    def flush(self) -> None:
        """Do nothing but satisfy libraries that call it."""

    def written(self) -> Written:
        """Size and SHA-256 of all that was written so far."""
        return Written(self._size, self._hash.hexdigest())

    def close(self) -> None:
        """Write out what was gathered and close."""
        self.drain()
        with self._told(self.path):
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                os.close(descriptor)

    def durable(self) -> str:
        """Close, safe from power loss; the tag that the file keeps when it is renamed."""
        self.drain()
        with self._told(self.path):
            self._calls.fsync(self._open())
            tag = tag_of(os.fstat(self._open()))
        self.close()
        return tag

    def close_quietly(self) -> None:
        """Close on the way out of an error, or do nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def drain(self) -> None:
        """Write out what was gathered; the file stays open, and with it the sign that its writer lives."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._waiting = 0
        with self._told(self.path):
            write_all(self._calls, self._open(), data)

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError("this lake file is closed")
        return self._descriptor


def write_all(calls: Calls, descriptor: int, data: bytes) -> None:
    """Write `data` to the last byte."""
    view = memoryview(data)
    while view:
        view = view[calls.write(descriptor, view) :]


def seen(path: str) -> os.stat_result:
    """What the name `path` itself is, a file or a symbolic link; anything else is refused."""
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    refuse_odd(found.st_mode, path)
    return found


def tag_of(found: os.stat_result) -> str:
    """The tag of a file: the same for all its hard links, another one once it is replaced or written to."""
    return f"{found.st_dev}-{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
