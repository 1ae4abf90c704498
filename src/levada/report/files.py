"""Files of reports, beside the spec: whole or not there, and left alone where they hold these bytes already."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from levada.errors import FixThis, TryLater

__all__ = ["write"]

#: What passes by itself, or by making room.
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.EMFILE, errno.ENFILE)


def write(root: Path, name: str, content: bytes, shut: Sequence[Path] = ()) -> Path:
    """Let the file `name` below `root` hold `content`; its absolute path.

    Folders are made. What is not ours to follow is not followed: a link in the file's place is replaced, and a folder
    that leads out of `root` is refused.

    Args:
        root: The spec's folder.
        name: Of the file, relative to it.
        content: What it is to hold.
        shut: Files and folders that it must not stand in the place of, nor lie in.

    Raises:
        FixThis: a folder leads out; the name is one of what is shut, or a folder's; this user may not write there.
        TryLater: the disk is full.
    """
    path = root.absolute() / name
    try:
        if not path.parent.resolve().is_relative_to(root.resolve()):
            todo = "name a folder that lies in the spec's own"
            raise FixThis(f"{path.parent} leads out of the spec's folder.", where=str(path), todo=todo)
        _refuse_shut(path, shut)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not path.exists() or path.read_bytes() != content:
            _replace(path, content)
    except OSError as error:
        raise _told(path, error) from None
    return path


def _refuse_shut(path: Path, shut: Sequence[Path]) -> None:
    real = path.parent.resolve() / path.name
    for one in shut:
        if real.is_relative_to(one.resolve()):
            what = f"A report's file cannot be {path.name} here: that is where {one.name} is."
            raise FixThis(what, where=str(path), todo="name a file in a folder of its own, such as reports/")


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.is_file() and not path.is_symlink() else 0o644
    number, aside = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(content)
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        Path(aside).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise


def _told(path: Path, error: OSError) -> FixThis | TryLater:
    what = f"The report could not be written: {error.strerror}."
    if error.errno in _PASSING:
        return TryLater(what, where=str(path), todo="make room, and run again")
    return FixThis(what, where=str(path), todo="name another file, or let this user write there")
