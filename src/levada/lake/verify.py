"""Whether the lake still holds what a commit record says, by SHA-256."""

import hashlib
from dataclasses import dataclass

from levada.errors import TryLater
from levada.lake.area import Area
from levada.lake.record import Record
from levada.lake.store import Missing, Store
from levada.nouns import LakeFile

__all__ = ["LINK", "Problem", "check_file", "check_files", "check_key", "digest", "read_file", "same", "sha256"]

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
    entry = store.head(key)
    return LINK if entry is not None and entry.link else digest(store, key)


def digest(store: Store, key: str) -> str | None:
    """The same of a key that is known to be no link."""
    total = hashlib.sha256()
    try:
        with store.open(key) as stream:
            while block := stream.read(_BLOCK):
                total.update(block)
    except Missing:
        return None
    return total.hexdigest()


def read_file(store: Store, file: LakeFile) -> bytes:
    """The kept bytes of a file, which are what its record says; raises Missing.

    Raises:
        TryLater: other bytes came back than were committed.
    """
    data = store.read(file.key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise TryLater(
            f"{file.key}: what was read is not what was committed (its SHA-256 is another)",
            where=f"{store.describe()}/{file.key}",
            todo="run again; if it happens twice, the file is damaged: fetch the partition again with `levada run`",
        )
    return data


def check_key(store: Store, file: LakeFile) -> list[Problem]:
    """What is wrong with the kept bytes of a file, its public name left aside."""
    found = sha256(store, file.key)
    return [] if found == file.sha256 else [Problem(file, file.key, file.sha256, found)]


def check_file(store: Store, file: LakeFile) -> list[Problem]:
    """What is wrong with one file: its key first, then its public name, which is read only if its tag differs."""
    problems = check_key(store, file)
    if file.public is not None and (problems or not same(store, file.key, file.public)):
        shown = sha256(store, file.public)
        if shown != file.sha256:
            problems.append(Problem(file, file.public, file.sha256, shown))
    return problems


def check_files(area: Area, record: Record) -> list[Problem]:
    """What is wrong with the files of a record, in their order; empty when all is well."""
    return [problem for file in record.files for problem in check_file(area.store, file)]


def same(store: Store, one: str, other: str) -> bool:
    """Whether two keys are known to hold the same bytes without reading them."""
    first, second = store.head(one), store.head(other)
    return first is not None and second is not None and first.tag == second.tag
