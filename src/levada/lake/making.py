"""Files in the making: written beside where they will lie, and given their name once they are whole.

On Linux a file that is written at once has no name until then (O_TMPFILE): whoever dies leaves nothing. Other files,
and other systems, have a name in `_levada/tmp/` meanwhile, and a lock that says that their writer lives.
"""

# Paths are strings here: making a Path costs as much as the system call that it is made for.
# ruff: noqa: PTH112, PTH118, PTH123
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from levada.lake.calls import NO_LINKS, Temporary, write_all
from levada.lake.flocks import locks
from levada.lake.listing import TEMPORARY
from levada.lake.place import Place
from levada.lake.store import Exists

__all__ = ["NAMELESS", "create_nameless", "create_only", "link_or_copy", "move", "put_over", "temporary", "unused_name"]

#: Read-only from the start: the bytes are shared with the public name, and an editor should notice.
_MODE = 0o444
#: The flag for a file without a name; 0 where the system has none. It gets its name by /proc.
NAMELESS: int = getattr(os, "O_TMPFILE", 0) if os.path.isdir("/proc/self/fd") else 0


def create_nameless(place: Place, path: str, data: bytes) -> None:
    """Create the file `path` at once, by a file that has no name before it is whole.

    Raises:
        FileExistsError: it is there already.
        OSError: it could not be made so, perhaps because the file system does not know such files.
    """
    flags = os.O_WRONLY | NAMELESS
    folder = os.path.join(place.root, TEMPORARY)
    descriptor = place.in_folder(f"{folder}/", lambda: place.calls.open(folder, flags, _MODE))
    try:
        write_all(place.calls, descriptor, data)
        place.in_folder(path, lambda: place.calls.link(descriptor, path))
    finally:
        os.close(descriptor)


@contextmanager
def temporary(place: Place, mode: int = _MODE) -> Iterator[Temporary]:
    """A new file under a temporary name, which is gone afterwards."""
    path = unused_name(place)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with place.told(path):
        descriptor = place.in_folder(path, lambda: place.calls.open(path, flags, mode))
        # Says to `tidy` that its writer lives: a file may wait for hours for the next bad row.
        locks(descriptor, fcntl.LOCK_SH)
    temp = Temporary(place.calls, place.told, path, descriptor)
    try:
        yield temp
    finally:
        temp.close_quietly()
        if not temp.moved:
            with contextlib.suppress(OSError):
                place.calls.unlink(path)


def unused_name(place: Place, mark: str = "") -> str:
    """A path for something in the making that nobody else uses."""
    return os.path.join(place.root, TEMPORARY, f"{mark}{os.getpid()}-{secrets.token_hex(8)}")


def create_only(place: Place, temp: Temporary, path: str, key: str) -> None:
    """Give the finished `temp` the name `path`, that of `key`; raises Exists."""
    try:
        place.in_folder(path, lambda: place.calls.link(temp.path, path))
    except FileExistsError:
        raise Exists(key) from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(path):
            raise Exists(key) from None
        move(place, temp, path)


def move(place: Place, temp: Temporary, path: str) -> None:
    """Put `temp` under the name `path`, over whatever is there."""
    place.in_folder(path, lambda: place.calls.rename(temp.path, path))
    temp.moved = True


def put_over(place: Place, origin: str, aim: str) -> None:
    """Show the file `origin` under the name `aim` too, whatever was there, in one step."""
    try:
        place.in_folder(aim, lambda: link_or_copy(place, origin, aim))
    except FileExistsError:
        _link_over(place, origin, aim)


def link_or_copy(place: Place, origin: str, target: str) -> None:
    """Give the file `origin` the second name `target`, which is free; a copy of it where there are no links."""
    try:
        place.calls.link(origin, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy_over(place, origin, target)


def _link_over(place: Place, origin: str, aim: str) -> None:
    temp = unused_name(place)
    try:
        place.in_folder(temp, lambda: link_or_copy(place, origin, temp))
        place.in_folder(aim, lambda: place.calls.rename(temp, aim))
    finally:
        # Renaming between two names of one file does nothing, so the temporary name may still be there.
        with contextlib.suppress(OSError):
            place.calls.unlink(temp)


def _copy_over(place: Place, origin: str, aim: str) -> None:
    with temporary(place) as temp, open(origin, "rb") as stream:
        shutil.copyfileobj(stream, temp)
        temp.durable()
        move(place, temp, aim)
