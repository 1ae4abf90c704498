"""Whole folders of a lake on disk: looked at, refused, and replaced in one step (`folder.py` has the steps)."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from levada.lake import folder as folders
from levada.lake.durable import sync_folders
from levada.lake.flocks import locks
from levada.lake.listing import FOLDER_MARK
from levada.lake.making import link_or_copy, unused_name
from levada.lake.place import Place
from levada.lake.store import Entry, checked_folder, checked_key

__all__ = ["entries", "replace", "replaceable"]


def entries(place: Place, folder: str) -> tuple[Entry, ...]:
    """What lies in `folder` itself, links included, sorted by key; none where there is no such folder."""
    root = Path(place.root)
    with place.told(root / checked_key(folder)):
        return folders.entries(root, folder)


def replaceable(place: Place, folder: str) -> None:
    """Do nothing if the whole content of `folder`, which need not exist, may be replaced; else raise FixThis."""
    root = Path(place.root)
    with place.told(root / checked_folder(folder)):
        folders.refuse_unfit(root, folder)


def replace(place: Place, folder: str, shown: Mapping[str, str]) -> bool:
    """Make `shown` (name -> path of the file that is shown under it) all that `folder` holds; if it changed."""
    root = Path(place.root)
    aim = root / folder
    files = {name: Path(path) for name, path in shown.items()}
    with place.told(aim):
        if folders.holds(root, folder, files) and aim.is_dir():
            return False
        with _in_the_making(place, aim) as new:
            for name, origin in shown.items():
                link_or_copy(place, origin, f"{new}/{name}")
            sync_folders(place.calls, {str(new)})
            place.in_folder(new, lambda: folders.replace(place.calls, root, folder, new))
    return True


@contextmanager
def _in_the_making(place: Place, aim: Path) -> Iterator[Path]:
    """A temporary folder, with the rights of the one that it is to replace; cleared away after an error."""
    new = Path(unused_name(place, FOLDER_MARK))
    place.in_folder(new, lambda: place.calls.mkdir(new))
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Says to `tidy` that its maker lives.
        locks(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(aim.stat().st_mode)
            if mode != stat.S_IMODE(os.fstat(descriptor).st_mode):
                place.calls.chmod(new, mode)
        yield new
    except BaseException:
        folders.clear(place.calls, new)
        raise
    finally:
        os.close(descriptor)
