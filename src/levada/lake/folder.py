"""One folder of a lake on disk, as a whole: what lies in it, and all of it replaced in one step.

The folders on the way are opened one within the other, never through a link: whoever puts a link there between a look
and the replacement leads it nowhere. What is replaced stays whole under a name of its own, for readers that have it
open; it is cleared away later, file by file, never folder by folder.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from levada.errors import FixThis
from levada.lake.calls import READING, Calls
from levada.lake.exchange import UNSUPPORTED
from levada.lake.listing import entry
from levada.lake.refusal import refuse_no_folder, refuse_odd, refuse_subfolder
from levada.lake.store import Entry

__all__ = ["clear", "entries", "holds", "refuse_unfit", "replace"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1024 * 1024
#: Makes a folder of this name in an open folder.
Making = Callable[[str, int], None]


def entries(root: Path, folder: str) -> tuple[Entry, ...]:
    """What lies in `folder` itself, sorted; raises FixThis for what is neither file nor link."""
    path = root / folder
    found = {}
    for name, status in _content(root, folder):
        refuse_subfolder(status.st_mode, name, str(path))
        refuse_odd(status.st_mode, str(path / name))
        found[name] = entry(f"{folder}/{name}", status)
    return tuple(found[name] for name in sorted(found))


def refuse_unfit(root: Path, folder: str) -> None:
    """Raise FixThis if the content of `folder` may not be replaced; it need not exist."""
    for name, status in _content(root, folder):
        refuse_subfolder(status.st_mode, name, str(root / folder))
    # Below a folder that is not there, no name was looked up yet: one that is too long raises OSError here.
    for name in (*folder.split("/"), folder):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (root / name).lstat()


def holds(root: Path, folder: str, files: Mapping[str, Path]) -> bool:
    """Whether `files` is all that lies in `folder`: the same files, or equal ones."""
    found = dict(_content(root, folder))
    if found.keys() != files.keys() or not all(stat.S_ISREG(status.st_mode) for status in found.values()):
        return False
    return all(
        os.path.samestat(found[name], path.stat()) or _equal(root / folder / name, path) for name, path in files.items()
    )


def replace(calls: Calls, root: Path, folder: str, new: Path) -> None:
    """Put the folder `new` in the place of `folder`; what was there lies beside `new`, or under its name, afterwards.

    In one step where the system exchanges names; elsewhere there is a moment without the folder, which whoever shows
    the commit again mends.

    Raises:
        FixThis: somebody made a folder in it, or put something else in its place; all is as it was.
    """
    above = folder.split("/")[:-1]
    parent = _opened(root, above, calls.mkdir)
    if parent is None:
        raise FileNotFoundError(str(root))
    try:
        _swap(calls, new, parent, root / folder)
    finally:
        os.close(parent)


def clear(calls: Calls, folder: Path) -> None:
    """Remove a folder of files; a link to one, or one with folders in it, which nobody saw coming, is left whole."""
    with contextlib.suppress(OSError, FixThis):
        content = _content(folder.parent, folder.name)
        if any(stat.S_ISDIR(status.st_mode) for _, status in content):
            return
        for name, _ in content:
            calls.unlink(folder / name)
        calls.rmdir(folder)


def _swap(calls: Calls, new: Path, parent: int, aim: Path) -> None:
    try:
        calls.exchange(new, parent, aim.name)
    except FileNotFoundError:
        calls.move_in(new, parent, aim.name)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        _by_two_renames(calls, new, parent, aim)
    else:
        _unless_unfit(new, aim, lambda: calls.exchange(new, parent, aim.name))


def _by_two_renames(calls: Calls, new: Path, parent: int, aim: Path) -> None:
    old = new.with_name(f"{new.name}-old")
    try:
        calls.move_out(parent, aim.name, old)
    except FileNotFoundError:
        calls.move_in(new, parent, aim.name)
    else:
        _unless_unfit(old, aim, lambda: calls.move_in(old, parent, aim.name))
        calls.move_in(new, parent, aim.name)


def _unless_unfit(taken: Path, aim: Path, back: Callable[[], None]) -> None:
    """Put back what was taken from `aim` if it is not what it was when it was last looked at: a folder of files."""
    try:
        refuse_no_folder(taken.lstat().st_mode, str(aim))
        for name, status in _content(taken.parent, taken.name):
            refuse_subfolder(status.st_mode, name, str(aim))
    except BaseException:
        back()
        raise


def _equal(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes; not so if one of them cannot be read."""
    try:
        with _reading(one) as first, _reading(other) as second:
            while block := first.read(_BLOCK):
                if block != second.read(_BLOCK):
                    return False
            return not second.read(1)
    except OSError:
        return False


def _reading(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, READING), "rb")


def _content(root: Path, folder: str) -> list[tuple[str, os.stat_result]]:
    """Names and what they are; nothing where there is no such folder."""
    descriptor = _opened(root, folder.split("/"))
    if descriptor is None:
        return []
    try:
        with os.scandir(descriptor) as scan:
            return [(item.name, item.stat(follow_symlinks=False)) for item in scan]
    finally:
        os.close(descriptor)


def _opened(root: Path, parts: Sequence[str], make: Making | None = None) -> int | None:
    """A descriptor of the folder, which `make` makes where it is missing; None where it is and stays missing."""
    path = root
    try:
        descriptor: int | None = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    for part in parts:
        path /= part
        if descriptor is None:
            break
        try:
            below = _step(descriptor, part, path, make)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _step(parent: int, name: str, path: Path, make: Making | None) -> int | None:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except FileNotFoundError:
        if make is None:
            return None
    except OSError:
        refuse_no_folder(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode, str(path))
        raise
    with contextlib.suppress(FileExistsError):
        make(name, parent)
    return os.open(name, _FOLDER, dir_fd=parent)
