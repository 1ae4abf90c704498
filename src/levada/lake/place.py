"""The lake's folder on a disk: the paths of its keys, folders made as they are needed, refusals told."""

# Paths are strings here: making a Path costs as much as the system call that it is made for.
# ruff: noqa: PTH112, PTH113, PTH120
import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from levada.errors import FixThis, LevadaError
from levada.lake.calls import Calls, Name
from levada.lake.durable import sync_folders
from levada.lake.refusal import explained
from levada.lake.store import CONTROL, checked_key

__all__ = ["Place", "folders_up_to"]

_Result = TypeVar("_Result")
#: Tries to write into a folder that other runs remove whenever it is empty.
_PATIENCE = 10
#: Control folders that are remembered: those of a thousand partitions.
_MOST_KNOWN = 4096


class Place:
    """Where a lake lies: its root, and how its files are found.

    Args:
        root: The lake's folder, without links.
        calls: The system calls that change the disk.
    """

    def __init__(self, root: str, calls: Calls) -> None:
        self.root = root
        self.calls = calls
        self._start = root if root.endswith("/") else f"{root}/"
        #: Control folders found inside the lake: a run of 200 pages asks 2,000 times.
        self._known: set[str] = set()

    def path(self, key: str) -> str:
        """The path of `key`; raises FixThis for what is no key, or leads out of the lake."""
        path = self._start + checked_key(key)
        folder = os.path.dirname(path)
        if folder not in self._known:
            self.inside(folder, key)
            if key.startswith(f"{CONTROL}/"):  # public folders are other people's too, who may put links there
                if len(self._known) >= _MOST_KNOWN:  # each partition has some of its own, and a scheduler never ends
                    self._known.clear()
                self._known.add(folder)
        return path

    def paths(self, keys: Iterable[str]) -> list[str]:
        """The path of each key once, in their order, as `path` gives it; each folder is looked at once."""
        found: dict[str, None] = {}
        looked: set[str] = set()
        for key in keys:
            path = self._start + checked_key(key)
            folder = os.path.dirname(path)
            if folder not in looked:
                self.path(key)
                looked.add(folder)
            found[path] = None
        return list(found)

    def inside(self, folder: str, key: str) -> None:
        """Raise FixThis if a link leads from `folder`, that of `key`, out of the lake."""
        if not self._has_links(folder):
            return
        try:
            real = Path(folder).resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise FixThis(f"{error}", where=folder, todo="remove the link") from error
        if not real.is_relative_to(self.root):
            raise FixThis(
                f"the lake name {key} leads out of the lake, to {real}",
                where=folder,
                todo="replace the symbolic link by a folder, or make the place it leads to the lake",
            )

    @staticmethod
    def _has_links(folder: str) -> bool:
        """Whether there may be a link on the way: a tenth of what resolving it costs."""
        try:
            for step in _way(folder):
                if stat.S_ISLNK(os.lstat(step).st_mode):
                    return True
        except (FileNotFoundError, NotADirectoryError):
            return False  # nor is there anything below
        except OSError:
            return True
        return False

    @contextmanager
    def told(self, path: Name) -> Iterator[None]:
        """Raise what the machine refuses to do with `path` as the LevadaError that says it to a person."""
        try:
            yield
        except OSError as error:
            raise self.explained(error, path) from error

    def explained(self, error: OSError, path: Name) -> LevadaError:
        """What to raise for `error` on `path`."""
        # Unlike Path.is_file, os.path.isfile is quiet where a folder may not be looked into or a name is too long.
        blocker = next((above for above in _above(str(path)) if os.path.isfile(above)), "")
        return explained(error, str(path), self.root, blocker)

    def in_folder(self, path: Name, act: Callable[[], _Result]) -> _Result:
        """The result of `act`, the folder of `path` made if it has none: another run may remove it when it is empty."""
        for _ in range(_PATIENCE):
            try:
                return act()
            except FileNotFoundError:
                self._make_folders(os.path.dirname(path))
        return act()

    def _make_folders(self, folder: str) -> None:
        missing = [path for path in (folder, *_above(folder)) if not os.path.isdir(path)]
        for path in reversed(missing):
            # There already, perhaps as a file (the next call says so), or its parent was removed just now (next try).
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                self.calls.mkdir(path)
        if self.root in missing:
            above_root = {self.root, *_above(self.root)}
            sync_folders(self.calls, {os.path.dirname(path) for path in missing if path in above_root})


def folders_up_to(root: str, folder: str) -> set[str]:
    """`folder`, which lies in `root`, and the folders above it up to `root`."""
    found = {folder}
    while folder != root:
        folder = os.path.dirname(folder)
        found.add(folder)
    return found


@lru_cache(maxsize=1024)
def _way(folder: str) -> tuple[str, ...]:
    """The folders from `/` down to `folder`."""
    return (*reversed(list(_above(folder))), folder)


def _above(path: str) -> Iterator[str]:
    """The folders above, the nearest first."""
    while (above := os.path.dirname(path)) != path:
        yield (path := above)
