"""Whether the lake still holds what a commit record says, by SHA-256."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from levada.errors import TryLater
from levada.lake.abreast import each
from levada.lake.area import Area
from levada.lake.record import Record
from levada.lake.store import Conflict, Entry, Missing, Store
from levada.nouns import LakeFile

__all__ = [
    "LINK",
    "Problem",
    "check_file",
    "check_files",
    "check_key",
    "digest",
    "holds",
    "problems_of",
    "same",
    "sha256",
]

_BLOCK = 1024 * 1024
#: Said instead of a SHA-256: somebody put a link there, and what it leads to is none of ours.
LINK = "a symbolic link"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of a commit that is not what the record says: its kept bytes, or the public name that shows them."""

    file: LakeFile
    #: The key that was looked at: the file's key or its public name.
    key: str
    expected: str
    #: SHA-256 of what lies there now, or `LINK`; None where nothing does.
    found: str | None

    def __str__(self) -> str:
        state = "is missing" if self.found is None else "was changed since it was committed"
        found = "none" if self.found is None else self.found
        return f"{self.key} {state} (SHA-256 expected {self.expected}, found {found})"


def sha256(store: Store, key: str) -> str | None:
    """SHA-256 of the bytes of `key` in hex, read in blocks; None where there is no such key; `LINK` for a link."""
    return _found(store, key, store.head(key))


def _found(store: Store, key: str, there: Entry | None) -> str | None:
    return None if there is None else LINK if there.link else digest(store, key)


def digest(store: Store, key: str) -> str | None:
    """The same of a key that is known to be there and no link.

    Raises:
        TryLater: the key was replaced while it was read.
    """
    total = hashlib.sha256()
    try:
        with store.open(key) as stream:
            while block := stream.read(_BLOCK):
                total.update(block)
    except Missing:
        return None
    except Conflict:
        raise TryLater(
            f"{key} was replaced while it was read", where=f"{store.describe()}/{key}", todo="run again"
        ) from None
    return total.hexdigest()


def check_key(store: Store, file: LakeFile) -> list[Problem]:
    """What is wrong with the kept bytes of a file, its public name left aside."""
    return _checked(store, file, file.key, store.head(file.key))


def check_file(store: Store, file: LakeFile) -> list[Problem]:
    """What is wrong with one file: its key first, then its public name, which is read only if its tag differs."""
    kept = store.head(file.key)
    problems = _checked(store, file, file.key, kept)
    if file.public is None:
        return problems
    shown = store.head(file.public)
    if not problems and kept is not None and shown is not None and kept.tag == shown.tag:
        return []
    return [*problems, *_checked(store, file, file.public, shown)]


def _checked(store: Store, file: LakeFile, key: str, there: Entry | None) -> list[Problem]:
    found = _found(store, key, there)
    return [] if found == file.sha256 else [Problem(file, key, file.sha256, found)]


def check_files(area: Area, record: Record) -> list[Problem]:
    """What is wrong with the files of a record, in their order; empty when all is well."""
    return problems_of(area.store, check_file, record.files)


def problems_of(
    store: Store, check: Callable[[Store, LakeFile], list[Problem]], files: Iterable[LakeFile]
) -> list[Problem]:
    """What `check` finds wrong with these files, in their order."""
    return [problem for found in each(store, lambda file: check(store, file), files, reading=True) for problem in found]


def same(store: Store, one: str, other: str) -> bool:
    """Whether two keys are known to hold the same bytes without reading them; `other` is the one that may be gone."""
    there = store.head(other)
    return there is not None and holds(store, one, there)


def holds(store: Store, key: str, there: Entry) -> bool:
    """Whether `key` is known to hold the same bytes as what is `there`, without reading them."""
    entry = store.head(key)
    return entry is not None and entry.tag == there.tag
