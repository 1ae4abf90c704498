"""One folder of a lake on disk, as a whole: what lies in it, and all of it replaced in one step.

The folders on the way are opened one within the other, never through a link: whoever puts a link there between a look
and the replacement leads it nowhere. What is replaced is emptied file by file, never folder by folder.
"""

import contextlib
import filecmp
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from levada.lake.calls import Calls
from levada.lake.exchange import UNSUPPORTED
from levada.lake.listing import entry
from levada.lake.refusal import refuse_no_folder, refuse_odd, refuse_subfolder
from levada.lake.store import Entry

__all__ = ["clear", "entries", "holds", "refuse_unfit", "replace"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
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


def holds(root: Path, folder: str, files: Mapping[str, Path]) -> bool:
    """Whether `files` is all that lies in `folder`: the same files, or equal ones."""
    found = dict(_content(root, folder))
    if found.keys() != files.keys() or not all(stat.S_ISREG(status.st_mode) for status in found.values()):
        return False
    return all(
        os.path.samestat(found[name], path.stat()) or filecmp.cmp(root / folder / name, path, shallow=False)
        for name, path in files.items()
    )


def replace(calls: Calls, root: Path, folder: str, new: Path) -> Path | None:
    """Put the folder `new` in the place of `folder`; where what was replaced lies now, None if nothing was.

    In one step where the system exchanges names; elsewhere there is a moment without the folder, which whoever shows
    the commit again mends.

    Raises:
        FixThis: somebody made a folder in it, or put something else in its place; all is as it was.
    """
    *above, name = folder.split("/")
    parent = _opened(root, above, calls.mkdir)
    if parent is None:
        raise FileNotFoundError(str(root))
    try:
        return _swapped(calls, new, parent, name)
    finally:
        os.close(parent)


def clear(calls: Calls, folder: Path) -> None:
    """Remove a folder of files, as far as it goes: a folder in it, which nobody saw coming, is left where it is."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as scan:
            names = [item.path for item in scan if not item.is_dir(follow_symlinks=False)]
        for name in names:
            calls.unlink(Path(name))
        calls.rmdir(folder)


def _swapped(calls: Calls, new: Path, parent: int, name: str) -> Path | None:
    try:
        calls.exchange(new, parent, name)
    except FileNotFoundError:
        calls.move_in(new, parent, name)
        return None
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        return _by_two_renames(calls, new, parent, name)
    _unless_unfit(new, name, lambda: calls.exchange(new, parent, name))
    return new


def _by_two_renames(calls: Calls, new: Path, parent: int, name: str) -> Path | None:
    old = new.with_name(f"{new.name}-old")
    try:
        calls.move_out(parent, name, old)
    except FileNotFoundError:
        calls.move_in(new, parent, name)
        return None
    _unless_unfit(old, name, lambda: calls.move_in(old, parent, name))
    calls.move_in(new, parent, name)
    return old


def _unless_unfit(taken: Path, name: str, back: Callable[[], None]) -> None:
    """Put back what was taken out if it is not what it was when it was last looked at: a folder of files."""
    try:
        status = taken.lstat()
        refuse_no_folder(status.st_mode, name)
        refuse_unfit(taken.parent, taken.name)
    except BaseException:
        back()
        raise


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
