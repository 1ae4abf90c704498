"""Where a partition's control files lie: `_levada/<pipeline>/<stream>/<partition>/`: lock, commit.json, runs/<run>/."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from urllib.parse import quote, unquote

from levada.lake.store import CONTROL, Store

__all__ = ["Area", "area_of_folder", "areas", "areas_of", "committed", "listed"]

#: Parts of a control key before the file: `_levada`, pipeline, stream, partition.
_DEPTH = 4
RECORD = "commit.json"
#: Characters of a quoted name that file systems take (255) with room to spare; longer ones are hashed.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Area:
    """One partition of one stream in one store."""

    store: Store
    pipeline: str
    stream: str
    partition: str

    def __str__(self) -> str:
        return f"{self.pipeline}/{self.stream} {self.partition}"

    @property
    def folder(self) -> str:
        """The key prefix of all its control files; a name can never add a folder."""
        return "/".join((CONTROL, *map(_quoted, (self.pipeline, self.stream, self.partition))))

    @property
    def of_folder(self) -> bool:
        """Whether it is a folder that jobs fill, whatever the partition."""
        return self.partition.endswith("/")

    @property
    def lock(self) -> str:
        """The key that the holder of the partition locks."""
        return f"{self.folder}/lock"

    @property
    def turn(self) -> str:
        """The key that a run locks which moves the stream's cursor: such runs follow one another."""
        return "/".join((CONTROL, _quoted(self.pipeline), _quoted(self.stream), "cursor.lock"))

    @property
    def commit(self) -> str:
        """The key of the commit record."""
        return f"{self.folder}/{RECORD}"

    @property
    def runs(self) -> str:
        """The folder of the run folders."""
        return f"{self.folder}/runs"

    def run(self, run: str, *parts: str) -> str:
        """A key in the folder of `run`, or the folder itself."""
        return "/".join((self.runs, run, *parts))

    def run_of(self, key: str) -> str | None:
        """The run in whose folder `key` lies, None if it lies in none of this partition."""
        start = f"{self.runs}/"
        return key[len(start) :].partition("/")[0] if key.startswith(start) else None

    def named(self, key: str) -> str:
        """`key` as a person finds it."""
        return f"{self.store.describe()}/{key}"


def area_of_folder(store: Store, pipeline: str, stream: str, folder: str) -> Area:
    """The area of a folder that jobs fill: its partition is the folder's name with a slash, which no partition has."""
    name = f"{folder}/"
    if len(_quoted(name)) > _LONGEST:
        name = f"{sha256(folder.encode()).hexdigest()}/"
    return Area(store, pipeline, stream, name)


@lru_cache(maxsize=4096)  # a job of four pages asks 120 times: 0.7 ms of its 15
def _quoted(name: str) -> str:
    return quote(name, safe=" ")


def areas(store: Store, *names: str) -> dict[Area, list[str]]:
    """The partitions that the lake, a pipeline, or a stream of one has control files of, with their keys, sorted."""
    return _below(store, *names)


def areas_of(store: Store, pipeline: str, stream: str) -> dict[Area, list[str]]:
    """The partitions of one stream, as `areas` has them."""
    return _below(store, pipeline, stream)


def committed(store: Store, *names: str) -> Iterator[Area]:
    """The partitions with a commit record, sorted by their folders: of the lake, a pipeline, or a stream of one."""
    return (area for area, key in _keys(store, *names) if key == area.commit)


def listed(store: Store, *names: str) -> Iterator[tuple[Area, list[str]]]:
    """The same with those that have no commit record, each with its keys, one at a time."""
    for area, some in groupby(_keys(store, *names), itemgetter(0)):
        yield area, [key for _, key in some]


def _below(store: Store, *names: str) -> dict[Area, list[str]]:
    found: dict[Area, list[str]] = {}
    for area, key in _keys(store, *names):
        found.setdefault(area, []).append(key)
    return found


def _keys(store: Store, *names: str) -> Iterator[tuple[Area, str]]:
    """The control files of the lake, a pipeline, or a stream of one, each with the partition that it is of."""
    for entry in store.list("/".join((CONTROL, *map(_quoted, names)))):
        parts = entry.key.split("/")
        if len(parts) > _DEPTH:
            pipeline, stream, partition = (unquote(part) for part in parts[1:_DEPTH])
            yield Area(store, pipeline, stream, partition), entry.key
