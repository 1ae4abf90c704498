"""Bytes by key: the one seam between the lake and where it lies.

Keys are relative, `/`-separated, without `.` and `..`. `disk.py`, `memory.py` and `remote.py` (object stores) are the
stores there are; the last refuses what it cannot do, which is to replace a folder in one step.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from levada.errors import FixThis, TryLater

__all__ = [
    "CONTROL",
    "Conflict",
    "Entry",
    "Exists",
    "Held",
    "Lost",
    "Missing",
    "Store",
    "Writer",
    "Written",
    "checked_folder",
    "checked_key",
]

#: The folder of everything that users do not read.
CONTROL = "_levada"

_STEPS = frozenset({"", ".", ".."})
#: NUL, and halves of surrogate pairs, which have no UTF-8.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class Missing(Exception):
    """No such key."""


class Exists(Exception):
    """The key is there already and was to be created."""


class Conflict(Exception):
    """The key is not (any more) what the caller saw."""


class Lost(TryLater):
    """A lock that this process held may be another's by now: nothing more is to be changed under it."""


class Held(Exception):
    """The lock is held; `holder` is what its holder wrote, perhaps nothing yet."""

    def __init__(self, holder: bytes) -> None:
        super().__init__(holder)
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Entry:
    """What a store knows of a key without reading it."""

    key: str
    size: int
    #: Equal tags mean equal bytes; different tags mean nothing.
    tag: str
    #: When the key last changed in any way (aware, UTC).
    changed: datetime
    #: A symbolic link, which no store makes: it cannot be read, only written over or deleted.
    link: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    size: int
    sha256: str


class Writer(Protocol):
    """Takes bytes for one key; hashes as it goes."""

    def write(self, data: bytes, /) -> int:
        """Append `data`."""
        ...

    def flush(self) -> None:
        """Do nothing but satisfy libraries that call it."""
        ...

    def written(self) -> Written:
        """Size and SHA-256 of all that was written so far."""
        ...


class Store(Protocol):
    """Bytes by key. Every method may raise FixThis or TryLater for what the machine refuses (rights, full disk)."""

    @property
    def abreast(self) -> int:
        """How many calls are made at once: 1 where waiting for one costs less than a thread."""
        ...

    def describe(self) -> str:
        """The store as a person knows it: an absolute folder, a bucket URL."""
        ...

    def read(self, key: str) -> bytes:
        """All bytes of `key`; raises Missing."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes of `key`; raises Missing."""
        ...

    def head(self, key: str) -> Entry | None:
        """The entry of `key`, None where there is none."""
        ...

    def list(self, prefix: str) -> Iterator[Entry]:
        """Entries of all keys below the folder `prefix`, sorted by key; "" is the whole store."""
        ...

    def writer(self, key: str, media: str = "") -> AbstractContextManager[Writer]:
        """Create `key` from a stream: whole under its name after a clean exit, not there at all otherwise.

        `media` is the media type that stores keep which know one; else it follows from the name.

        Raises:
            Exists: at exit, when the key is there already.
        """
        ...

    def create(self, key: str, data: bytes, media: str = "") -> Written:
        """Create `key` at once; raises Exists. `media` is as in `writer`."""
        ...

    def replace(self, key: str, data: bytes, expected: str | None) -> str:
        """Put `data` under `key` if its tag is still `expected` (None: if there is no such key); the new tag.

        Durable against power loss when it returns.

        Raises:
            Conflict: the key changed since.
        """
        ...

    def copy(self, source: str, target: str) -> None:
        """Show `source` under `target` too, whatever was there, in one step; raises Missing."""
        ...

    def delete(self, key: str) -> None:
        """Take `key` away, and folders that it leaves empty; a missing key is fine."""
        ...

    def entries(self, folder: str) -> tuple[Entry, ...]:
        """What lies in `folder` itself, links included, sorted by key; none where there is no such folder.

        Raises:
            FixThis: a folder, or what is neither file nor link, lies in it; a link leads to it.
        """
        ...

    def replaceable(self, folder: str) -> None:
        """Do nothing if the whole content of `folder`, which need not exist, may be replaced.

        Raises:
            FixThis: it is the store itself or Levada's own, lies behind a link, is no folder, or has folders in it.
        """
        ...

    def replace_folder(self, folder: str, files: Mapping[str, str]) -> bool:
        """Make `files` (name -> key that is shown under it) all that `folder` holds, in one step.

        A file in the folder that is none of them goes, whoever made it; whoever has the folder open still sees all of
        the old one, for an hour or so. Safe from power loss once `sync` was called.

        Returns:
            Whether anything changed: False if the folder held just these files.

        Raises:
            FixThis: as `replaceable` does; the folder is as it was.
            Missing: one of the keys is not there; the folder is as it was.
        """
        ...

    def sync(self, keys: Iterable[str]) -> None:
        """Make these keys (present, just deleted, or folders) safe from power loss."""
        ...

    def lock(self, key: str, holder: bytes) -> AbstractContextManager[None]:
        """Hold `key` alone while inside; freed by the death of the process. `holder` says who; raises Held."""
        ...

    def holding(self) -> None:
        """Do nothing while all locks that this process holds are its own.

        Raises:
            Lost: one may be another's: its holder stood still for too long.
        """
        ...

    def held(self, key: str) -> bytes | None:
        """What the present holder of the lock `key` wrote, None if nobody holds it."""
        ...

    def tidy(self, before: datetime) -> None:
        """Clear away what writers that died before `before` left half done."""
        ...


def checked_key(key: str) -> str:
    """`key` itself.

    Raises:
        FixThis: it is absolute, steps up, has an empty part, or holds what no file name can.
    """
    parts = key.split("/")
    if not _STEPS.isdisjoint(parts) or _UNWRITABLE.search(key):
        raise FixThis(
            f"{key!r} is no name for a lake file",
            where="lake",
            todo="use a relative name such as raw/sales/2022-08-09/1.json, without empty parts, `.` and `..`",
        )
    return key


def checked_folder(folder: str) -> str:
    """`folder` itself.

    Raises:
        FixThis: it is no name for a folder of the lake, or the control folder, or in it.
    """
    # Some file systems tell names apart that differ in case, others do not.
    if checked_key(folder).split("/")[0].casefold() == CONTROL:
        raise FixThis(
            f"{CONTROL}/ is Levada's own folder",
            where=folder,
            todo="name another folder; what lies there is only changed through Levada",
        )
    return folder
