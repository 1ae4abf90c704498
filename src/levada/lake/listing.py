"""What lies in the folders of a lake on disk: entries in the order of their keys."""

import contextlib
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from levada.lake.calls import tag_of
from levada.lake.store import CONTROL, Entry

__all__ = ["FOLDER_MARK", "TEMPORARY", "entry", "temporary_files", "walk"]

#: Files and folders in the making; a folder of the lake, not of the system.
TEMPORARY = f"{CONTROL}/tmp"  # noqa: S108 - see above
#: What the name of a folder in the making starts with: no pipeline's folder does, because names are quoted.
FOLDER_MARK = "="


def entry(key: str, found: os.stat_result) -> Entry:
    """What is known of the file or link that was `found` under `key`."""
    changed = datetime.fromtimestamp(found.st_ctime, UTC)
    return Entry(key, found.st_size, tag_of(found), changed, link=stat.S_ISLNK(found.st_mode))


def walk(folder: Path, prefix: str) -> Iterator[Entry]:
    """Entries below `folder` in the order of their keys: a folder sorts as its name with the slash."""
    try:
        with os.scandir(folder) as scan:
            found = sorted(
                (f"{item.name}/" if item.is_dir(follow_symlinks=False) else item.name, item) for item in scan
            )
    except FileNotFoundError:
        return
    for name, item in found:
        if prefix == f"{TEMPORARY}/" and name.startswith(FOLDER_MARK):
            continue
        if name.endswith("/"):
            yield from walk(folder / name, prefix + name)
        elif item.is_file(follow_symlinks=False) and prefix != f"{TEMPORARY}/":
            with contextlib.suppress(FileNotFoundError):
                yield entry(prefix + name, item.stat(follow_symlinks=False))


def temporary_files(folder: Path) -> list[Path]:
    """Files in the making in `folder`; none where there is no such folder."""
    try:
        # Folders there are in the making themselves, or belong to a pipeline that is called `tmp`.
        return [path for path in folder.iterdir() if not path.is_dir()]
    except FileNotFoundError:
        return []
